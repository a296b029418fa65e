"""封存 — settled facts are chained with SM3 and the newest link is signed, so that a later change can be proved.

One sealer works at a time, under a lease. Link n = SM3(link n-1 ‖ seal n and its fact as canonical JSON); the
chain begins with the city and the mode. Every batch ends in a signed head (Ed25519; the key lives outside the
database). Whoever keeps a head — the daily print, a county's file — can later show whether anything up to it was
touched. 依据: SM3 is GB/T 32905-2016, Ed25519 is RFC 8032.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SM3, Hash
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    String,
    Table,
    Text,
    cast,
    func,
    insert,
    select,
    type_coerce,
)

from shouye.base.kernel.clock import BEIJING, from_ms, to_ms
from shouye.base.kernel.db import Database, Instant, RowId, Tx, canonical, metadata, read_stamp
from shouye.base.kernel.facts import append_only, fact_table
from shouye.base.kernel.files import write_new, write_over
from shouye.base.kernel.lease import LEASE, Lease, LeaseLost, leave, renew, take
from shouye.base.kernel.levels import Mode
from shouye.base.kernel.refusals import BadInput, Refusal

SEALER = "seal"
"""封存人 — the role whose lease the one sealer holds."""

BATCH = 500
"""Facts in one batch: the writer is held for about 10 ms."""

EVERY = timedelta(seconds=1)
"""How long a fact waits for its seal at most, when there is little to do (proposed)."""

seal_table = Table(
    "seal",
    metadata,
    Column("seq", RowId, primary_key=True, autoincrement=False),
    Column("fact", RowId, ForeignKey("fact.id"), nullable=False, unique=True),
    Column("digest", String(64), nullable=False),
    Column("sealed_at", Instant, nullable=False),
    Column("fence", BigInteger, nullable=False, comment="the fencing number of the sealer's lease"),
    comment="the chain over the facts; facts themselves are never touched",
)
head_table = Table(
    "seal_head",
    metadata,
    Column("seq", RowId, primary_key=True, autoincrement=False),
    Column("first", BigInteger, nullable=False, comment="the number with which this batch begins"),
    Column("digest", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("public_key", String(64), nullable=False),
    Column("signature", String(128), nullable=False),
    comment="the signed end of each sealed batch",
)
append_only(seal_table)
append_only(head_table)

RAW_FACT = (
    fact_table.c.id,
    type_coerce(fact_table.c.at, BigInteger).label("at"),
    fact_table.c.kind,
    fact_table.c.version,
    fact_table.c.subject,
    fact_table.c.actor,
    type_coerce(fact_table.c.body, Text).label("body"),
)
"""A fact exactly as it is stored: the seal is over these letters, not over what they mean."""


class KeyExposed(Refusal):
    """封存密钥的文件权限过宽，只许本账号读写（chmod 600）。"""


class KeyUnreadable(Refusal):
    """封存密钥读不出来，请从备份恢复，不要另建。"""


@dataclass(frozen=True)
class SealKey:
    """封存密钥 — signs heads; only its public half is ever written down elsewhere."""

    private: Ed25519PrivateKey

    @property
    def public(self) -> str:
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def sign(self, message: str) -> str:
        return self.private.sign(message.encode()).hex()


def open_key(folder: Path) -> SealKey:
    """Read the key of this installation, or make one at the first start."""
    path = folder / "seal.key"
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = Ed25519PrivateKey.generate()
        with suppress(FileExistsError):  # another process was first: its key is the one
            write_new(path, fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    if path.stat().st_mode & 0o077:
        raise KeyExposed(str(path))
    try:
        private = load_pem_private_key(path.read_bytes(), None)
    except ValueError as error:
        raise KeyUnreadable(str(path)) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyUnreadable(str(path))
    key = SealKey(private)
    trusted = folder / f"seal-{key.public[:8]}.pub"
    half = f"{key.public}\n".encode("ascii")
    if not trusted.exists() or trusted.read_bytes() != half:
        write_over(trusted, half)
    return key


def trusted_keys(folder: Path) -> frozenset[str]:
    """The public keys of this installation, the retired ones among them (`seal-*.pub`)."""
    return frozenset(path.read_text(encoding="ascii").strip() for path in folder.glob("seal-*.pub"))


@dataclass(frozen=True)
class Head:
    """封存首部 — the newest link with its number, signed. Kept outside the database it is an anchor (锚)."""

    seq: int
    first: int
    digest: str
    at: datetime
    city: str
    mode: str
    public_key: str
    signature: str

    def message(self) -> str:
        """What is signed."""
        return canonical(self._fields())

    def _fields(self) -> dict[str, Any]:
        at = self.at.astimezone(BEIJING).isoformat(timespec="milliseconds")
        place = {"seq": self.seq, "first": self.first, "digest": self.digest, "at": at}
        return place | self.belongs_to()

    def belongs_to(self) -> dict[str, str]:
        return {"city": self.city, "mode": self.mode}

    def is_genuine(self) -> bool:
        """Whether its signature was made with the private half of its public key."""
        try:
            public = Ed25519PublicKey.from_public_bytes(_bytes(self.public_key))
            public.verify(_bytes(self.signature), self.message().encode())
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True

    def anchor(self) -> str:
        """The file a county keeps."""
        fields = self._fields() | {"public_key": self.public_key, "signature": self.signature}
        return json.dumps(fields, ensure_ascii=False, indent=2) + "\n"

    def printed(self) -> str:
        """The sheet of the day, in groups that two people compare by telephone."""
        lines = ["守夜　事实封存首部", f"城市　{self.city}　　方式　{Mode(self.mode).word}"]
        lines.append(f"时刻　{self.at.astimezone(BEIJING):%Y年%m月%d日 %H:%M:%S}（北京时间）")
        lines.append(f"序号　{self.seq}（此前每一条事实都在其中）")
        lines += ["摘要　SM3，逐组念、逐组对：", *_groups(self.digest)]
        lines += ["公钥　Ed25519：", *_groups(self.public_key)]
        lines.append("请留存。日后同一序号的摘要如有一组不同，此前的事实即已被改动。")
        return "\n".join(lines)


def _bytes(digits: str) -> bytes:
    """Written in one way only: the same signature in capitals is another text, and somebody changed it."""
    found = bytes.fromhex(digits)
    if found.hex() != digits:
        raise ValueError("not canonical")
    return found


def _groups(digits: str) -> list[str]:
    fours = [digits[start : start + 4] for start in range(0, len(digits), 4)]
    return [f"　　{row // 4 + 1}　{' '.join(fours[row : row + 4])}" for row in range(0, len(fours), 4)]


def read_anchor(text: str | bytes) -> Head:
    """The anchor file as a head; refuses what is none."""
    try:
        fields = json.loads(text)
        head = Head(**{**fields, "at": datetime.fromisoformat(fields["at"])})
        numbers = all(type(part) is int for part in (head.seq, head.first))
        whole = numbers and head.at.tzinfo is not None
        letters = (head.digest, head.city, head.mode, head.public_key, head.signature)
        if not (whole and all(isinstance(part, str) for part in letters)):
            raise ValueError("types")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadInput("这不是封存首部的锚文件") from error
    return head


def sealed_head(tx: Tx) -> Head | None:
    """最新首部 — None before the first seal."""
    row = tx.run(select(head_table).order_by(head_table.c.seq.desc()).limit(1)).one_or_none()
    return row and head_of(row, row.at, read_stamp(tx))


def head_of(row: Any, at: datetime, stamp: dict[str, str]) -> Head:
    city, mode = stamp.get("city", ""), stamp.get("mode", "")
    return Head(row.seq, row.first, row.digest, at, city, mode, row.public_key, row.signature)


def beginning(stamp: dict[str, str]) -> str:
    """The link before the first: the chain of one city and mode fits no other."""
    return _sm3(canonical({"city": stamp.get("city", ""), "mode": stamp.get("mode", "")}))


def link(previous: str, seq: int, sealed_ms: int, fence: int, fact: Iterable[Any]) -> str:
    """The next link. A value that no fact of ours can hold raises TypeError or ValueError."""
    return _sm3(previous + canonical([seq, sealed_ms, fence, *fact]))


def _sm3(text: str) -> str:
    digest = Hash(SM3())
    digest.update(text.encode("utf-8", "surrogatepass"))  # letters that are none are hashed too, to differ
    return digest.finalize().hex()


@dataclass(frozen=True)
class _Tail:
    """Where the chain ends."""

    seq: int
    fact: int
    digest: str


class Sealer:
    """封存人 — seals what is settled, batch after batch; a crash between two batches costs nothing.

    SQLite has one writer, so whatever can be read is settled. On PostgreSQL a fact may be numbered before another
    and committed after it: a look notes the newest fact and the next transaction number, and when every
    transaction below that number has ended, all facts up to that one are final.
    """

    def __init__(self, key: SealKey, holder: str, *, batch: int = BATCH, lasts: timedelta = LEASE) -> None:
        self._key = key
        self._holder = holder
        self._batch = batch
        self._lasts = lasts
        self._lease: Lease | None = None
        self._looked: tuple[int, int] | None = None

    def seal_batch(self, database: Database) -> int:
        """One batch. Returns how many facts it sealed; 0 also when another process is the sealer."""
        if not self._take(database):
            return 0
        with database.read() as tx:
            stamp, tail = read_stamp(tx), _tail(tx)
            rows = _unsealed(tx, tail.fact, self._settled(tx), self._batch)
            now = tx.now
        return len(rows) if rows and self._write(database, stamp, tail, rows, now) else 0

    def seal_all(self, database: Database) -> int:
        """Until nothing settled is left: at the end of a drill, before a head is handed over."""
        sealed = self.seal_batch(database) + self.seal_batch(database)  # PostgreSQL needs a second look
        while count := self.seal_batch(database):
            sealed += count
        return sealed

    def leave(self, database: Database) -> None:
        """交班 — the next sealer need not wait for the lease to run out."""
        if self._lease is not None:
            with database.begin(alone=False) as tx:
                leave(tx, self._lease)
            self._lease = None

    def _take(self, database: Database) -> bool:
        if self._lease is None:
            with database.begin(alone=False) as tx:
                self._lease = take(tx, SEALER, self._holder, self._lasts)
        return self._lease is not None

    def _settled(self, tx: Tx) -> int:
        """The newest fact before which none can appear any more."""
        newest = tx.run(select(func.max(fact_table.c.id))).scalar() or 0
        if not tx.on_postgresql:
            return int(newest)
        snapshot = func.pg_current_snapshot()
        bounds = select(cast(func.pg_snapshot_xmin(snapshot), Text), cast(func.pg_snapshot_xmax(snapshot), Text))
        oldest_open, next_number = (int(bound) for bound in tx.run(bounds).one())
        settled = 0
        if self._looked is not None and oldest_open >= self._looked[1]:
            settled, self._looked = self._looked[0], None
        if self._looked is None:
            self._looked = (int(newest), next_number)
        return settled

    def _write(
        self, database: Database, stamp: dict[str, str], tail: _Tail, rows: Sequence[Any], now: datetime
    ) -> bool:
        """The links are worked out before the writer is taken; a sealer that lost its lease writes nothing."""
        assert self._lease is not None
        fence, sealed_ms = self._lease.fence, to_ms(now)
        digest, seals = tail.digest or beginning(stamp), []
        for seq, row in enumerate(rows, start=tail.seq + 1):
            digest = link(digest, seq, sealed_ms, fence, row)
            seals.append({"seq": seq, "fact": row.id, "digest": digest, "sealed_at": now, "fence": fence})
        first, last = tail.seq + 1, tail.seq + len(rows)
        unsigned = Head(last, first, digest, from_ms(sealed_ms), stamp["city"], stamp["mode"], "", "")
        signed = {"seq": last, "first": first, "digest": digest, "at": now, "public_key": self._key.public}
        signed["signature"] = self._key.sign(unsigned.message())
        try:
            with database.begin(alone=False) as tx:
                renew(tx, self._lease, self._lasts)
                tx.run(insert(seal_table), seals)
                tx.run(insert(head_table).values(signed))
        except LeaseLost:
            self._lease = None
            return False
        return True


class SealSource:
    """封存的待办 — one batch at a time whenever facts wait, so that nothing else waits for the sealer."""

    def __init__(self, sealer: Sealer, every: timedelta = EVERY, batch: int = BATCH) -> None:
        self._sealer = sealer
        self._every = every
        self._batch = batch
        self._not_before: datetime | None = None

    def next_at(self, tx: Tx) -> datetime | None:
        newest = tx.run(select(func.max(fact_table.c.id))).scalar()
        if newest is None or newest <= _tail(tx).fact:
            return None
        return self._not_before or tx.now

    def run_due(self, database: Database) -> int:
        sealed = self._sealer.seal_batch(database)
        now = database.clock.now()
        self._not_before = now if sealed == self._batch else now + self._every
        return sealed


def unsealed_since(tx: Tx) -> datetime | None:
    """未封存 — the instant of the oldest fact that waits for the sealer; None when all are sealed."""
    found: datetime | None = tx.run(
        select(fact_table.c.at).where(fact_table.c.id > _tail(tx).fact).order_by(fact_table.c.id).limit(1)
    ).scalar()
    return found


def _tail(tx: Tx) -> _Tail:
    columns = (seal_table.c.seq, seal_table.c.fact, seal_table.c.digest)
    row = tx.run(select(*columns).order_by(seal_table.c.seq.desc()).limit(1)).one_or_none()
    return _Tail(*row) if row else _Tail(0, 0, "")


def _unsealed(tx: Tx, after: int, settled: int, limit: int) -> Sequence[Any]:
    query = select(*RAW_FACT).where(fact_table.c.id > after, fact_table.c.id <= settled)
    found: Sequence[Any] = tx.run(query.order_by(fact_table.c.id).limit(limit)).all()
    return found
