"""`shouye feeds` and pushing to a running program, as the department's engineer does it."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from shouye.base.access import WHOLE
from shouye.base.kernel import BEIJING, Database, Mode, WallClock
from shouye.base.roster import import_city, load_city
from shouye.doors.cli.feeds import make_feeds, masked
from shouye.main import CITIES, cli
from shouye.watch import feeds, observe
from tests.programs import Program, program

BLOCKS = """
[[feed]]
name = "push"
term = "推送"
owner = "应急局"
meaning = "雨量"
codec = "json_rows"
transport = "http"
interval_s = 300
sample = "sample.json"
stations = { gauge = "53594" }
"""


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["feeds", *words], env={"COLUMNS": "200"})


def rows(*values: float | None, station: str = "gauge") -> bytes:
    now = WallClock().now().astimezone(BEIJING).replace(second=0, microsecond=0)
    found = [
        {
            "station": station,
            "element": "rain_mm",
            "time": (now - timedelta(minutes=5 * at)).isoformat(),
            "value": mm,
        }
        for at, mm in enumerate(values)
    ]
    return json.dumps({"readings": found}).encode()


@pytest.fixture
def city(tmp_path: Path) -> Path:
    folder = tmp_path / "town"
    folder.mkdir()
    (folder / "feeds.toml").write_text(BLOCKS, encoding="utf-8")
    (folder / "sample.json").write_bytes(rows(1.0, None))
    return folder


def checked(city: Path, *words: str) -> Result:
    return CliRunner().invoke(make_feeds(lambda _: city), ["check", *words])


def test_the_blocks_of_datong_prove_themselves() -> None:
    told = run("check", "--city", str(CITIES / "datong"))
    assert told.exit_code == 0, told.output
    assert "样本 hydrology.hex：2 条，读数 6" in told.output


def test_a_sample_that_is_refused_fails_the_check(city: Path) -> None:
    assert checked(city).exit_code == 0
    (city / "sample.json").write_bytes(rows(1.0, station="other"))
    told = checked(city, "push")
    assert (told.exit_code, "不在接入块 push 的站点表里" in told.output) == (1, True)
    assert checked(city, "nobody").exit_code == 2
    (city / "feeds.toml").write_text("", encoding="utf-8")
    assert checked(city).exit_code == 2


def push(address: str, key: str, body: bytes) -> Any:
    asked = urllib.request.Request(
        f"{address}api/v1/push", body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return json.load(answer)


def page(running: Program) -> str:
    return running.wait_for(r"控制台：(http://\S+/)").group(1)


def test_what_a_running_program_accepted_survives_kill_9(tmp_path: Path) -> None:
    data = tmp_path / "data"
    url = f"sqlite:///{data / 'shouye.sqlite'}"
    body = json.dumps({"readings": json.loads(rows(2.5, 0))["readings"]}).replace("gauge", "53594").encode()
    with program("run", "--data", str(data), "--port", "0") as running:
        address = page(running)
        issue = ["access", "key", "issue", "-d", url, "--purpose", "push", "--feed", "push"]
        issued = CliRunner().invoke(cli, [*issue, "--division", "dt", "--days", "1"], env={"COLUMNS": "200"})
        found = re.search(r"sy_\S+", issued.output)
        assert found, issued.output
        key = found.group()
        with pytest.raises(urllib.error.HTTPError, match="401"):
            push(address, "sy_wrong", body)
        assert push(address, key, body)["accepted"] == 2
        running.kill()
    with program("run", "--data", str(data), "--port", "0") as running:
        assert push(page(running), key, body)["duplicate"] == 2
    told = run("status", "-d", url)
    assert re.search(r"HTTP 推送 +push +在收 .* 2 +2 +0 ", told.output), told.output


def test_the_quarantine_is_listed_shown_retried_and_emptied(city: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'q.sqlite'}"
    database = Database(url, WallClock())
    datong = load_city(CITIES / "datong")
    database.create(Mode.SIMULATION, datong.id)
    with database.begin() as tx:
        import_city(tx, datong)
    (feed,) = feeds.read_feeds(city / "feeds.toml").values()
    decode = feed.codec.decode_all
    assert decode is not None
    with database.begin() as tx:
        feeds.take(tx, [feeds.Parcel(feed, tuple(decode(rows(1.0, station="new"), feed.session_options)))])
    app = make_feeds(lambda _: city)

    def ask(*words: str) -> Result:
        return CliRunner().invoke(app, ["quarantine", *words], env={"COLUMNS": "200"})

    assert "不在接入块 push" in ask("list", "-d", url).output
    shown = ask("show", "-d", url, "1").output
    assert '"station": "new"' in shown
    assert "现在重试仍会拒收：测站 new 不在接入块 push" in shown
    assert "0 行" in ask("list", "-d", url, "--code", "time").output
    assert "已写出" in ask("raw", "-d", url, "1", str(tmp_path / "raw")).output
    assert b'"new"' in (tmp_path / "raw").read_bytes()
    (city / "feeds.toml").write_text(BLOCKS.replace("gauge =", "new ="), encoding="utf-8")
    assert ask("retry", "-d", url, "1").output == "已收\n"
    assert ask("retry", "-d", url, "1").exit_code == 2
    with database.read() as tx:
        assert [one.value for one in observe.latest_all(tx, WHOLE)] == [1.0]
    with database.begin() as tx:
        feeds.take(tx, [feeds.Parcel(feed, tuple(decode(b"{", feed.session_options)))])
    assert ask("drop", "-d", url, "2", "--reason", "坏文件").output == "已弃置\n"
    assert ask("show", "-d", url, "3").exit_code == 2
    database.close()


def test_a_password_on_the_wire_is_not_shown() -> None:
    assert masked(b"##0076QN=1;PW=123456;MN=A;CP=&&&&") == "##0076QN=1;PW=******;MN=A;CP=&&&&"
    assert masked(b"\x7e\x7e\x01") == "7E 7E 01"
