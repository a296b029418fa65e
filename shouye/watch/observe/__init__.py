"""监测 — series (序列), observations (监测数据), their quality (质控), and what is not heard (听不到的).

A `Reading` is stored before anybody is told that it was (`store_batch`); a repeated one changes nothing, a higher
revision (订正) replaces it, and between equal ones content decides, never arrival. 缺测 is a value of its own.
What checks, senders and persons say of a reading are flags beside it: the value stays as sent, and a bad one is
judged as none.
"""

from shouye.watch.observe.columns import Block as Block
from shouye.watch.observe.columns import blocks as blocks
from shouye.watch.observe.elements import BadElements as BadElements
from shouye.watch.observe.elements import Element as Element
from shouye.watch.observe.elements import Elements as Elements
from shouye.watch.observe.elements import Limits as Limits
from shouye.watch.observe.elements import read_quality as read_quality
from shouye.watch.observe.elements import standard_elements as standard_elements
from shouye.watch.observe.facts import ReadingsMarked as ReadingsMarked
from shouye.watch.observe.fresh import Fresh as Fresh
from shouye.watch.observe.fresh import Heard as Heard
from shouye.watch.observe.fresh import SourcedSeries as SourcedSeries
from shouye.watch.observe.model import Cause as Cause
from shouye.watch.observe.model import Flag as Flag
from shouye.watch.observe.model import Mark as Mark
from shouye.watch.observe.model import Measures as Measures
from shouye.watch.observe.model import Quality as Quality
from shouye.watch.observe.model import Reading as Reading
from shouye.watch.observe.model import Silence as Silence
from shouye.watch.observe.model import outranks as outranks
from shouye.watch.observe.model import unheard as unheard
from shouye.watch.observe.service import curve as curve
from shouye.watch.observe.service import discarded as discarded
from shouye.watch.observe.service import history as history
from shouye.watch.observe.service import latest_all as latest_all
from shouye.watch.observe.service import mark_readings as mark_readings
from shouye.watch.observe.service import marks as marks
from shouye.watch.observe.service import measuring as measuring
from shouye.watch.observe.service import newest_batch as newest_batch
from shouye.watch.observe.service import series_voices as series_voices
from shouye.watch.observe.service import silence as silence
from shouye.watch.observe.service import store_batch as store_batch
from shouye.watch.observe.service import stored_in as stored_in
from shouye.watch.observe.service import to_judge_again as to_judge_again
from shouye.watch.observe.service import voices as voices
