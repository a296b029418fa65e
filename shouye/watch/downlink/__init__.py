"""召测 — what a person asks of a device (下行命令): a query, its configuration, its clock; and what it answered.

An order waits until its device is on the line, goes out, is sent again after a broken line, and is answered,
refused or given up. What can be asked is the list of its protocol (`Codec.commands`); nothing there moves a gate.
"""

from shouye.watch.downlink.facts import DownlinkOrdered as DownlinkOrdered
from shouye.watch.downlink.facts import DownlinkSettled as DownlinkSettled
from shouye.watch.downlink.model import Order as Order
from shouye.watch.downlink.model import OrderState as OrderState
from shouye.watch.downlink.model import tell as tell
from shouye.watch.downlink.service import moved as moved
from shouye.watch.downlink.service import order as order
from shouye.watch.downlink.service import orders as orders
from shouye.watch.downlink.service import outstanding as outstanding
from shouye.watch.downlink.service import withdraw as withdraw
