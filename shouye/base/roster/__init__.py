"""花名册 — who and where, as a snapshot that never changes.

区划 (Division) under our own stable ids with dated 官方代码, 岗位 (Post) by level and kind with their 上级
(superior), 责任人 (Holder: A 角, B 角, 班次 Shift) with 联系方式 (Contact), 测站 (Station). A city is a folder of
data: `load_city` reads it, `lint` finds what is missing, `import_city` writes it, `snapshot` takes the Roster.
"""

from shouye.base.roster.facts import CityImported as CityImported
from shouye.base.roster.facts import ContactsResealed as ContactsResealed
from shouye.base.roster.lints import lint as lint
from shouye.base.roster.model import KIND_WORDS as KIND_WORDS
from shouye.base.roster.model import KINDS_AT as KINDS_AT
from shouye.base.roster.model import BadCity as BadCity
from shouye.base.roster.model import CityAlreadyImported as CityAlreadyImported
from shouye.base.roster.model import CityFiles as CityFiles
from shouye.base.roster.model import CityRecords as CityRecords
from shouye.base.roster.model import Contact as Contact
from shouye.base.roster.model import Division as Division
from shouye.base.roster.model import DivisionCode as DivisionCode
from shouye.base.roster.model import DivisionLevel as DivisionLevel
from shouye.base.roster.model import Holder as Holder
from shouye.base.roster.model import Person as Person
from shouye.base.roster.model import Post as Post
from shouye.base.roster.model import Problem as Problem
from shouye.base.roster.model import Roster as Roster
from shouye.base.roster.model import Severity as Severity
from shouye.base.roster.model import Shift as Shift
from shouye.base.roster.model import Station as Station
from shouye.base.roster.service import add_stations as add_stations
from shouye.base.roster.service import erase_contacts as erase_contacts
from shouye.base.roster.service import import_city as import_city
from shouye.base.roster.service import load_city as load_city
from shouye.base.roster.service import people_with as people_with
from shouye.base.roster.service import seal_contacts_again as seal_contacts_again
from shouye.base.roster.service import snapshot as snapshot
from shouye.base.roster.store import has_city as has_city
