"""Documents fetched and files dropped: once each, within bounds, never led astray."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from shouye.base.access import OPERATOR, WHOLE
from shouye.base.kernel import Database
from shouye.watch import feeds, observe, tally
from shouye.watch.feeds import BadFeed, Feed
from shouye.watch.feeds.blocks import check_block
from shouye.watch.feeds.service import recall
from tests.watch.feeds.town import body, documents, pushed, row, town, wait_for

CAP = Path(__file__).parents[2] / "frames" / "cap_gale_blue.xml"
Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = town(f"sqlite:///{tmp_path / 'town.db'}")
    yield found
    found.close()


def nothing(_headers: dict[str, str]) -> Answer:
    return 404, {}, b""


class Source:
    """A server of documents: what each path answers, and what it was asked."""

    def __init__(self) -> None:
        self.pages: dict[str, Callable[[dict[str, str]], Answer]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                source.asked.append((self.path, headers))
                status, more, content = source.pages.get(self.path, nothing)(headers)
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(ConnectionError):
                    self.wfile.write(content)

            def log_message(self, *_given: Any) -> None:
                """Nothing is printed."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def page(self, path: str, content: bytes, etag: str = "") -> None:
        def answer(headers: dict[str, str]) -> Answer:
            if etag and headers.get("if-none-match") == etag:
                return 304, {}, b""
            return 200, {"ETag": etag} if etag else {}, content

        self.pages[path] = answer


@pytest.fixture
def source() -> Iterator[Source]:
    found = Source()
    yield found
    found.server.shutdown()
    found.server.server_close()


def polled(source: Source, codec: str = "cap", path: str = "/feed", **options: Any) -> Feed:
    return documents(codec, options={"url": source.url + path, "every_s": 0.05, **options})


@contextmanager
def running(database: Database, feed: Feed) -> Iterator[None]:
    with feeds.reception(database, {feed.name: feed}):
        yield


def counted(database: Database) -> dict[str, int]:
    with database.read() as tx:
        return {one.what: one.count for one in tally.counts(tx)}


def test_a_document_is_taken_once_and_asked_for_gently(database: Database, source: Source) -> None:
    source.page("/feed", CAP.read_bytes(), etag='"v1"')
    with running(database, polled(source)):
        wait_for(lambda: counted(database).get("unchanged", 0) >= 2)
    asked = len(source.asked)
    assert source.asked[0][1].get("if-none-match") is None
    assert source.asked[1][1]["if-none-match"] == '"v1"'
    with running(database, polled(source)):
        wait_for(lambda: len(source.asked) > asked)
    assert source.asked[asked][1]["if-none-match"] == '"v1"', "a restart remembers"
    assert counted(database)["accepted"] == 1
    with database.read() as tx:
        assert [one.raw for one in feeds.signals(tx)] == [CAP.read_bytes()]


def test_a_source_without_etag_is_compared_by_content(database: Database, source: Source) -> None:
    source.page("/feed", CAP.read_bytes())
    with running(database, polled(source)):
        wait_for(lambda: counted(database).get("unchanged", 0) >= 2)
    assert counted(database)["accepted"] == 1
    assert "duplicate" not in counted(database)


INDEX = """<feed xmlns="http://www.w3.org/2005/Atom"><id>i</id><title>t</title><updated>2026-07-20T08:00:00+08:00</updated>
<entry><id>a</id><title>a</title><updated>2026-07-20T08:00:00+08:00</updated>
<link type="application/cap+xml" href="/alert.xml"/></entry>
<entry><id>b</id><title>b</title><updated>2026-07-20T08:00:00+08:00</updated>
<link type="application/cap+xml" href="http://elsewhere.invalid/alert.xml"/></entry></feed>"""


def test_an_index_is_followed_on_its_own_host_only(database: Database, source: Source) -> None:
    source.page("/feed", INDEX.encode())
    source.page("/alert.xml", CAP.read_bytes())
    with running(database, polled(source)):
        wait_for(lambda: counted(database).get("unchanged", 0) >= 3)
    assert [path for path, _ in source.asked].count("/alert.xml") == 1
    with database.read() as tx:
        assert [one.raw for one in feeds.signals(tx)] == [CAP.read_bytes()]


def test_what_is_wrong_is_counted_and_the_rest_goes_on(database: Database, source: Source) -> None:
    good = CAP.read_bytes()
    turns: list[Callable[[dict[str, str]], Answer]] = [
        lambda _: (302, {"Location": "http://192.0.2.1/feed"}, b""),
        lambda _: (500, {}, b""),
        lambda _: (200, {}, b"x" * 200_000),
        lambda _: (200, {}, b"<!DOCTYPE html><html>gone</html>"),
        lambda _: (302, {"Location": "/moved"}, b""),
    ]
    source.pages["/feed"] = lambda headers: (turns.pop(0) if len(turns) > 1 else turns[0])(headers)
    source.page("/moved", good)
    with running(database, polled(source, most_bytes=100_000)):
        wait_for(lambda: counted(database).get("accepted"))
    told = counted(database)
    assert (told["fetch: redirected elsewhere"], told["fetch: status 500"], told["fetch: too large"]) == (1, 1, 1)
    assert told["refused header"] == 1


def test_a_server_that_drips_is_left(database: Database, source: Source) -> None:
    def drip(_headers: dict[str, str]) -> Answer:
        time.sleep(0.5)
        return 200, {}, b""

    source.pages["/feed"] = drip
    with running(database, polled(source, timeout_s=0.2)):
        wait_for(lambda: counted(database).get("fetch: not reached"))


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><alert>&c;</alert>'
)


def test_an_xml_bomb_is_held_back_unopened(database: Database, source: Source) -> None:
    source.page("/feed", BOMB)
    with running(database, polled(source)):
        wait_for(lambda: counted(database).get("refused unsupported"))
    with database.read() as tx:
        (lying,) = tally.held(tx, WHOLE)
    assert (lying.raw, lying.detail) == (BOMB, "带有 DTD 或实体声明，一律不读")


@pytest.mark.parametrize("url", ["ftp://a/b", "file:///etc/passwd", "http://user:word@host/", "http:///nohost"])
def test_an_address_that_cannot_be_right_is_refused(url: str) -> None:
    transport = feeds.all_transports()["poll"]
    with pytest.raises(BadFeed):
        check_block(documents("cap", options={"url": url}), transport, "here")


def dropped(folder: Path, codec: str = "table", pattern: str = "*.csv", **settings: Any) -> Feed:
    mapping = {"station": "站名", "time": "时间", "time_format": "%Y-%m-%d %H:%M", "column.雨量(mm)": "rain_mm mm"}
    return pushed(
        name="folder",
        codec_name=codec,
        transport="folder",
        settings={**mapping, **settings},
        options={"path": str(folder), "pattern": pattern, "every_s": 0.05},
    )


def remembered(database: Database) -> object:
    with database.read() as tx:
        return recall(tx, "folder", "one.csv").get("size")


def test_a_dropped_file_is_read_row_by_row(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    lines = ["站名,时间,雨量(mm)", "a,2026-07-20 07:00,1.5", "b,2062-07-20 07:00,9", "b,2026-02-30 07:00,9", "b,x"]
    (folder / "one.csv").write_text("\n".join(lines), encoding="gb18030")
    with running(database, dropped(folder)):
        wait_for(lambda: counted(database).get("accepted") == 1)
        assert {key: value for key, value in counted(database).items() if key.startswith("refused ")} == {
            "refused length": 1,
            "refused time": 2,
        }
        (folder / "one.csv").write_text("\n".join([*lines[:2], "b,2026-07-20 07:00,2"]), encoding="utf-8")
        wait_for(lambda: counted(database).get("accepted") == 2)
        wait_for(lambda: remembered(database) == (folder / "one.csv").stat().st_size)
    before = counted(database)
    with running(database, dropped(folder)):
        time.sleep(0.3)
    assert counted(database) == before, "a restart reads nothing twice"
    with database.read() as tx:
        assert [one.value for one in observe.latest_all(tx, WHOLE)] == [1.5, 2.0]


def test_a_refused_row_can_be_tried_again(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "one.csv").write_text("站名,时间,雨量(mm)\nc,2026-07-20 07:00,1.5\n", encoding="utf-8")
    feed = dropped(folder)
    with running(database, feed):
        wait_for(lambda: counted(database).get("refused station"))
    with database.begin() as tx:
        (lying,) = tally.held(tx, WHOLE)
        mended = pushed(codec_name="table", settings=feed.settings, name="folder", stations={"c": "1"})
        (outcome,) = feeds.retry_held(tx, OPERATOR, mended, lying.id).outcomes
    assert outcome.standing.value == "accepted"


def test_a_missing_folder_is_said_before_it_starts(tmp_path: Path) -> None:
    with pytest.raises(BadFeed, match="没有文件夹"):
        check_block(dropped(tmp_path / "none"), feeds.all_transports()["folder"], "here")


def test_json_may_be_dropped_too(database: Database, tmp_path: Path) -> None:
    (tmp_path / "one.json").write_bytes(body(row("a", 0, 1.5)))
    feed = pushed(
        name="folder", transport="folder", options={"path": str(tmp_path), "pattern": "*.json", "every_s": 0.05}
    )
    with running(database, feed):
        wait_for(lambda: counted(database).get("accepted"))
