"""核验 — whatever a stranger with the database file does to sealed facts is found, given the anchor."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from typer.testing import CliRunner

from shouye.base.kernel import Head, Sealer, SealKey, SimClock, Verdict, open_key, trusted_keys
from shouye.base.kernel.audit import verify
from shouye.base.kernel.facts import fact_table
from shouye.base.kernel.opening import looking_at
from shouye.base.kernel.seal import beginning, link
from shouye.main import cli
from tests.base.kernel.sealing import NOON, head_of, new

FACTS = 24
LOOSE = 2
"""Facts after the last seal."""

STAMP = {"city": "datong", "mode": "Simulation"}
COLUMNS = {
    "fact": ("id", "at", "kind", "version", "subject", "actor", "body"),
    "seal": ("seq", "fact", "digest", "sealed_at", "fence"),
    "seal_head": ("seq", "first", "digest", "at", "public_key", "signature"),
    "stamp": ("key", "value"),
}
CELLS = [(table, column) for table, columns in COLUMNS.items() for column in columns]


class Evidence:
    """The sealed database as a file, its anchor and its keys; `copy` is what the stranger gets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.original = folder / "original.db"
        database = new(f"sqlite:///{self.original}", SimClock(NOON))
        sealer = Sealer(open_key(folder / "keys"), "sealer", batch=7)
        self._tell(database, range(FACTS))
        sealer.seal_all(database)
        self.anchor = head_of(database)
        self._tell(database, range(FACTS, FACTS + LOOSE))
        database.close()
        with closing(sqlite3.connect(self.original)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.trusted = trusted_keys(folder / "keys")

    def _tell(self, database: Any, numbers: range) -> None:
        """Every third number stays free, as after a transaction that was rolled back."""
        rows = [
            {
                "id": 10 + number + number // 2,
                "at": NOON,
                "kind": "Told",
                "version": 1,
                "subject": f"tale:{number % 3}",
                "actor": "system",
                "body": {"number": number, "level": "RED"},
            }
            for number in numbers
        ]
        with database.begin() as tx:
            tx.run(insert(fact_table), rows)

    def copy(self) -> sqlite3.Connection:
        """Without triggers, without foreign keys: whoever has the file has that power."""
        target = self.folder / "copy.db"
        for old in self.folder.glob("copy.db*"):
            old.unlink()
        shutil.copy(self.original, target)
        connection = sqlite3.connect(target, isolation_level=None)
        connection.execute("PRAGMA foreign_keys=OFF")
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        return connection

    def judge(self, anchor: Head | None) -> Verdict:
        with looking_at(f"sqlite:///{self.folder / 'copy.db'}") as tx:
            return verify(tx, self.trusted, anchor)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    return Evidence(tmp_path_factory.mktemp("evidence"))


many = settings(max_examples=120)
some = settings(max_examples=40)


def test_untouched_it_is_intact(evidence: Evidence) -> None:
    evidence.copy().close()
    for anchor in (evidence.anchor, None):
        verdict = evidence.judge(anchor)
        assert verdict.intact, verdict.flaws
        assert (verdict.sealed, verdict.unsealed) == (FACTS, LOOSE)


@many
@example(cell=("stamp", "value"), row=0, value=b"")
@given(
    cell=st.sampled_from(CELLS),
    row=st.integers(0, FACTS - 1),
    value=st.one_of(
        st.integers(-(2**62), 2**62),
        st.text(max_size=8),
        st.binary(max_size=8),
        st.floats(),
        st.sampled_from(["UPPER", "SPACE", "NEXT", "DOUBLED"]),
    ),
)
def test_any_changed_cell_is_found(evidence: Evidence, cell: tuple[str, str], row: int, value: Any) -> None:
    table, column = cell
    with closing(evidence.copy()) as connection:
        rowids = [found for (found,) in connection.execute(f"SELECT rowid FROM {table} ORDER BY rowid").fetchall()]
        sealed = rowids[:FACTS]
        rowid = sealed[row % len(sealed)]
        read = f"SELECT typeof({column}), {column} FROM {table} WHERE rowid = ?"
        connection.text_factory = bytes
        before = connection.execute(read, (rowid,)).fetchone()
        try:
            connection.execute(
                f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (_variation(value, before[1]), rowid)
            )
        except (sqlite3.IntegrityError, UnicodeEncodeError):
            assume(False)
        moved = rowid if column not in ("id", "seq") else _variation(value, before[1])
        assume(before != connection.execute(read, (moved,)).fetchone())
    verdict = evidence.judge(evidence.anchor)
    assert not verdict.intact


def _variation(value: Any, before: Any) -> Any:
    """Changes that look alike: capitals, a space more, one more, twice."""
    if value not in ("UPPER", "SPACE", "NEXT", "DOUBLED"):
        return value
    if isinstance(before, int):
        return before + 1
    letters = bytes(before).decode()
    return {"UPPER": letters.upper(), "SPACE": letters + " ", "NEXT": letters[:-1], "DOUBLED": letters * 2}[value]


@some
@given(table=st.sampled_from(["fact", "seal", "seal_head"]), row=st.integers(0, FACTS - 1))
def test_any_removed_row_is_found(evidence: Evidence, table: str, row: int) -> None:
    with closing(evidence.copy()) as connection:
        rowids = [found for (found,) in connection.execute(f"SELECT rowid FROM {table} ORDER BY rowid").fetchall()]
        connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (rowids[row % min(FACTS, len(rowids))],))
    verdict = evidence.judge(evidence.anchor)
    assert not verdict.intact
    if table == "seal" and row < FACTS - 1:
        assert any(flaw.seq == row + 1 for flaw in verdict.flaws), verdict.flaws


@given(number=st.sampled_from([-3, 0, 5, 12, 15, 30]))
def test_a_fact_slipped_in_between_is_found(evidence: Evidence, number: int) -> None:
    with closing(evidence.copy()) as connection:
        connection.execute(
            "INSERT INTO fact SELECT ?, at, kind, version, subject, actor, body FROM fact LIMIT 1", (number,)
        )
    verdict = evidence.judge(evidence.anchor)
    assert [flaw.fact for flaw in verdict.flaws] == [number]


@some
@given(one=st.integers(0, FACTS - 1), other=st.integers(0, FACTS - 1), table=st.sampled_from(["fact", "seal"]))
def test_swapped_rows_are_found(evidence: Evidence, one: int, other: int, table: str) -> None:
    assume(one != other)
    column = "id" if table == "fact" else "seq"
    with closing(evidence.copy()) as connection:
        keys = [key for (key,) in connection.execute(f"SELECT {column} FROM {table} ORDER BY 1").fetchall()]
        for old, fresh in ((keys[one], 10**9), (keys[other], keys[one]), (10**9, keys[other])):
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (fresh, old))
    assert not evidence.judge(evidence.anchor).intact


@some
@given(left=st.integers(0, FACTS - 1), facts_too=st.booleans(), heads_too=st.booleans())
def test_a_cut_tail_is_found(evidence: Evidence, left: int, facts_too: bool, heads_too: bool) -> None:
    with closing(evidence.copy()) as connection:
        if facts_too:
            kept = "SELECT fact FROM seal WHERE seq <= ?"
            connection.execute(f"DELETE FROM fact WHERE id NOT IN ({kept})", (left,))
        connection.execute("DELETE FROM seal WHERE seq > ?", (left,))
        if heads_too:
            connection.execute("DELETE FROM seal_head WHERE seq > ?", (left,))
    verdict = evidence.judge(evidence.anchor)
    assert any(flaw.seq == left + 1 and "截掉" in flaw.what for flaw in verdict.flaws)
    clean = heads_too and left in (0, 7, 14, 21)
    assert evidence.judge(None).intact == clean, "without an anchor a clean cut cannot be seen, and we say so"
    if clean:
        assert "截掉" in evidence.judge(None).cannot()[0]


@some
@given(row=st.integers(0, FACTS - 1), own_key=st.booleans())
def test_a_chain_made_anew_is_found(evidence: Evidence, row: int, own_key: bool) -> None:
    """The stranger changes a fact and works out every link after it; he has no key, or one of his own."""
    stranger = SealKey(Ed25519PrivateKey.generate()) if own_key else None
    with closing(evidence.copy()) as connection:
        _forge(connection, row, stranger)
    verdict = evidence.judge(evidence.anchor)
    assert any("与锚不符" in flaw.what for flaw in verdict.flaws)
    assert not evidence.judge(None).intact, "the signatures show it even without the anchor"


def test_whoever_has_the_key_is_seen_only_by_the_anchor(evidence: Evidence) -> None:
    with closing(evidence.copy()) as connection:
        _forge(connection, 3, open_key(evidence.folder / "keys"))
    assert not evidence.judge(evidence.anchor).intact
    without = evidence.judge(None)
    assert without.intact
    assert any("持有封存密钥的人" in line for line in without.cannot())


def _forge(connection: sqlite3.Connection, row: int, key: SealKey | None) -> None:
    (number,) = connection.execute("SELECT fact FROM seal WHERE seq = ?", (row + 1,)).fetchone()
    connection.execute("UPDATE fact SET body = ? WHERE id = ?", (json.dumps({"level": "BLUE"}), number))
    digest = beginning(STAMP)
    chain = connection.execute(
        "SELECT seal.seq, sealed_at, fence, id, at, kind, version, subject, actor, body"
        " FROM seal JOIN fact ON fact.id = seal.fact ORDER BY seal.seq"
    ).fetchall()
    for seq, sealed_at, fence, *fact in chain:
        digest = link(digest, seq, sealed_at, fence, fact)
        connection.execute("UPDATE seal SET digest = ? WHERE seq = ?", (digest, seq))
        connection.execute("UPDATE seal_head SET digest = ? WHERE seq = ?", (digest, seq))
    if key is not None:
        for seq, first, digest in connection.execute("SELECT seq, first, digest FROM seal_head").fetchall():
            head = Head(seq, first, digest, NOON, STAMP["city"], STAMP["mode"], key.public, "")
            connection.execute(
                "UPDATE seal_head SET public_key = ?, signature = ? WHERE seq = ?",
                (key.public, key.sign(head.message()), seq),
            )


def test_seals_added_at_the_end_are_unsigned(evidence: Evidence) -> None:
    with closing(evidence.copy()) as connection:
        loose = connection.execute(
            "SELECT id, at, kind, version, subject, actor, body FROM fact ORDER BY id DESC LIMIT 2"
        ).fetchall()[::-1]
        digest = evidence.anchor.digest
        for seq, fact in enumerate(loose, start=FACTS + 1):
            digest = link(digest, seq, 0, 1, fact)
            connection.execute("INSERT INTO seal VALUES (?, ?, ?, 0, 1)", (seq, fact[0], digest))
    (flaw,) = evidence.judge(evidence.anchor).flaws
    assert flaw.seq == FACTS + 1
    assert "没有签名" in flaw.what


def test_letters_that_are_none_are_named_not_stumbled_over(evidence: Evidence) -> None:
    with closing(evidence.copy()) as connection:
        connection.execute(
            "UPDATE fact SET body = CAST(x'ff' AS TEXT) WHERE id = (SELECT fact FROM seal WHERE seq = 9)"
        )
    assert [flaw.seq for flaw in evidence.judge(evidence.anchor).flaws] == [9]


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("fact", "INSERT INTO fact SELECT NULL, at, kind, version, subject, actor, body FROM fact LIMIT 1"),
        ("fact", "INSERT INTO fact SELECT id, at, kind, version, subject, actor, '{}' FROM fact LIMIT 1"),
        ("fact", "UPDATE fact SET id = NULL WHERE id = 13"),
        ("seal", "INSERT INTO seal VALUES (NULL, 13, '', 0, 1)"),
        ("seal", "UPDATE seal SET seq = 'nine' WHERE seq = 9"),
        ("seal", "INSERT INTO seal SELECT * FROM seal WHERE seq = 9"),
        ("seal_head", "UPDATE seal_head SET seq = x'00' WHERE seq = 7"),
    ],
)
def test_a_table_without_its_key_hides_nothing(evidence: Evidence, table: str, change: str) -> None:
    with closing(evidence.copy()) as connection:
        connection.execute(f"CREATE TABLE bare AS SELECT * FROM {table}")
        connection.execute(f"DROP TABLE {table}")
        connection.execute(f"ALTER TABLE bare RENAME TO {table}")
        connection.execute(change)
    assert not evidence.judge(evidence.anchor).intact


def test_where_all_seals_are_gone_nothing_is_called_untouched(evidence: Evidence) -> None:
    with closing(evidence.copy()) as connection:
        connection.execute("DELETE FROM seal")
        connection.execute("DELETE FROM seal_head")
    verdict = evidence.judge(None)
    assert (verdict.empty, verdict.proves()) == (True, [])
    assert any("最早一条记于" in said for said in verdict.cannot())
    database = str(evidence.folder / "copy.db")
    asked = CliRunner().invoke(cli, ["audit", "verify", "--db", database])
    assert (asked.exit_code, "无从核验" in asked.stdout, "未见改动" in asked.stdout) == (3, True, False)
    assert not evidence.judge(evidence.anchor).intact


def test_an_anchor_of_another_city_or_a_forged_one_proves_nothing(evidence: Evidence) -> None:
    evidence.copy().close()
    other = replace(evidence.anchor, city="elsewhere")
    found = [flaw.what for flaw in evidence.judge(other).flaws]
    assert any("另一座城市" in what for what in found)
    assert any("自身的签名" in what for what in found)
