"""封存 — one chain in order, one sealer at a time, every batch whole, and a key that is kept."""

from __future__ import annotations

import json
import os
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SM3, Hash
from sqlalchemy import create_engine, text

from shouye.base.kernel import (
    BadInput,
    Database,
    LeaseLost,
    Sealer,
    SealKey,
    SealSource,
    SimClock,
    Tx,
    WallClock,
    open_key,
    pace,
    play,
    read_anchor,
    sealed_head,
    to_ms,
    trusted_keys,
)
from shouye.base.kernel.seal import KeyExposed, KeyUnreadable
from tests.base.kernel.sealing import AT_ONCE, NOON, chain, head_of, judged, new, tell


@pytest.fixture
def key(tmp_path: Path) -> SealKey:
    return open_key(tmp_path / "keys")


@pytest.fixture
def database(database_url: str) -> Database:
    return new(database_url)


def sm3(content: bytes) -> str:
    digest = Hash(SM3())
    digest.update(content)
    return digest.finalize().hex()


def test_the_digest_is_the_one_of_the_standard() -> None:
    """GB/T 32905-2016, annex A.1."""
    assert sm3(b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_the_chain_can_be_followed_with_other_tools(database: Database, key: SealKey) -> None:
    """Everything the seal rests on, worked out here from the rows as a stranger reads them."""
    tell(database, range(5))
    assert Sealer(key, "a", batch=2).seal_all(database) == 5
    with database.engine.connect() as connection:
        seals = connection.execute(text("SELECT seq, fact, digest, sealed_at, fence FROM seal ORDER BY seq")).all()
        facts = {
            row[0]: row
            for row in connection.execute(text("SELECT id, at, kind, version, subject, actor, body FROM fact"))
        }
        heads = connection.execute(text("SELECT seq, digest, public_key, signature FROM seal_head")).all()
        connection.rollback()
    digest = sm3(b'{"city":"datong","mode":"Simulation"}')
    for seq, fact, sealed, sealed_at, fence in seals:
        content = json.dumps([seq, sealed_at, fence, *facts[fact]], ensure_ascii=False, separators=(",", ":"))
        digest = sm3(digest.encode() + content.encode())
        assert (digest, sealed_at, fence) == (sealed, to_ms(NOON), 1)
    assert [row.seq for row in heads] == [2, 4, 5]
    assert heads[-1].digest == digest
    said = {"at": "2026-07-20T12:00:00.000+08:00", "city": "datong", "digest": digest, "mode": "Simulation"}
    message = json.dumps({**said, "first": 5, "seq": 5}, sort_keys=True, separators=(",", ":")).encode()
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(heads[-1].public_key))
    public.verify(bytes.fromhex(heads[-1].signature), message)


def test_what_is_sealed_stays_sealed_and_the_next_goes_on(database: Database, key: SealKey) -> None:
    sealer = Sealer(key, "a", batch=4)
    tell(database, range(6))
    assert sealer.seal_all(database) == 6
    tell(database, range(6, 9))
    assert judged(database).unsealed == 3
    assert sealer.seal_all(database) == 3
    assert [seq for seq, _ in chain(database)] == list(range(1, 10))
    verdict = judged(database, frozenset([key.public]), head_of(database))
    assert verdict.intact
    assert (verdict.sealed, verdict.unsealed) == (9, 0)
    assert len(verdict.proves()) == 3


def test_nothing_to_seal_leaves_no_head(database: Database, key: SealKey) -> None:
    assert Sealer(key, "a").seal_all(database) == 0
    with database.read() as tx:
        assert sealed_head(tx) is None
    verdict = judged(database)
    assert verdict.intact
    assert verdict.proves() == []


def test_a_sealer_that_stopped_between_batches_is_continued(database: Database, key: SealKey) -> None:
    tell(database, range(10))
    first = Sealer(key, "a", batch=3, lasts=AT_ONCE)
    while not first.seal_batch(database):
        pass
    assert len(chain(database)) == 3
    assert Sealer(key, "b", batch=3, lasts=AT_ONCE).seal_all(database) == 7
    assert judged(database, frozenset([key.public])).intact


def test_a_batch_that_is_cut_off_leaves_nothing(database: Database, key: SealKey) -> None:
    tell(database, range(10))
    sealer = Sealer(key, "a", batch=4)
    while not sealer.seal_batch(database):
        pass

    def power_cut(tx: Tx) -> None:
        if tx.run(text("SELECT count(*) FROM seal")).scalar() > 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sealer.seal_batch(database.fenced(power_cut))
    assert len(chain(database)) == 4
    assert judged(database).intact
    assert sealer.seal_all(database) == 6
    assert judged(database).intact


def test_a_sealer_with_a_stale_fence_writes_nothing(database: Database, key: SealKey) -> None:
    tell(database, range(3))
    old = Sealer(key, "old", lasts=AT_ONCE)
    assert old.seal_all(database) == 3
    tell(database, range(3, 6))
    young = Sealer(key, "young", lasts=timedelta(minutes=1))
    assert young.seal_all(database) == 3
    tell(database, range(6, 9))
    before = chain(database)
    assert [old.seal_batch(database) for _ in range(5)] == [0] * 5
    assert chain(database) == before
    young.leave(database)
    assert old.seal_all(database) == 3, "it may take the role again, with a new number"
    with database.engine.connect() as connection:
        fences = connection.execute(text("SELECT fence FROM seal ORDER BY seq")).scalars().all()
        connection.rollback()
    assert fences == [1] * 3 + [2] * 3 + [3] * 3
    assert judged(database, frozenset([key.public])).intact


def test_a_fence_lost_between_reading_and_writing_is_noticed(database: Database, key: SealKey) -> None:
    """The rival takes the role in the instant in which the old sealer has worked out its links."""
    tell(database, range(3))
    rival = Sealer(key, "rival", lasts=timedelta(minutes=1))

    class Slow(SealKey):
        def sign(self, message: str) -> str:
            rival.seal_all(database)
            return super().sign(message)

    slow = Sealer(Slow(key.private), "slow", lasts=AT_ONCE)
    assert slow.seal_all(database) == 0
    assert [fact for _, fact in chain(database)] == [1, 2, 3]
    assert judged(database, frozenset([key.public])).intact


def test_two_sealers_and_a_writer_at_once(database: Database, key: SealKey) -> None:
    """Roles change hands all the time, facts arrive all the time: one chain, every fact once."""
    stop, failed = threading.Event(), []

    def work(name: str) -> None:
        sealer = Sealer(key, name, batch=5, lasts=AT_ONCE)
        try:
            while not stop.is_set():
                sealer.seal_batch(database)
        except Exception as error:
            failed.append(error)
            raise

    workers = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for worker in workers:
        worker.start()
    tell(database, range(120))
    stop.set()
    for worker in workers:
        worker.join()
    Sealer(key, "last", lasts=AT_ONCE).seal_all(database)
    assert failed == []
    assert [fact for _, fact in chain(database)] == list(range(1, 121))
    assert judged(database, frozenset([key.public])).intact


def test_what_commits_late_is_not_passed_over(postgres_url: str, key: SealKey) -> None:
    """PostgreSQL: a fact numbered first and committed last holds the seal back, and then comes first."""
    database = new(postgres_url)
    engine = create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    insert = text(
        "INSERT INTO fact (at, kind, version, subject, actor, body)"
        " VALUES (0, 'Told', 1, 'tale:0', 'system', '{}') RETURNING id"
    )
    sealer = Sealer(key, "a")
    with engine.connect() as slow, engine.connect() as quick:
        early = slow.execute(insert).scalar_one()
        late = quick.execute(insert).scalar_one()
        quick.commit()
        assert early < late
        assert [sealer.seal_batch(database) for _ in range(4)] == [0] * 4
        also = quick.execute(insert).scalar_one()
        quick.commit()
        slow.commit()
    engine.dispose()
    assert sealer.seal_all(database) == 3
    assert [fact for _, fact in chain(database)] == [early, late, also]
    assert judged(database).intact


def test_a_fact_that_is_rolled_back_holds_nothing_up(database: Database, key: SealKey) -> None:
    tell(database, range(2))

    def refuse(tx: Tx) -> None:
        raise LeaseLost

    with pytest.raises(LeaseLost):
        tell(database.fenced(refuse), range(1))
    tell(database, range(2, 4))
    assert Sealer(key, "a").seal_all(database) == 4
    assert judged(database).intact


def test_the_source_seals_in_steps_and_rests(database: Database, key: SealKey) -> None:
    clock = database.clock
    assert isinstance(clock, SimClock)
    source = SealSource(Sealer(key, "a", batch=4), every=timedelta(seconds=1), batch=4)
    with database.read() as tx:
        assert source.next_at(tx) is None
    tell(database, range(10))
    steps: list[datetime] = []
    play([source], database, clock, NOON + timedelta(minutes=1), steps.append)
    assert len(chain(database)) == 10
    assert len(steps) <= 3, "a drill is not slowed down"
    assert judged(database).intact
    with database.read() as tx:
        assert source.next_at(tx) is None


def test_the_live_loop_seals_within_seconds(database_url: str, key: SealKey) -> None:
    database = new(database_url)
    database.clock = WallClock()
    stop = threading.Event()
    loop = threading.Thread(target=pace, args=([SealSource(Sealer(key, "a"))], database, WallClock(), stop))
    loop.start()
    tell(database, range(20))
    until = time.monotonic() + 20
    while len(chain(database)) < 20 and time.monotonic() < until:
        stop.wait(0.05)
    stop.set()
    loop.join()
    assert len(chain(database)) == 20


def test_the_key_is_made_once_and_kept_to_its_owner(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "keys"
    first = open_key(folder)
    path = folder / "seal.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert open_key(folder).public == first.public
    assert trusted_keys(folder) == {first.public}
    assert sorted(os.listdir(folder)) == [f"seal-{first.public[:8]}.pub", "seal.key"]

    path.rename(folder / "retired")
    second = open_key(folder)
    assert trusted_keys(folder) == {first.public, second.public}

    path.chmod(0o640)
    with pytest.raises(KeyExposed):
        open_key(folder)
    path.chmod(0o600)
    path.write_bytes(b"")
    with pytest.raises(KeyUnreadable):
        open_key(folder)
    assert path.read_bytes() == b"", "a key that cannot be read is never replaced"


def test_an_anchor_comes_back_as_it_was(database: Database, key: SealKey) -> None:
    tell(database, range(3))
    Sealer(key, "a").seal_all(database)
    head = head_of(database)
    assert read_anchor(head.anchor()) == head
    assert head.is_genuine()
    printed = head.printed()
    for row in range(4):
        groups = " ".join(head.digest[row * 16 + at : row * 16 + at + 4] for at in range(0, 16, 4))
        assert groups in printed
    for word in ("演练", "2026年07月20日 12:00:00", "序号　3", "datong"):
        assert word in printed


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"seq": 1}', b"\xff\xfe", '{"seq":1,"at":5}', "[" * 100_000])
def test_what_is_no_anchor_is_refused(content: str | bytes) -> None:
    with pytest.raises(BadInput):
        read_anchor(content)


@pytest.mark.parametrize(
    "field", ["seq", "first", "digest", "at", "city", "mode", "public_key", "signature", "more"]
)
def test_an_anchor_of_the_wrong_shape_is_refused(database: Database, key: SealKey, field: str) -> None:
    tell(database, range(1))
    Sealer(key, "a").seal_all(database)
    fields = json.loads(head_of(database).anchor())
    with pytest.raises(BadInput):
        read_anchor(json.dumps({**fields, field: None}))


def test_the_public_half_is_never_half_there(tmp_path: Path) -> None:
    """Found by killing the program: a start cut off while it wrote the file left a key that nobody trusted."""
    folder = tmp_path / "keys"
    key = open_key(folder)
    (written,) = folder.glob("seal-*.pub")
    before = written.stat().st_ino
    open_key(folder)
    assert written.stat().st_ino == before, "what stands there is not written again"
    written.write_text("", encoding="ascii")
    open_key(folder)
    assert trusted_keys(folder) == {key.public}
