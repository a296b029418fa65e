"""What each law forbids, in small: a checker that lets one of these pass is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.house import laws
from tests.house.reading import Source

ROSTER_SERVICE = "shouye/base/roster/service.py"
CALL_SERVICE = "shouye/during/call/service.py"
CALL_FACTS = "shouye/during/call/facts.py"
KERNEL = "from shouye.base.kernel import Fact, Tx\n"

BREACHES: list[tuple[Callable[[Source], Iterator[str]], str, str]] = [
    (laws.imports_point_left, ROSTER_SERVICE, "from shouye.during.call import CallOut"),
    (laws.imports_point_left, ROSTER_SERVICE, "import shouye.base.access"),
    (laws.imports_point_left, ROSTER_SERVICE, "def verb() -> None:\n    from shouye.base.access import Actor"),
    (laws.imports_point_left, "shouye/base/kernel/jobs.py", "from shouye.base.rules import Rule"),
    (laws.imports_point_left, CALL_SERVICE, "from shouye.base.roster.store import posts"),
    (laws.imports_point_left, CALL_SERVICE, "import shouye.base.roster.store"),
    (laws.imports_point_left, CALL_SERVICE, "from shouye.base.roster import store"),
    (laws.imports_point_left, CALL_SERVICE, "from shouye.base import roster\nroster.store.posts"),
    (laws.imports_point_left, CALL_SERVICE, "from shouye.base.kernel.clock import WallClock"),
    (laws.imports_point_left, CALL_SERVICE, "from .model import CallOut"),
    (laws.imports_point_left, CALL_SERVICE, "from shouye.during.call import CallOut"),
    (laws.imports_point_left, CALL_SERVICE, "from shouye.during.siren import Siren"),
    (laws.imports_point_left, CALL_SERVICE, "from shouye.main import app"),
    (laws.imports_point_left, CALL_SERVICE, "import importlib\nimportlib.import_module('shouye.doors.web')"),
    (laws.imports_point_left, "shouye/during/call/model.py", "from shouye.during.call.store import attempts"),
    (laws.imports_point_left, "shouye/during/call/store.py", "from shouye.during.call.service import answer"),
    (laws.imports_point_left, "shouye/during/__init__.py", "from shouye.during.call import CallOut"),
    (laws.imports_point_left, "shouye/main.py", "from shouye.during.call.service import answer"),
    (laws.imports_point_left, "shouye/doors/web/routes/call.py", "from shouye.during.call.service import answer"),
    (laws.rooms_have_their_files, "shouye/during/call/utils.py", ""),
    (laws.rooms_have_their_files, "shouye/during/siren/model.py", ""),
    (laws.rooms_have_their_files, "shouye/during/call/channels/china/mobile.py", ""),
    (laws.rooms_have_their_files, "shouye/during/helpers.py", ""),
    (laws.rooms_have_their_files, "shouye/drill.py", ""),
    (laws.rooms_have_their_files, "shouye/base/kernel/helpers.py", ""),
    (laws.rooms_have_their_files, CALL_SERVICE, "x = 1\n" * 421),
    (laws.front_doors_say_what_they_are, "shouye/during/call/__init__.py", ""),
    (laws.front_doors_say_what_they_are, "shouye/during/call/__init__.py", '"""Calls people."""'),
    (laws.front_doors_say_what_they_are, "shouye/doors/web/__init__.py", '"""Pages."""'),
    (laws.front_doors_say_what_they_are, "shouye/during/call/__init__.py", '"""叫应"""\nLIMIT = 5'),
    (
        laws.front_doors_say_what_they_are,
        "shouye/during/call/__init__.py",
        '"""叫应"""\nfrom shouye.during.call.model import CallOut',
    ),
    (
        laws.front_doors_say_what_they_are,
        "shouye/during/call/__init__.py",
        '"""叫应"""\nfrom shouye.base.roster import Post as Post',
    ),
    (
        laws.front_doors_say_what_they_are,
        "shouye/during/call/__init__.py",
        '"""叫应"""\nfrom shouye.during.call import store as store',
    ),
    (laws.sql_stays_in_store, CALL_SERVICE, "from sqlalchemy import select"),
    (laws.sql_stays_in_store, CALL_SERVICE, "def f() -> None:\n    import sqlalchemy as sa"),
    (laws.sql_stays_in_store, CALL_SERVICE, "def f(tx):\n    tx.run(calls.insert())"),
    (laws.sql_stays_in_store, CALL_SERVICE, "def f(tx):\n    return tx.connection"),
    (laws.sql_stays_in_store, "shouye/doors/web/routes/call.py", "q = 'SELECT id FROM call'"),
    (laws.sql_stays_in_store, "shouye/during/call/jobs.py", "q = 'DELETE FROM call'"),
    (laws.one_edge_commits, CALL_SERVICE, "def f(tx):\n    tx.anything.commit()"),
    (laws.one_edge_commits, CALL_SERVICE, "def f(database):\n    with database.begin() as tx: pass"),
    (laws.one_edge_commits, "shouye/base/kernel/jobs.py", "run('BEGIN IMMEDIATE')"),
    (laws.one_edge_commits, "shouye/doors/web/routes/call.py", "connection.rollback()"),
    (laws.time_comes_from_the_clock, CALL_SERVICE, "from datetime import datetime as dt\ndt.now()"),
    (laws.time_comes_from_the_clock, CALL_SERVICE, "import datetime\nmake = datetime.datetime.utcnow"),
    (laws.time_comes_from_the_clock, CALL_SERVICE, "from datetime import date\ndate.today()"),
    (laws.time_comes_from_the_clock, "shouye/doors/web/app.py", "import time\ntime.time()"),
    (laws.time_comes_from_the_clock, CALL_SERVICE, "from time import monotonic\nmonotonic()"),
    (laws.time_comes_from_the_clock, CALL_SERVICE, "import asyncio\nasyncio.sleep(1)"),
    (laws.time_comes_from_the_clock, "shouye/during/call/store.py", "from sqlalchemy import func\nfunc.now()"),
    (laws.chance_is_seeded, CALL_SERVICE, "import random\nrandom.choice([1])"),
    (laws.chance_is_seeded, CALL_SERVICE, "from random import shuffle\nshuffle([])"),
    (laws.chance_is_seeded, CALL_SERVICE, "import random\nrandom.Random()"),
    (laws.chance_is_seeded, CALL_SERVICE, "import numpy as np\nnp.random.rand()"),
    (laws.chance_is_seeded, CALL_SERVICE, "import numpy as np\nnp.random.default_rng()"),
    (laws.chance_is_seeded, CALL_SERVICE, "import secrets\nsecrets.token_hex(16)"),
    (laws.chance_is_seeded, CALL_SERVICE, "from uuid import uuid4\nuuid4()"),
    (laws.chance_is_seeded, CALL_SERVICE, "key = hash('a')"),
    (laws.chance_is_seeded, CALL_SERVICE, "for x in set([1]): pass"),
    (laws.chance_is_seeded, CALL_SERVICE, "ids = [x for x in {1, 2}]"),
    (laws.facts_hold_no_personal_data, CALL_SERVICE, KERNEL + "class Answered(Fact):\n    call_id: int"),
    (laws.facts_hold_no_personal_data, CALL_FACTS, KERNEL + "class Answered(Fact):\n    call_id: int"),
    (
        laws.facts_hold_no_personal_data,
        CALL_FACTS,
        KERNEL + "@dataclass(frozen=True, kw_only=True)\nclass Answered(Fact):\n    answer_text: str",
    ),
    (
        laws.facts_hold_no_personal_data,
        CALL_FACTS,
        KERNEL + "@dataclass(frozen=True, kw_only=True)\nclass Dialled(Fact):\n    phone: str",
    ),
    (laws.models_are_frozen, "shouye/during/call/model.py", "@dataclass\nclass CallOut:\n    id: int"),
    (laws.models_are_frozen, "shouye/during/call/model.py", "@dataclass(slots=True)\nclass CallOut:\n    id: int"),
    (laws.verbs_take_the_transaction, CALL_SERVICE, "def answer(call_id: int) -> None: ..."),
    (laws.verbs_take_the_transaction, CALL_SERVICE, "def answer(tx: object) -> None: ..."),
    (laws.verbs_take_the_transaction, CALL_SERVICE, "async def answer(tx: object) -> None: ..."),
    (laws.hands_are_actors, CALL_SERVICE, "def take_over(tx, ids: list[int], by: str) -> None: ..."),
    (laws.hands_are_actors, CALL_SERVICE, "def claim(tx, *, officer: str) -> None: ..."),
]
"""(law, path, text): the law must speak about the text at that path."""

INNOCENT: list[tuple[str, str]] = [
    (
        CALL_SERVICE,
        """
from shouye.base.kernel import Tx
from pathlib import Path
from shouye.base.roster import Post
from shouye.during.call import channels
from shouye.during.call.model import next_step
from shouye.during.call.store import attempts

def answer(tx: Tx, call_id: int) -> None:
    commit(tx, call_id)

def read_script(path: Path) -> None: ...

def _inner(a: int) -> None: ...
""",
    ),
    (
        "shouye/during/call/store.py",
        """
from sqlalchemy import select
from shouye.base.kernel import Tx, metadata

def calls(tx: Tx) -> None:
    tx.run(select(1))
""",
    ),
    (
        CALL_FACTS,
        KERNEL
        + "@dataclass(frozen=True, kw_only=True)\nclass Answered(Fact):\n    contact_id: int\n    late_s: int",
    ),
    ("shouye/during/call/channels/manual.py", "from shouye.during.call.model import Channel\nCHANNEL = Channel()"),
    ("shouye/main.py", "from shouye.during.call import reacts\nimport shouye.during.warn.jobs"),
    ("shouye/doors/web/live.py", "import asyncio, time\nasyncio.sleep(1)\ntime.monotonic()"),
    (
        "shouye/during/call/model.py",
        """
import random
from dataclasses import dataclass

@dataclass(frozen=True)
class CallOut:
    id: int

def draw(seed: int) -> float:
    return random.Random(seed).random()

def order(ids: set[int]) -> list[int]:
    return sorted(set(ids))
""",
    ),
    (
        "shouye/during/call/__init__.py",
        '"""叫应 — who must answer."""\nfrom shouye.during.call.model import A as A',
    ),
]
"""(path, text): lawful code beside the breaches, which no law may touch."""
