"""接入命令 — `shouye feeds …`: prove the blocks of a city, see what came in, look into the quarantine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from shouye.base.access import OPERATOR, WHOLE
from shouye.base.kernel import BadInput, NotFound, WallClock, iso
from shouye.doors.cli.words import CityOption, FindCity, Where, opened, told
from shouye.watch import feeds, tally
from shouye.watch.feeds import Feed
from shouye.watch.intake import Span, read_frames


def make_feeds(city: FindCity) -> typer.Typer:
    """The commands, bound to how the assembly finds a city."""
    app = typer.Typer(help="数据接入：检查接入块，看来数，处理隔离区。", no_args_is_help=True)
    quarantine = typer.Typer(help="隔离区：收不下的来数，原样留着。", no_args_is_help=True)
    app.command("check")(_make_check(city))
    app.command("status")(_make_status(city))
    app.command("load")(_make_load(city))
    quarantine.command("list")(list_held)
    quarantine.command("show")(_make_show(city))
    quarantine.command("retry")(_make_retry(city))
    quarantine.command("drop")(drop_held)
    app.add_typer(quarantine, name="quarantine")
    return app


def blocks(folder: Path) -> dict[str, Feed]:
    found = feeds.read_feeds(folder / "feeds.toml")
    if not found:
        raise BadInput(f"{folder.name} 没有 feeds.toml，或里面没有接入块")
    return found


def _make_check(find: FindCity) -> Callable[..., None]:
    def check(
        name: Annotated[str, typer.Argument(help="只查这一块；不给则全查")] = "",
        city: CityOption = "datong",
        sample: Annotated[Path | None, typer.Option("--sample", help="用这份样本，代替块里写的")] = None,
    ) -> None:
        """检查接入块：写法对不对，拿存好的样本试读一遍。

        样本里有拒收的，退出码 1。
        """
        with told():
            found = blocks(find(city))
            if name and name not in found:
                raise NotFound(f"接入块 {name}")
            bad = [one.name for one in found.values() if name in ("", one.name) and not _proved(one, sample)]
        if bad:
            raise typer.Exit(1)

    return check


def _proved(feed: Feed, sample: Path | None) -> bool:
    """Say what the block makes of its sample."""
    console = Console(highlight=False, soft_wrap=True)
    state = "" if feed.enabled else "（未启用）"
    console.print(
        f"{feed.name} {feed.term}{state}　{feed.owner}　{feed.codec.term}　{len(feed.stations)} 站", markup=False
    )
    path = sample or feed.sample
    if path is None:
        console.print("  没有样本，只查了写法")
        return True
    proof = feeds.prove(feed, read_frames(path, feed.codec, feed.session_options), WallClock().now())
    console.print(f"  样本 {path.name}：{proof.messages} 条，读数 {len(proof.readings)}，记录 {proof.records}")
    for one in proof.readings[:5]:
        value = "缺测" if one.value is None else f"{one.value:g}"
        step_min = one.step.total_seconds() / 60
        console.print(
            f"    {one.station} {one.element} {iso(one.time)} = {value}（{step_min:g} 分钟）", markup=False
        )
    if proof.unmapped:
        console.print(f"  没有对照、不入库的要素：{'、'.join(proof.unmapped[:20])}", markup=False)
    for (code, detail), many in Counter(proof.refused).most_common(10):
        console.print(f"  拒收 {many} 条 [{code}] {detail}", markup=False)
    return not proof.refused and bool(proof.readings or proof.records)


def _make_status(find: FindCity) -> Callable[..., None]:
    def status(database: Where, city: CityOption = "datong") -> None:
        """看来数：每个来源收了多少、重复、拒收、最后何时。"""
        with opened(database) as found, found.read() as tx:
            rows: dict[str, dict[str, tally.Count]] = {}
            for one in tally.counts(tx):
                rows.setdefault(one.feed, {})[one.what] = one
            table = Table("来源", "归口", "已收", "重复", "拒收", "最后收到", "其他")
            for name, feed in blocks(find(city)).items():
                mine = rows.get(name, {})
                heard = [mine[what].last_at for what in ("accepted", "duplicate", "noted", "test") if what in mine]
                main = ("accepted", "duplicate", "refused")
                rest = "，".join(f"{what} {one.count}" for what, one in mine.items() if what not in main)
                cells = [str(mine[what].count) if what in mine else "0" for what in main]
                last = iso(max(heard)) if heard else ("从未" if feed.enabled else "未启用")
                table.add_row(name, feed.owner, *cells, last, rest)
            Console().print(table)

    return status


def _make_load(find: FindCity) -> Callable[..., None]:
    def load(
        name: Annotated[str, typer.Argument(help="接入块的名称")],
        file: Annotated[Path, typer.Argument(help="文件：文档类给原文件（可 gzip），设备报文每行一帧")],
        database: Where,
        city: CityOption = "datong",
    ) -> None:
        """一次性导入：把一份存好的文件当作这个来源发来的。

        逐条收下，收不下的进隔离区。
        """
        with opened(database) as found:
            known = blocks(find(city))
            if name not in known:
                raise NotFound(f"接入块 {name}")
            feed = known[name]
            messages = read_frames(file, feed.codec, feed.session_options)
            counts = Counter(one.standing for one in feeds.load(found, feed, messages, file.name))
            typer.echo("，".join(f"{standing.word} {counts[standing]}" for standing in feeds.Standing))

    return load


def list_held(
    database: Where,
    feed: Annotated[str, typer.Option("--feed", help="只看这个来源")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 50,
) -> None:
    """列出隔离区里的来数，新的在前。"""
    with opened(database) as found, found.read() as tx:
        table = Table("号", "来源", "时间", "原因", "测站", "从哪来", "字节", "说明")
        for one in tally.held(tx, WHOLE, feed, limit=limit):
            row = (one.feed, iso(one.at), one.code, one.station, one.peer, str(one.size), one.detail)
            table.add_row(str(one.id), *row)
        Console().print(table)


def _make_show(find: FindCity) -> Callable[..., None]:
    def show(
        database: Where,
        number: Annotated[int, typer.Argument(help="隔离区里的号")],
        city: CityOption = "datong",
    ) -> None:
        """看一条：原始字节；规约说得清的，逐字段说明，拒收之处以“<<”标出。"""
        with opened(database) as found:
            with found.read() as tx:
                one = tally.held_one(tx, WHOLE, number)
            feed = blocks(find(city)).get(one.feed)
        typer.echo(f"{one.feed} {iso(one.at)} [{one.code}] {one.detail}　来自 {one.peer or '—'}，{one.size} 字节")
        typer.echo(masked(one.raw))
        if feed is not None:
            tell_spans(feeds.fields_of(feed, one.raw, one.code, one.station))

    return show


def tell_spans(spans: Iterable[Span]) -> None:
    """One field a line: its bytes, its term, what it says, why it cannot be."""
    for one in spans:
        place = f"{one.begin:04X}" + (f"–{one.end - 1:04X}" if one.end - one.begin > 1 else "")
        typer.echo(f"{place:<10}{one.term}　{one.said}" + (f"　<< {one.wrong}" if one.wrong else ""))


def masked(raw: bytes) -> str:
    """原文 — as text where it is text, else as hex; an access password on the wire is not shown."""
    bare = tally.without_secrets(raw)
    if any(byte < 9 or 13 < byte < 32 for byte in raw):
        return bare.hex(" ").upper()
    return bare.decode("utf-8", "replace")


def _make_retry(find: FindCity) -> Callable[..., None]:
    def retry(
        database: Where,
        number: Annotated[int, typer.Argument(help="隔离区里的号")],
        city: CityOption = "datong",
    ) -> None:
        """改好接入块以后，把这一条重新收一次。"""
        with opened(database) as found:
            known = blocks(find(city))
            with found.begin() as tx:
                one = tally.held_one(tx, WHOLE, number)
                if one.feed not in known:
                    raise NotFound(f"接入块 {one.feed}")
                receipt = feeds.retry_held(tx, OPERATOR, known[one.feed], number)
            for outcome in receipt.outcomes:
                typer.echo(f"{outcome.standing.word} {outcome.detail}".strip())

    return retry


def drop_held(
    database: Where,
    number: Annotated[int, typer.Argument(help="隔离区里的号")],
    reason: Annotated[str, typer.Option("--reason", help="为什么没有用")],
) -> None:
    """看过了，没有用：从隔离区拿走，计数、理由留着。"""
    with opened(database) as found, found.begin() as tx:
        tally.drop_held(tx, OPERATOR, number, reason)
    typer.echo("已弃置")
