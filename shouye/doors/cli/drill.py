"""演练命令 — `shouye drill STORM.csv`: play a storm on a city, tell the night, write the record and the papers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from shouye.after import review
from shouye.base.kernel import BEIJING, AlertLevel, BadInput, Refusal, word_of
from shouye.base.roster import DivisionLevel, Roster
from shouye.watch.intake import Storm

STYLES = {"BLUE": "bold white on blue", "YELLOW": "bold black on yellow", "ORANGE": "bold black on dark_orange"}
STYLES |= {"RED": "bold white on red"}


class Staged(Protocol):
    """A drill made ready: what the command needs of it."""

    @property
    def storm(self) -> Storm: ...

    @property
    def laying(self) -> review.Laying: ...

    @property
    def plan(self) -> review.DrillPlan: ...

    @property
    def roster(self) -> Roster: ...

    @property
    def begins(self) -> datetime: ...

    @property
    def ends(self) -> datetime: ...

    @property
    def now(self) -> datetime: ...

    def result(self) -> review.DrillResult: ...

    def papers(self, result: review.DrillResult) -> review.DrillPapers: ...

    def play(self, progress: Callable[[datetime], None], until: datetime | None = None) -> None: ...

    def serve(
        self,
        host: str,
        port: int,
        speed: float,
        stop: threading.Event,
        say: Callable[[str], None],
        complain: Callable[[str], None],
        stay: bool = False,
    ) -> None:
        """Follow the clock at this speed with the console open; to the end, or on and on when it is to stay.

        When the machine does not follow, it complains once.
        """


class Stage(Protocol):
    """演练台 — makes drills; given by the assembly, which alone knows every room."""

    def city(self, name: str) -> Path: ...

    def folder(self, wanted: Path | None) -> AbstractContextManager[Path]: ...

    def prepare(self, plan: review.DrillPlan, folder: Path, *, resume: bool = False) -> Staged: ...


def make_drill(stage: Stage) -> Callable[..., None]:
    """The command, bound to the assembly that can stage a drill."""

    def drill(
        storm: Annotated[
            Path, typer.Argument(help="暴雨过程 CSV：time,station,rain_1h_mm（或其他时段）", dir_okay=False)
        ],
        city: Annotated[str, typer.Option("--city", help="城市：cities 下的目录名，或目录路径")] = "datong",
        start: Annotated[str | None, typer.Option("--start", help="把过程移到这一时刻开始（北京时间）")] = None,
        speed: Annotated[str, typer.Option("--speed", help="max 尽快演完；数字为倍速，并打开控制台")] = "max",
        seed: Annotated[int, typer.Option("--seed", help="随机种子；同一种子结果逐字节相同")] = 1,
        people: Annotated[
            Path | None,
            typer.Option("--people", help="被叫人应答行为 TOML，默认用城市的 people.toml", exists=True),
        ] = None,
        out_json: Annotated[Path | None, typer.Option("--json", help="演练记录写到此文件")] = None,
        out_dir: Annotated[Path | None, typer.Option("--out", help="总结、名单、记录写到此目录")] = None,
        data: Annotated[
            Path | None,
            typer.Option("--data", help="数据目录：演练的库；不给则用 --out 的目录，再不给则不留"),
        ] = None,
        resume: Annotated[
            bool, typer.Option("--resume", help="接着演：从数据目录里上次中断的时刻继续；还没有开演就从头演")
        ] = False,
        watch_from: Annotated[
            str | None, typer.Option("--watch-from", help="倍速演练：此刻之前尽快演完，从此刻起按倍速看")
        ] = None,
        you_decide: Annotated[
            bool, typer.Option("--you-decide", help="签发、接手、派人由你在控制台办，不用模拟决策人")
        ] = False,
        stay: Annotated[bool, typer.Option("--stay", help="倍速演练：过程结束后控制台仍开着")] = False,
        host: Annotated[str, typer.Option("--host", help="控制台地址")] = "127.0.0.1",
        port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="控制台端口")] = 8080,
        quiet: Annotated[bool, typer.Option("--quiet", help="不打印时间线")] = False,
    ) -> None:
        """把一场暴雨放到城市里演一遍：何时越线、谁签发、谁应答、谁没叫到。"""
        console = Console(highlight=False, soft_wrap=True)
        try:
            plan = review.DrillPlan(
                storm=storm,
                city=stage.city(city),
                seed=seed,
                start=instant(start),
                people=people,
                simulated_deciders=not you_decide,
            )
            pace = speed_of(speed)
            if resume and data is None and out_dir is None:
                raise BadInput("接着演要用 --data 指明数据目录")
            with stage.folder(data or out_dir) as folder:
                staged = stage.prepare(plan, folder, resume=resume)
                tell_laying(console, staged)
                if staged.now > staged.begins:
                    console.print(f"接着演：从 {staged.now:%m-%d %H:%M:%S} 继续")
                if pace is None:
                    play_through(console, staged)
                else:
                    watch(console, staged, pace, instant(watch_from), host, port, stay)
                result = staged.result()
                papers = staged.papers(result)
                if not quiet:
                    tell_night(console, result)
                tell_sums(console, result)
                write(console, papers, out_json, out_dir)
        except Refusal as refusal:
            Console(stderr=True).print(refusal.message, style="bold")
            raise typer.Exit(2) from None

    return drill


def instant(text: str | None) -> datetime | None:
    """A moment as typed; without a zone it is Beijing time."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"时刻“{text}”不可辨认，应如 2021-07-20T22:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)


def speed_of(text: str) -> float | None:
    """None for max."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= 100_000:
        raise BadInput(f"倍速“{text}”应为 max 或大于 0 的数")
    return speed


def play_through(console: Console, staged: Staged) -> None:
    """Discrete-event to the end, with a bar that shows the drill's own time."""
    whole = (staged.ends - staged.begins).total_seconds()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("演练", total=whole)

        def move(at: datetime) -> None:
            done = (at - staged.begins).total_seconds()
            bar.update(task, completed=done, description=f"演练 {at:%m-%d %H:%M}")

        staged.play(move)


def watch(
    console: Console, staged: Staged, pace: float, watch_from: datetime | None, host: str, port: int, stay: bool
) -> None:
    """Fast up to the moment one wants to see, then at speed, with the console open, until Ctrl-C."""
    if watch_from is not None:
        console.print(f"先尽快演到 {watch_from:%m-%d %H:%M} ……")
        staged.play(lambda _: None, watch_from)
    stop, errors = threading.Event(), Console(stderr=True, soft_wrap=True)
    staged.serve(
        host,
        port,
        pace,
        stop,
        lambda line: console.print(line),
        lambda line: errors.print(line, style="bold"),
        stay,
    )


def tell_laying(console: Console, staged: Staged) -> None:
    storm, laying = staged.storm, staged.laying
    declared = storm.declared
    console.print(
        Text(f"演练 Simulation · {declared.title if declared and declared.title else storm.name}", "reverse")
    )
    if declared and declared.reconstructed:
        console.print("reconstructed: only the totals are real（重构：只有总量是真的）", style="bold")
    if laying.transposed:
        console.print("移植暴雨：这场雨不是本市的实测。", style="bold")
    for note in storm.notes:
        console.print(f"· {note}", style="dim")
    for row in storm.refused[:5]:
        console.print(f"· 第 {row.line} 行拒收：{row.reason}", style="dim")
    if len(storm.refused) > 5:
        console.print(f"· 共拒收 {len(storm.refused)} 行，其余见演练记录", style="dim")
    table = Table("过程测站", "本市测站", "县（区）", "同源合并", title="落站", title_justify="left", box=None)
    for item in laying.stations:
        virtual = "（虚拟演练站）" if item.virtual and "虚拟" not in item.station.name else ""
        name = f"{item.station.name}{virtual} {item.station.id}"
        county = staged.roster.division(item.station.county).name
        table.add_row(item.gauge, name, county, "、".join(item.merged))
    console.print(table)
    if laying.idle:
        names = "、".join(station.name for station in laying.idle)
        console.print(f"· 本次没有雨落到的测站：{names}（所在县雨情未知，不是平安）", style="dim")


def tell_night(console: Console, result: review.DrillResult) -> None:
    console.rule("时间线", align="left")
    for line in result.lines:
        moment = Text(f"{line.at:%m-%d %H:%M:%S} ")
        console.print(moment + badge(line.level) + Text(f" {line.text}" if line.level else line.text))


def tell_sums(console: Console, result: review.DrillResult) -> None:
    record = result.record
    calls = record["calls"]
    console.rule("提前量分解", align="left")
    lead = Table("通知", "级别", "地方", "感知", "决策", "叫醒中位", "最后一人", "到岗中位", box=None)
    for item, notice in zip(result.lead, record["notices"], strict=True):
        place = f"{notice['county_name']} {notice['term']}"
        parts = (item.sensing_s, item.deciding_s, item.waking_median_s, item.waking_last_s, item.acting_median_s)
        lead.add_row(item.notice, badge(notice["level"]), place, *map(span, parts))
    console.print(lead if record["notices"] else "没有签发通知。")
    console.rule("叫应", align="left")
    heads = ("应叫应", "已应答", "已接手", "撤回", "未结", "逾期", "报上级")
    keys = ("opened", "answered", "handed_over", "withdrawn", "open", "late", "escalated")
    sums = Table("单位", *heads, box=None)
    for column in sums.columns[1:]:
        column.justify = "right"
    rows: Sequence[tuple[str, dict[str, int]]] = [
        *((row["name"], row) for row in calls["by_county"]),
        *((DivisionLevel(level).word, row) for level, row in calls["by_level"].items()),
        ("合计", calls),
    ]
    for name, row in rows:
        sums.add_row(name, *(str(row[key]) for key in keys))
    console.print(sums)
    console.print("平衡：应叫应 = 已应答 + 已接手 + 撤回 + 未结")
    if result.unreached:
        console.print(f"从未叫到、由人接手或仍未结 {len(result.unreached)} 件：")
        for missed in result.unreached[:20]:
            console.print(f"  {missed['notice']} {missed['place']} {missed['post']}（呼 {missed['tries']} 次）")
        if len(result.unreached) > 20:
            console.print("  其余见叫应名单")


def write(console: Console, papers: review.DrillPapers, out_json: Path | None, out_dir: Path | None) -> None:
    reports = review.all_reports()
    if out_json is not None:
        out_json.parent.mkdir(parents=True, exist_ok=True)
        out_json.write_bytes(reports["record"].render(papers))
        console.print(f"演练记录：{out_json}")
    if out_dir is not None:
        out_dir.mkdir(parents=True, exist_ok=True)
        for report in reports.values():
            path = out_dir / report.filename
            path.write_bytes(report.render(papers))
            console.print(f"{report.term}：{path}")


def badge(level: str | None) -> Text:
    """Colour and word together, always; transfer stages are words without a colour."""
    if level is None:
        return Text("")
    return Text(
        f" {word_of(level)} ", STYLES.get(level, "reverse") if level in AlertLevel.__members__ else "reverse"
    )


def span(seconds: int | None) -> str:
    if seconds is None:
        return "—"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"
