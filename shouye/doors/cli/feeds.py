"""接入命令 — `shouye feeds …`: prove the blocks of a city, see what came in, look into the quarantine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shouye.base.access import OPERATOR, WHOLE, log_read
from shouye.base.kernel import BadInput, NotFound, WallClock, iso
from shouye.doors.cli.look import Out, looking, measure_by, tell
from shouye.doors.cli.words import CityOption, FindCity, Where, opened, told
from shouye.doors.web import (
    Part,
    held_parts,
    held_sheet,
    length,
    reason,
    signals_sheet,
    source_sheets,
    sources_sheet,
)
from shouye.watch import feeds, tally
from shouye.watch.feeds import Feed
from shouye.watch.intake import Span, read_frames


def make_feeds(city: FindCity) -> typer.Typer:
    """The commands, bound to how the assembly finds a city."""
    app = typer.Typer(help="数据接入：检查接入块，看来数，处理隔离区。", no_args_is_help=True)
    quarantine = typer.Typer(help="隔离区：收不下的来数，原样留着。", no_args_is_help=True)
    app.command("check")(_make_check(city))
    app.command("status")(_make_status(city))
    app.command("show")(_make_show_feed(city))
    app.command("signals")(_make_signals(city))
    app.command("load")(_make_load(city))
    quarantine.command("list")(_make_list_held(city))
    quarantine.command("show")(_make_show(city))
    quarantine.command("retry")(_make_retry(city))
    quarantine.command("drop")(drop_held)
    quarantine.command("raw")(fetch_raw)
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
        console.print(
            f"    {one.station} {one.element} {iso(one.time)} = {value}（{length(one.step)}）", markup=False
        )
    if proof.unmapped:
        console.print(f"  没有对照、不入库的要素：{'、'.join(proof.unmapped[:20])}", markup=False)
    for (code, detail), many in Counter(proof.refused).most_common(10):
        console.print(f"  拒收 {many} 条 [{code}] {detail}", markup=False)
    return not proof.refused and bool(proof.readings or proof.records)


def _make_status(find: FindCity) -> Callable[..., None]:
    def status(database: Where, city: CityOption = "datong", out: Out = None) -> None:
        """看来数：在不在收、快慢、滞后，今天收了多少、重复、拒收和原因；听不到的在前。"""
        with looking(database, find(city)) as (place, sight):
            tell(place.mode, sources_sheet(place, sight), out)

    return status


def _make_show_feed(find: FindCity) -> Callable[..., None]:
    def show(
        name: Annotated[str, typer.Argument(help="接入块的名称")], database: Where, city: CityOption = "datong"
    ) -> None:
        """看一个来源：每个站最近的数，十四天里逐日的拒收和原因。"""
        with looking(database, find(city)) as (place, sight):
            stations, refusals = source_sheets(place, sight, name)
            tell(place.mode, stations, None)
            tell(place.mode, refusals, None)

    return show


def _make_signals(find: FindCity) -> Callable[..., None]:
    def signals(database: Where, city: CityOption = "datong", out: Out = None) -> None:
        """看官方预警：签名核验得怎样，哪些存疑；新听到的在前。"""
        with looking(database, find(city)) as (place, sight):
            tell(place.mode, signals_sheet(place, sight), out)

    return signals


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
            measure_by(found, find(city))
            known = blocks(find(city))
            if name not in known:
                raise NotFound(f"接入块 {name}")
            feed = known[name]
            messages = read_frames(file, feed.codec, feed.session_options)
            counts = Counter(one.standing for one in feeds.load(found, feed, messages, file.name))
            typer.echo("，".join(f"{standing.word} {counts[standing]}" for standing in feeds.Standing))

    return load


def _make_list_held(find: FindCity) -> Callable[..., None]:
    def listed(
        database: Where,
        feed: Annotated[str, typer.Option("--feed", help="只看这个来源")] = "",
        code: Annotated[str, typer.Option("--code", help="只看这个原因，如 time、station")] = "",
        state: Annotated[HeldState, typer.Option("--state", help="待处理、已重试、已弃置")] = HeldState.HELD,
        limit: Annotated[int, typer.Option("--limit", min=1, max=20_000)] = 50,
        city: CityOption = "datong",
        out: Out = None,
    ) -> None:
        """列出隔离区里的来数，新的在前。"""
        with looking(database, find(city)) as (place, sight):
            tell(place.mode, held_sheet(place, sight, feed, code, state.value, whole=True, most=limit), out)

    return listed


class HeldState(StrEnum):
    """处理状态。"""

    HELD = "held"
    RETRIED = "retried"
    DROPPED = "dropped"


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
        why = f"{reason(one.code)} [{one.code}] {one.detail}"
        typer.echo(f"{one.feed} {iso(one.at)} {why}　来自 {one.peer or '—'}，{one.size} 字节")
        typer.echo(masked(one.raw))
        if feed is not None:
            tell_spans(feeds.fields_of(feed, one.raw, one.code, one.station))
            for part in held_parts(feed, one, WallClock().now()):
                tell_part(part)

    return show


def tell_spans(spans: Iterable[Span]) -> None:
    """One field a line: its bytes, its term, what it says, why it cannot be."""
    for one in spans:
        place = f"{one.begin:04X}" + (f"–{one.end - 1:04X}" if one.end - one.begin > 1 else "")
        typer.echo(f"{place:<10}{one.term}　{one.said}" + (f"　<< {one.wrong}" if one.wrong else ""))


def tell_part(part: Part) -> None:
    """What the codec makes of it with the block as it is now, and whether it would be refused again."""
    if part.refused:
        typer.echo(f"译不出：{reason(part.refused)}，{part.reason}")
        return
    sent = f"，发送 {iso(part.sent)}" if part.sent else ""
    typer.echo(f"测站 {part.station or '（空）'} → {part.ours or '不在站点表里'}{sent}")
    for one in part.values:
        at = iso(one.at) if one.at else "没有时间"
        typer.echo(f"  {one.element} → {one.ours}：{one.value} {one.unit}　{at}　{one.flags}".rstrip())
    typer.echo(f"现在重试仍会拒收：{'；'.join(part.would)}" if part.would else "现在重试会收下")


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
            measure_by(found, find(city))
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


def fetch_raw(
    database: Where,
    number: Annotated[int, typer.Argument(help="隔离区里的号")],
    target: Annotated[Path, typer.Argument(help="写到哪个文件")],
) -> None:
    """取原始字节：口令没有遮盖，会记入查阅记录。"""
    with opened(database) as found, found.begin() as tx:
        one = tally.held_one(tx, WHOLE, number)
        log_read(tx, OPERATOR, "quarantine_raw", f"held:{number}")
        target.write_bytes(one.raw)
    typer.echo(f"已写出 {len(one.raw)} 字节：{target}")
