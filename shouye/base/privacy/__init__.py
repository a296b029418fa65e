"""个人信息保护 — what is known of persons is kept for the response only and goes when its time is up (到期销毁).

Each room says what it keeps of persons and how it is destroyed (`keeps`); `retention.toml` of the city says for
how long; the sweep (清理) does it once a day and records how many, never who.
依据: 突发事件应对法 第八十四、八十五条.
"""

from shouye.base.privacy import reacts as reacts
from shouye.base.privacy.facts import PersonalDataErased as PersonalDataErased
from shouye.base.privacy.jobs import Sweeper as Sweeper
from shouye.base.privacy.model import Period as Period
from shouye.base.privacy.model import Retention as Retention
from shouye.base.privacy.model import keeps as keeps
from shouye.base.privacy.model import kinds as kinds
from shouye.base.privacy.service import read_retention as read_retention
from shouye.base.privacy.service import sweep as sweep
