"""数据接入 — what comes from outside, as it is: a codec (通信规约, 文件格式) turns bytes into readings, no more.

One protocol is one file on the shelf `codecs/`: a frame (报文) is decoded or refused (拒收) with a code, a Chinese
sentence and its bytes, each of which `spans_of` explains (字节布局), the wrong place marked; what flows is heard
by a session (会话), which answers as its protocol wants it.

A document (XML, JSON, CSV) hands over its own record: a Signal (预警信号, its bytes kept and never re-graded), a
QuakeEvent (地震) in one revision, a HotSpot (卫星热点) of one pass.

A storm file (雨情过程文件) holds the rain of several gauges over some hours; `read_storm` reads it, says what it
refused (拒收), what it merged (同源合并) and what it assumed, and `lay` puts it on the stations of a city (移植).
"""

from shouye.watch.intake.codecs.firms import FirePlace as FirePlace
from shouye.watch.intake.codecs.firms import HotSpot as HotSpot
from shouye.watch.intake.codecs.firms import places as places
from shouye.watch.intake.codecs.modbus import modbus_pair as modbus_pair
from shouye.watch.intake.codecs.modbus import register_spans as register_spans
from shouye.watch.intake.codecs.quakeml import QuakeEvent as QuakeEvent
from shouye.watch.intake.codecs.quakeml import newest as newest
from shouye.watch.intake.codecs.table import table_rows as table_rows
from shouye.watch.intake.files import Declared as Declared
from shouye.watch.intake.files import DeclaredStation as DeclaredStation
from shouye.watch.intake.files import RefusedRow as RefusedRow
from shouye.watch.intake.files import Storm as Storm
from shouye.watch.intake.files import UnreadableStorm as UnreadableStorm
from shouye.watch.intake.files import lay as lay
from shouye.watch.intake.layouts import Span as Span
from shouye.watch.intake.layouts import all_layouts as all_layouts
from shouye.watch.intake.layouts import spans_of as spans_of
from shouye.watch.intake.model import STANDARD as STANDARD
from shouye.watch.intake.model import BadFrame as BadFrame
from shouye.watch.intake.model import Codec as Codec
from shouye.watch.intake.model import Command as Command
from shouye.watch.intake.model import Decoded as Decoded
from shouye.watch.intake.model import Inquiry as Inquiry
from shouye.watch.intake.model import Message as Message
from shouye.watch.intake.model import RefusalCode as RefusalCode
from shouye.watch.intake.model import Refused as Refused
from shouye.watch.intake.model import Session as Session
from shouye.watch.intake.model import SessionOptions as SessionOptions
from shouye.watch.intake.model import Signal as Signal
from shouye.watch.intake.model import SignalArea as SignalArea
from shouye.watch.intake.model import SignalInfo as SignalInfo
from shouye.watch.intake.model import Signature as Signature
from shouye.watch.intake.model import SignatureState as SignatureState
from shouye.watch.intake.model import WireReading as WireReading
from shouye.watch.intake.model import all_codecs as all_codecs
from shouye.watch.intake.model import codec_of as codec_of
from shouye.watch.intake.model import read_messages as read_messages
from shouye.watch.intake.service import ELEMENT_NAMES as ELEMENT_NAMES
from shouye.watch.intake.service import read_frames as read_frames
from shouye.watch.intake.service import read_storm as read_storm
