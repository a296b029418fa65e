"""规约命令 — `shouye codec list`, `shouye codec decode NAME FILE`: saved frames as JSON, one object each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from shouye.base.kernel import BadInput
from shouye.doors.cli.feeds import tell_spans
from shouye.doors.cli.words import told
from shouye.watch.intake import (
    Message,
    Refused,
    SessionOptions,
    all_codecs,
    all_layouts,
    codec_of,
    read_frames,
    spans_of,
)

codec_app = typer.Typer(help="通信规约：报文译码与检查。", no_args_is_help=True)


@codec_app.callback()
def codec() -> None:
    """通信规约：报文译码与检查。"""


@codec_app.command("list")
def list_codecs(as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False) -> None:
    """列出会说的规约、所依标准、是否经过实网验证。"""
    known = all_codecs()
    if as_json:
        rows = [
            {
                "name": name,
                "term": one.term,
                "source": one.source,
                "encodes": one.encode is not None,
                "session": one.session is not None,
                "mark": one.mark,
            }
            for name, one in known.items()
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table("名称", "规约", "依据", "编码", "会话", "说明")
    for name, one in known.items():
        table.add_row(name, one.term, one.source, _tick(one.encode), _tick(one.session), one.mark)
    Console().print(table)


@codec_app.command()
def decode(
    name: Annotated[str, typer.Argument(help="规约名称，见 shouye codec list", show_default=False)],
    file: Annotated[
        Path,
        typer.Argument(
            help="报文文件：每行一帧十六进制，或带 hex、packet 的 JSON；文档类规约给原文件", show_default=False
        ),
    ],
    source: Annotated[str, typer.Option("--source", help="来源，决定用谁的扩展要素表")] = "",
) -> None:
    """译出文件里的报文，每帧输出一行 JSON；拒收的帧给出原因。"""
    with told():
        for message in read_frames(file, codec_of(name), SessionOptions(source=source)):
            typer.echo(json.dumps(shown(message), ensure_ascii=False))


@codec_app.command()
def explain(
    name: Annotated[str, typer.Argument(help="规约名称，见 shouye codec list", show_default=False)],
    frame: Annotated[str, typer.Argument(help="一帧：十六进制，或报文本身", show_default=False)],
    source: Annotated[str, typer.Option("--source", help="来源，决定用谁的扩展要素表")] = "",
) -> None:
    """逐字段说明一帧的字节；拒收之处以“<<”标出。"""
    with told():
        options = SessionOptions(source=source)
        try:
            raw = bytes.fromhex(frame)
        except ValueError:
            raw = frame.encode()
        message = codec_of(name).decode(raw, options)
        if isinstance(message, Refused):
            typer.echo(f"拒收 [{message.code.value}] {message.detail}")
        if not (spans := spans_of(name, raw, options, message)):
            raise BadInput(f"规约 {name} 没有字节布局；可用：{'、'.join(all_layouts())}")
        tell_spans(spans)


def shown(message: Message) -> dict[str, Any]:
    """One message as the words a person or a program reads."""
    if isinstance(message, Refused):
        return {
            "ok": False,
            "refused": message.code.value,
            "detail": message.detail,
            "station": message.station,
            "function": "",
            "sent": None,
            "readings": [],
            "fields": {},
            "raw": message.raw.hex().upper(),
        }
    return {
        "ok": True,
        "refused": None,
        "detail": message.note,
        "station": message.station,
        "function": message.function,
        "sent": message.sent and message.sent.isoformat(),
        "readings": [
            {
                "element": reading.element,
                "time": reading.time and reading.time.isoformat(),
                "value": reading.value,
                "unit": reading.unit,
                "flags": list(reading.flags),
            }
            | ({"station": reading.station} if reading.station else {})
            for reading in message.readings
        ],
        "fields": dict(message.fields),
    }


def _tick(offered: object) -> str:
    return "有" if offered else "—"
