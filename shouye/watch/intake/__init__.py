"""数据接入 — what comes from outside, as it is: a codec (通信规约, 文件格式) turns bytes into readings, no more.

A storm file (雨情过程文件) holds the rain of several gauges over some hours; `read_storm` reads it, says what it
refused (拒收), what it merged (同源合并) and what it assumed, and `lay` puts it on the stations of a city (移植).
"""

from shouye.watch.intake.model import Declared as Declared
from shouye.watch.intake.model import DeclaredStation as DeclaredStation
from shouye.watch.intake.model import RefusedRow as RefusedRow
from shouye.watch.intake.model import Storm as Storm
from shouye.watch.intake.model import UnreadableStorm as UnreadableStorm
from shouye.watch.intake.model import lay as lay
from shouye.watch.intake.service import read_storm as read_storm
