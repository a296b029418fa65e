"""小石市 — a small city in the real assembly with a fake clock, whose people answer as a test says."""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from shouye.base import tasks
from shouye.base.access import WHOLE, named
from shouye.base.delivery import Attempt, People, Receipt, SimulatedTelephone, attempts_of
from shouye.base.delivery.channels.simulated import Behaviour
from shouye.base.kernel import BEIJING, Database, Mode, RecordedFact, SimClock, Tx, dead_jobs, facts_since, play
from shouye.base.roster import Roster
from shouye.during import call, warn
from shouye.during.warn.service import Ground, propose
from shouye.main import assemble
from shouye.watch import observe
from shouye.watch.observe import Reading
from tests.servers import Postgres

NOON = datetime(2026, 7, 20, 12, tzinfo=BEIJING)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
DIRECTOR, LEADER = named("xs/flood_office_director"), named("xs/city_leader_on_duty")
CONFIRMS, HEARS, RINGS_OUT, DECLINES, IS_OFF = (
    (Receipt.CONFIRMED,),
    (Receipt.HEARD,),
    (Receipt.NO_ANSWER,),
    (Receipt.DECLINED,),
    (Receipt.OFF,),
)
ANSWER_S = 30
"""A person who picks up does so after 10 seconds and listens for 20; who does not, rings out after 45."""

_FILES = {
    "city.toml": 'id = "xs"\nname = "小石市"\ncode = "990100"\n[shifts]\n[schemes]\n',
    "division_codes.csv": "division,scheme,code,name_in_list,valid_from,valid_to\n",
    "divisions.csv": """\
id,name,short,level,kind,parent,lon,lat,valid_from,valid_to
xs,小石市,小石市,city,city,,110.5,35.5,,
xs-c1,东县,东县,county,county,xs,110.6,35.6,,
xs-c2,西县,西县,county,county,xs,110.4,35.6,,
xs-t1,河口镇,河口镇,township,town,xs-c1,,,,
xs-t2,山前乡,山前乡,township,township,xs-c1,,,,
xs-t3,西关镇,西关镇,township,town,xs-c2,,,,
xs-v1,上村村委会,上村,village,village,xs-t1,,,,
xs-v2,下村村委会,下村,village,village,xs-t1,,,,
xs-v3,山前村委会,山前村,village,village,xs-t2,,,,
xs-v4,西关村委会,西关村,village,village,xs-t3,,,,
""",
    "stations.csv": """\
id,name,lon,lat,altitude_m,county,kind
S1,东县站,110.61,35.61,900,xs-c1,rain
S2,西县站,110.41,35.61,900,xs-c2,rain
""",
    "posts.csv": """\
kind,level,division_kinds,title,department,duty,order,superior_kind,holding,mark
city_duty,city,,市值班室,市防办,叫应,1,,pair,proposed
flood_office_director,city,,值班主任,市防办,签发,2,city_duty,pair,proposed
city_leader_on_duty,city,,带班领导,市政府,当班,3,city_duty,pair,proposed
county_duty,county,,县值班室,县防办,叫应,1,city_duty,pair,proposed
township_duty,township,,乡值班室,镇政府,叫应,1,county_duty,pair,proposed
township_militia_head,township,,武装部长,镇政府,派人,2,township_duty,pair,proposed
village_flood_head,village,,防汛责任人,村委会,转移,1,township_duty,pair,proposed
village_warner,village,,预警员,村委会,叫醒,2,township_duty,pair,proposed
""",
    "wake.toml": f"""\
mark = "proposed"
[approval]
posts = ["{DIRECTOR.tag}", "{LEADER.tag}"]
[review]
review_min = 180
hold_min = 60
[wake.BLUE]
city = ["city_duty"]
county = ["county_duty"]
[wake.YELLOW]
city = ["city_duty"]
county = ["county_duty"]
township = ["township_duty"]
[wake.ORANGE]
city = ["city_duty"]
county = "*"
township = "*"
village = "*"
[wake.RED]
city = "*"
county = "*"
township = "*"
village = "*"
[wake.PREPARE]
county = ["county_duty"]
[wake.IMMEDIATE]
village = "*"
[asks]
IMMEDIATE = ["on_post", "moved"]
""",
    "ladder.toml": """\
[ladder.call]
steps = [
  { act = "primary", after_s = 0 },
  { act = "primary", after_s = 120 },
  { act = "primary", after_s = 240 },
  { act = "deputy", after_s = 300 },
  { act = "overdue", after_s = 0, from_due = true },
  { act = "deputy", after_s = 420 },
  { act = "exhausted", after_s = 240, from_due = true },
]
"""
    + "".join(
        f'[ladder.{name}]\nsteps = [{{ act = "overdue", after_s = 0, from_due = true }}]\n'
        for name in ("approve", "review", "door", "takeover", "return", "support", "upkeep")
    )
    + """\
[deadline_min]
city = 10
county = 10
township = 10
village = 5
urgent = 5
approve = 3
review = 30
door = 20
support = 10
upkeep = 30
takeover = 5
return = 30
""",
    "assess.toml": '[hazard.rainstorm]\nrules = "CMA16-2007"\n[hazard.flash_flood]\nrules = "proposed"\n',
    "holders.csv": """\
post,role,name,contact_kind,contact,valid_from,valid_to,shift
xs/city_duty,A,市值甲,mobile,00000000001,,,
xs/city_duty,B,市值乙,mobile,00000000002,,,
xs/flood_office_director,A,主任甲,mobile,00000000003,,,
xs/city_leader_on_duty,A,领导甲,mobile,00000000004,,,
xs-c1/county_duty,A,东县甲,mobile,00000000005,,,
xs-c1/county_duty,B,东县乙,mobile,00000000006,,,
xs-c2/county_duty,A,西县甲,mobile,00000000007,,,
xs-t1/township_duty,A,河口甲,mobile,00000000008,,,
xs-t1/township_duty,B,河口乙,mobile,00000000009,,,
xs-t2/township_duty,A,山前甲,mobile,00000000010,,,
xs-t3/township_duty,A,西关甲,mobile,00000000011,,,
xs-t1/township_militia_head,A,河口丙,mobile,00000000019,,,
xs-t2/township_militia_head,A,山前乙,mobile,00000000020,,,
xs-t3/township_militia_head,A,西关乙,mobile,00000000021,,,
xs-v1/village_flood_head,A,上村甲,mobile,00000000012,,,
xs-v1/village_flood_head,B,上村乙,mobile,00000000013,,,
xs-v1/village_warner,A,上村甲,mobile,00000000012,,,
xs-v1/village_warner,B,上村乙,mobile,00000000013,,,
xs-v2/village_flood_head,A,下村甲,mobile,00000000014,,,
xs-v2/village_flood_head,B,下村乙,mobile,00000000015,,,
xs-v2/village_warner,A,下村乙,mobile,00000000015,,,
xs-v2/village_warner,B,下村甲,mobile,00000000014,,,
xs-v3/village_flood_head,A,山前丙,mobile,00000000016,,,
xs-v4/village_flood_head,A,西关丙,mobile,00000000017,,,
xs-v4/village_flood_head,B,西关丁,mobile,00000000018,,,
""",
}
"""xs-v1: one person holds both posts; xs-v2: two persons are each other's deputy; xs-v3/village_warner: nobody."""


def write_town(folder: Path) -> Path:
    """The city's folder, for a program of a test's own."""
    for name, text in _FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@cache
def _template() -> Path:
    """The imported city, made once a process: a town is a copy of it."""
    folder = Path(mkdtemp(prefix="shouye-town-"))
    atexit.register(shutil.rmtree, folder)
    write_town(folder)
    database = Database(f"sqlite:///{folder}/town.db", SimClock(NOON), durable=False)
    assemble(database, folder, Mode.SIMULATION, {}, banner="演练")
    database.close()
    return folder


@cache
def _template_on(server: Postgres) -> str:
    """The same on PostgreSQL: a database of which a town's is a copy."""
    name = server.make("ready")
    database = Database(server.url(name), SimClock(NOON), durable=False)
    assemble(database, _template(), Mode.SIMULATION, {}, banner="演练")
    database.close()
    return name


class Town:
    """The whole program over a copy of the small city; `answers` says per post how its people answer."""

    def __init__(
        self, folder: Path, start: datetime = NOON, *, telephone: bool = True, server: Postgres | None = None
    ) -> None:
        if server is None:
            self.url = f"sqlite:///{shutil.copy(_template() / 'town.db', folder / 'town.db')}"
        else:
            self.url = server.url(server.make(_template_on(server)))
        self.clock = SimClock(start)
        self.answers: dict[str, Behaviour] = {}
        self.usual = Behaviour(
            ring_s=(10, 10), listen_s=(20, 20), on_post_min=(5, 5), moved_min=(15, 15), script=CONFIRMS
        )
        phone = SimulatedTelephone(People(self.usual, {}, {}, self.answers), seed=1)
        self.senders = {"simulated": phone} if telephone else {}
        self.database = Database(self.url, self.clock, durable=False)
        self.start_program()

    def start_program(self) -> None:
        """As a process that starts over what is stored."""
        self.program = assemble(self.database, _template(), Mode.SIMULATION, self.senders, banner="演练")

    def let(self, where: str, *script: Receipt) -> None:
        """From now on this post (or division) answers so, try after try."""
        self.answers[where] = replace(self.usual, script=script)

    def run(self, until: datetime | timedelta) -> None:
        end = until if isinstance(until, datetime) else self.clock.now() + until
        play(self.program.sources, self.database, self.clock, end)
        with self.look() as tx:
            assert [job.kind for job in dead_jobs(tx)] == []

    def rain(self, *values_mm: float, station: str = "S1", revision: int = 0) -> None:
        """Hour after hour from now on; each hour's rain is heard when the hour ends."""
        for value in values_mm:
            end = self.clock.now() + HOUR
            self.run(end)
            self.read(station, end, value, revision)

    def read(self, station: str, end: datetime, value_mm: float, revision: int = 0) -> None:
        """One reading arrives now and is judged."""
        with self.database.begin() as tx:
            observe.store_batch(tx, [Reading(station, "rain_mm", end, value_mm, HOUR, revision, station)])
        self.run(timedelta(0))

    def notice(self, level: str = "ORANGE", county: str = "xs-c1", hazard: str = "rainstorm") -> warn.Notice:
        """A notice signed now, on a ground that is only words; its calls are open."""
        with self.database.begin() as tx:
            current = warn.notice_for(tx, WHOLE, hazard, county)
            act = warn.Act.RAISE if current else warn.Act.ISSUE
            now = tx.now
            ground = Ground(hazard, "暴雨", county, level, (county,), "3小时60毫米", (), now, now)
            signed = warn.approve(tx, DIRECTOR, propose(tx, act, ground))
        self.run(timedelta(0))
        return signed

    def pending(self) -> list[warn.Proposal]:
        with self.look() as tx:
            return warn.proposals(tx, WHOLE, only_pending=True)

    def owed(self, *kinds: str) -> list[tasks.Task]:
        with self.look() as tx:
            return tasks.owed(tx, WHOLE, kinds)

    def calls(self, notice: int | None = None, division: str = "") -> list[call.Obligation]:
        with self.look() as tx:
            return [item for item in call.obligations(tx, WHOLE, notice) if division in ("", item.division)]

    def unit(self, post: str) -> call.Obligation:
        """The latest obligation of this post."""
        return [item for item in self.calls() if item.post == post][-1]

    def person(self, post: str, place: int = 0) -> int:
        with self.look() as tx:
            return tx.of(Roster).holders(post, tx.now)[place].id

    def rung(self, person: int, purpose: str = "call") -> list[Attempt]:
        with self.look() as tx:
            return [item for item in attempts_of(tx, WHOLE, person) if item.purpose == purpose]

    def facts(self, *kinds: str) -> Sequence[RecordedFact]:
        with self.look() as tx:
            return facts_since(tx, kinds=kinds)

    @contextmanager
    def look(self) -> Iterator[Tx]:
        with self.database.read() as tx:
            yield tx

    @contextmanager
    def act(self) -> Iterator[Tx]:
        """A verb of a person; afterwards what it set going runs."""
        with self.database.begin() as tx:
            yield tx
        self.run(timedelta(0))
