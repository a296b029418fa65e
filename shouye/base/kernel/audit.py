"""核验 — walks the whole chain again and says what was touched, what this proves, and what it cannot prove."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, Table, func, select, type_coerce

from shouye.base.kernel.clock import BEIJING, from_ms
from shouye.base.kernel.db import Tx, read_stamp
from shouye.base.kernel.facts import fact_table
from shouye.base.kernel.seal import RAW_FACT, Head, beginning, head_of, head_table, link, seal_table

CHUNK = 2_000


@dataclass(frozen=True)
class Flaw:
    """一处不符 — at which number of the chain, at which fact, and what is wrong."""

    seq: int | None
    fact: int | None
    what: str


@dataclass(frozen=True)
class Verdict:
    """核验结论 — `known_keys` says whether we knew beforehand whose signature to expect."""

    sealed: int
    unsealed: int
    head: Head | None
    anchor: Head | None
    known_keys: bool
    flaws: tuple[Flaw, ...]
    unsealed_since: datetime | None = None

    @property
    def intact(self) -> bool:
        return not self.flaws

    @property
    def empty(self) -> bool:
        """Nothing is sealed: there is nothing that could have been seen to be changed."""
        return not self.flaws and not self.sealed

    def proves(self) -> list[str]:
        """What may be said aloud on the strength of this run."""
        if not self.intact or self.head is None:
            return []
        said = [f"第 1 至 {self.sealed} 号封存的事实逐条相连，没有一条被改动、删除、插入或调换。"]
        if self.known_keys:
            said.append(f"最后一号（{self.head.seq}）由所信任的密钥签名。")
        if self.anchor is not None:
            said.append(f"与留存在外的锚（第 {self.anchor.seq} 号）一致：到锚为止没有被整段重做，也没有被截短。")
        return said

    def _oldest(self) -> str:
        """Sealing lags by seconds: facts unsealed for longer are asked about."""
        if self.unsealed_since is None:
            return ""
        since = f"{self.unsealed_since.astimezone(BEIJING):%Y年%m月%d日 %H:%M:%S}"
        return f"（最早一条记于 {since}；封存平时只落后几秒，若早得多，须查问是否有人删过封存）"

    def cannot(self) -> list[str]:
        """What this run leaves open, whatever it found."""
        said = []
        if self.anchor is None:
            said.append("没有锚文件：末尾若连同签名一起被截掉，这里看不出来；请用各县留存的首部再核。")
        else:
            said.append(f"锚之后（第 {self.anchor.seq + 1} 号起）若被截短，这把锚看不出来；请用更新的首部再核。")
        if not self.known_keys:
            said.append("不知道应信任哪把公钥：签名只说明首尾出自同一把密钥，不说明是谁的。")
        said.append("持有封存密钥的人，或能往密钥目录放公钥的人，可以重做并重签锚之后的全部内容。")
        if self.unsealed:
            said.append(f"尚未封存的 {self.unsealed} 条事实不受保护{self._oldest()}。")
        said.append("只证明事实封存之后没有变，不证明当初记下的就是真的；其他数据表不在封存之内。")
        return said


def verify(tx: Tx, trusted: frozenset[str] = frozenset(), anchor: Head | None = None) -> Verdict:
    """核验 — every seal, every fact, every signed head, against the trusted keys and the anchor."""
    with _any_text(tx):
        stamp = {key: str(value) for key, value in read_stamp(tx).items()}  # a forger may leave bytes or numbers
        known = trusted | ({anchor.public_key} if anchor else set())
        walk = _Walk(stamp, anchor, {row.seq: row for row in _rows(tx, _HEADS, head_table.c.seq)})
        for row in _rows(tx, _CHAIN, seal_table.c.seq):
            walk.step(row)
        walk.finish(known)
        newest = tx.run(select(func.max(seal_table.c.fact))).scalar() or 0
        loose = select(fact_table.c.id).where(~select(seal_table.c.seq).where(_SAME).exists())
        for number in tx.run(loose.where(fact_table.c.id <= newest).order_by(fact_table.c.id)).scalars():
            walk.flaw(None, number, "这条事实夹在已封存的事实之间，却没有封存：是后来插入的")
            walk.loose += 1
        after = loose.where(fact_table.c.id > newest).subquery()
        unsealed = int(tx.run(select(func.count()).select_from(after)).scalar_one())
        oldest = tx.run(_WRITTEN_AT.where(fact_table.c.id > newest).order_by(fact_table.c.id).limit(1)).scalar()
        walk.count(_count(tx, seal_table), _count(tx, head_table), _count(tx, fact_table) - unsealed)
    last = max(walk.heads, default=None)
    newest_head = walk.head(last) if last is not None else None
    since = _instant(oldest) if unsealed else None
    return Verdict(walk.sealed, unsealed, newest_head, anchor, bool(known), tuple(walk.flaws), since)


def _count(tx: Tx, table: Table) -> int:
    return int(tx.run(select(func.count()).select_from(table)).scalar_one())


def _instant(ms: Any) -> datetime | None:
    """What stands there as an instant; None if it is none."""
    try:
        return from_ms(ms)
    except (TypeError, ValueError, OverflowError):
        return None


@contextmanager
def _any_text(tx: Tx) -> Iterator[None]:
    """Read even letters that are no UTF-8, which SQLite stores and Python refuses: they are a flaw like others."""
    if tx.on_postgresql:
        yield
        return
    driver: Any = tx.connection.connection.driver_connection
    usual = driver.text_factory
    driver.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = usual


_HEADS = select(
    head_table.c.seq,
    head_table.c.first,
    head_table.c.digest,
    type_coerce(head_table.c.at, BigInteger).label("at_ms"),
    head_table.c.public_key,
    head_table.c.signature,
)
_WRITTEN_AT = select(type_coerce(fact_table.c.at, BigInteger))
_SAME = seal_table.c.fact == fact_table.c.id
_CHAIN = select(
    seal_table.c.seq,
    seal_table.c.fact,
    seal_table.c.digest,
    type_coerce(seal_table.c.sealed_at, BigInteger).label("sealed_ms"),
    seal_table.c.fence,
    *RAW_FACT,
).select_from(seal_table.outerjoin(fact_table, _SAME))


class _Walk:
    """The way along the chain; it goes on after a flaw, so that each is named."""

    def __init__(self, stamp: dict[str, str], anchor: Head | None, heads: dict[int, Any]) -> None:
        self.flaws: list[Flaw] = []
        self.sealed = 0
        self.loose = 0
        self.heads = heads
        self._met = [0, 0]
        self._stamp = stamp
        self._anchor = anchor
        self._unmet = dict(heads)
        self._seq = 0
        self._digest: str | None = beginning(stamp)

    def step(self, row: Any) -> None:
        self._met[0] += 1
        self._met[1] += row.id is not None
        if row.seq < 1:
            self.flaw(row.seq, row.fact, "封存从第 1 号起，这一号是后来插入的")
            return
        if row.seq <= self._seq:
            self.flaw(row.seq, row.fact, "这一号重复：事实表或封存表的主键被人动过")
            return
        if row.seq != self._seq + 1:
            self.flaw(self._seq + 1, None, f"缺第 {self._seq + 1} 至 {row.seq - 1} 号封存")
            self._digest = None  # what it hangs on is gone: only the links after it can be judged
        self._seq = row.seq
        self.sealed += 1
        if row.id is None:
            self.flaw(row.seq, row.fact, "这条事实已被删除，或这一号封存被改指别处")
        elif self._digest is not None and not _follows(self._digest, row):
            self.flaw(row.seq, row.fact, "摘要不符：这条事实、它的封存或前一号封存被改动")
        signed = self._unmet.pop(row.seq, None)
        if signed is not None and signed.digest != row.digest:
            self.flaw(row.seq, row.fact, "封存的摘要与当时签名的首部不同")
        if self._anchor is not None and self._anchor.seq == row.seq and self._anchor.digest != row.digest:
            self.flaw(row.seq, row.fact, "与锚不符：到这一号为止的事实被整段重做过")
        self._digest = row.digest

    def finish(self, known: frozenset[str] | set[str]) -> None:
        """What only the whole shows: heads without a chain, a chain without a head, a tail that was cut."""
        for seq in sorted(self._unmet):
            self.flaw(seq, None, "首部所签的这一号封存不在了：末尾被截掉")
        newest = max(self.heads, default=0)
        if self._seq > newest:
            self.flaw(newest + 1, None, f"第 {newest + 1} 号以后的封存没有签名：是后来加上的，或首部被删")
        first = 1
        for seq in sorted(self.heads):
            if self.heads[seq].first != first:
                self.flaw(seq, None, f"首部前后不接：第 {first} 号所在那一批的首部被改动或删除")
            first = seq + 1
            signed = self.head(seq)
            if signed is None or not signed.is_genuine():
                self.flaw(seq, None, "首部的签名与内容不符")
            elif known and signed.public_key not in known:
                self.flaw(seq, None, "首部不是用所信任的密钥签名的")
        anchor = self._anchor
        if anchor is None:
            return
        if not anchor.is_genuine():
            self.flaw(anchor.seq, None, "锚文件自身的签名与内容不符")
        if anchor.belongs_to() != {"city": self._stamp.get("city"), "mode": self._stamp.get("mode")}:
            self.flaw(anchor.seq, None, "锚属于另一座城市或另一种运行方式")
        if anchor.seq > self._seq:
            self.flaw(self._seq + 1, None, f"库中封存止于第 {self._seq} 号，锚在第 {anchor.seq} 号：末尾被截掉")

    def count(self, seals: int, heads: int, facts: int) -> None:
        """Rows that no walk meets, because their table lost its key: without a number, or doubled."""
        met = (self._met[0], len(self.heads), self._met[1] + self.loose)
        for name, there, seen in zip(("封存", "首部", "事实"), (seals, heads, facts), met, strict=True):
            if there != seen:
                self.flaw(
                    None,
                    None,
                    f"{name}表里有 {abs(there - seen)} 行没有编号、编号重复或不是整数：表的主键被人动过",
                )

    def head(self, seq: int) -> Head | None:
        """The signed head of that number as a value; None if its row holds what no head can hold."""
        row = self.heads[seq]
        try:
            return head_of(row, from_ms(row.at_ms), self._stamp)
        except (TypeError, OverflowError):
            return None

    def flaw(self, seq: int | None, fact: Any, what: str) -> None:
        self.flaws.append(Flaw(seq, fact if isinstance(fact, int) else None, what))


def _follows(previous: str, row: Any) -> bool:
    fact = (row.id, row.at, row.kind, row.version, row.subject, row.actor, row.body)
    try:
        return bool(link(previous, row.seq, row.sealed_ms, row.fence, fact) == row.digest)
    except (TypeError, ValueError):
        return False  # bytes, an infinite number: no fact of ours holds such a value


def _rows(tx: Tx, query: Select[Any], key: Any) -> Iterator[Any]:
    """The rows in order of their number, a chunk at a time; what has no number is counted elsewhere."""
    query = query.where(key.between(-(2**63), 2**63 - 1))
    chunk: Sequence[Any] = tx.run(query.order_by(key).limit(CHUNK)).all()
    while chunk:
        yield from chunk
        chunk = tx.run(query.where(key > chunk[-1].seq).order_by(key).limit(CHUNK)).all()
