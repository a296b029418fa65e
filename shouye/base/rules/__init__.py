"""规则 — published tables as data: 规则表, 判定, 依据标记, 三值真值.

A table (暴雨预警信号, 山洪转移, 洪水预警 …) is a TOML file, typed as published, with its authority, document, mark
and a truth table beside its test. `load_tables(city / "rules").table("rainstorm").judge({"rain_6h_mm": 60})` says
the highest level proven and names the inputs that are missing to exclude a higher one; `truths` gives every level.
"""

from shouye.base.rules.model import NONE as NONE
from shouye.base.rules.model import UNKNOWN as UNKNOWN
from shouye.base.rules.model import BadRule as BadRule
from shouye.base.rules.model import BadValue as BadValue
from shouye.base.rules.model import Bounds as Bounds
from shouye.base.rules.model import Compare as Compare
from shouye.base.rules.model import Contradiction as Contradiction
from shouye.base.rules.model import DutyFinding as DutyFinding
from shouye.base.rules.model import Input as Input
from shouye.base.rules.model import Judgement as Judgement
from shouye.base.rules.model import NoSuchInput as NoSuchInput
from shouye.base.rules.model import NoSuchRule as NoSuchRule
from shouye.base.rules.model import Row as Row
from shouye.base.rules.model import RuleTable as RuleTable
from shouye.base.rules.model import Truth as Truth
from shouye.base.rules.model import Value as Value
from shouye.base.rules.model import shown as shown
from shouye.base.rules.store import MARKS as MARKS
from shouye.base.rules.store import TABLES as TABLES
from shouye.base.rules.store import Rulebook as Rulebook
from shouye.base.rules.store import lint as lint
from shouye.base.rules.store import load_tables as load_tables
from shouye.base.rules.store import parse_table as parse_table
from shouye.base.rules.store import parse_value as parse_value
