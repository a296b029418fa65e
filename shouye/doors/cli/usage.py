"""命令写错了 — what is wrong with a command line, said in Chinese, with the command that explains it."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Sequence
from typing import Any

import typer
from rich.console import RenderableType
from rich.style import StyleType
from rich.table import Table
from rich.text import Text
from typer import rich_utils
from typer.core import TyperGroup

from shouye.base.kernel import DatabaseAway, DatabaseBroken, SchemaIncomplete, schema_wrong

_SENTENCES = (
    (r"No such command '?(.+?)'?\.(?: .*)?", "没有命令 {}"),
    (r"No such option: (\S+)(?: \(Possible options: (.+)\))?", "没有选项 {}，是不是 {}"),
    (r"Option '(.+)' requires an? .+", "选项 {} 后面要写值"),
    (r"Missing option '(\S+?)'.*", "缺少选项 {}"),
    (r"Missing argument '(.+)'\.", "缺少参数 {}"),
    (r"Got unexpected extra arguments? ?(?:\(s\) )?\((.+)\)", "多写了 {}"),
    (r"Invalid value for '(.+?)': .*valid number.*", "{} 应是数"),
    (r"Invalid value for '(.+?)': .*valid integer.*", "{} 应是整数"),
    (r"Invalid value for '(.+?)': .*'(.+)' is not one of (.+)\.", "{} 不能是 {}，只能是 {}"),
    (r"Invalid value for '(.+?)': .*(greater|less) than or equal to (.+)", "{} 应{}{}"),
    (r"Invalid value for '(.+?)': .*'(.+)' does not exist\.?", "{}：没有 {}"),
    (r"Invalid value for '(.+?)': (.+)", "{} 的值不对：{}"),
)
_WORDS = {"greater": "不小于 ", "less": "不大于 "}


def sentence(message: str) -> str:
    """What the parser holds against the line, in Chinese; a sentence it has not said before stays as it is."""
    for pattern, chinese in _SENTENCES:
        found = re.fullmatch(pattern, message.strip(), re.DOTALL)
        if found:
            said = [
                _WORDS.get(word, word).replace("', '", "、").strip("'")
                for word in found.groups()
                if word is not None
            ]
            whole = chinese if len(said) == chinese.count("{}") else chinese.partition("，")[0]
            return whole.format(*said)
    return message


def _plain(word: str) -> str:
    return _WORDS.get(word, word).replace("', '", "、").strip("'")


class CommandLine(TyperGroup):
    """命令行入口 — a command line that cannot be understood ends with 2 and one Chinese sentence."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        given = (args, prog_name or "shouye", complete_var, False, windows_expand_args)
        _explain_help(self)
        if not standalone_mode:
            return super().main(*given, **extra)
        try:
            code = super().main(*given, **extra)
        except typer.TyperException as wrong:
            if said := _said(wrong):
                typer.echo(said, err=True)
            sys.exit(getattr(wrong, "exit_code", 2))
        except typer.Abort:
            typer.echo("已中止。", err=True)
            sys.exit(1)
        except (DatabaseBroken, OSError) as failure:
            if not (told := outside(failure)):
                raise
            typer.echo(told, err=True)
            sys.exit(2)
        sys.exit(code if isinstance(code, int) else 0)


def _explain_help(command: Any) -> None:
    """The one option that the parser itself adds, of this command and of all below it."""
    if option := command.get_help_option(typer.Context(command)):
        option.help = "显示这段说明"
    for below in getattr(command, "commands", {}).values():
        _explain_help(below)


_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


def outside(failure: DatabaseBroken | OSError) -> str:
    """What is wrong with the machine, not with the program; nothing for what is ours to mend."""
    if isinstance(failure, OSError):
        return (
            f"读写文件不成：{failure.strerror}（{failure.filename or '磁盘'}）。" if failure.errno in _DISK else ""
        )
    if schema_wrong(failure):
        return SchemaIncomplete(str(failure.orig).splitlines()[0]).message
    if isinstance(failure, DatabaseAway) or type(failure) is DatabaseBroken:
        return f"数据库连不上、读不通或写不进：{str(failure.orig).splitlines()[0]}。"
    return ""


def _said(wrong: typer.TyperException) -> str:
    """The sentence and where to read on; nothing where help was printed instead of an error."""
    context = getattr(wrong, "ctx", None)
    message = getattr(wrong, "format_message", wrong.__str__)()
    if not message:
        return ""
    if context is None:
        return f"命令写得不对：{sentence(message)}。"
    return f"命令写得不对：{sentence(message)}。写法见 {context.command_path} --help"


class _Folded(Table):
    """帮助里的表 — Chinese has no spaces to break at: without folding a narrow terminal cuts the sentence off."""

    def add_row(
        self, *cells: RenderableType | None, style: StyleType | None = None, end_section: bool = False
    ) -> None:
        super().add_row(*cells, style=style, end_section=end_section)
        for column in self.columns:
            column.overflow = "fold"


def _joined(parts: list[Text]) -> Text:
    """One text where typer sets parts beside each other, each cut for itself."""
    return Text(" ").join(parts)


for _name, _ours in (("Table", _Folded), ("Columns", _joined)):  # typer offers no setting for it
    setattr(rich_utils, _name, _ours)
rich_utils.ARGUMENTS_PANEL_TITLE = "参数"
rich_utils.OPTIONS_PANEL_TITLE = "选项"
rich_utils.COMMANDS_PANEL_TITLE = "命令"
rich_utils.REQUIRED_LONG_STRING = "[必填]"
rich_utils.DEFAULT_STRING = "[缺省：{}]"
rich_utils.ENVVAR_STRING = "[环境变量：{}]"
