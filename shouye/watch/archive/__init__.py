"""历史 — readings over years: pages, thinned curves that keep the extremes (抽稀), closed months (归档), export.

A closed month is a Parquet file with its digest; when its rows leave the database a query still reads both. How
long what is kept (保存期限) is a city's table. Stations that repeat another (重复测源) are found here.
"""

from shouye.watch.archive.facts import MonthArchived as MonthArchived
from shouye.watch.archive.facts import MonthForgotten as MonthForgotten
from shouye.watch.archive.facts import MonthMovedOut as MonthMovedOut
from shouye.watch.archive.jobs import Tidied as Tidied
from shouye.watch.archive.jobs import close_month as close_month
from shouye.watch.archive.jobs import tidy as tidy
from shouye.watch.archive.model import Bucket as Bucket
from shouye.watch.archive.model import Flagged as Flagged
from shouye.watch.archive.model import History as History
from shouye.watch.archive.model import Keeping as Keeping
from shouye.watch.archive.model import Month as Month
from shouye.watch.archive.model import Page as Page
from shouye.watch.archive.model import csv_row as csv_row
from shouye.watch.archive.model import read_keeping as read_keeping
from shouye.watch.archive.service import FileDiffers as FileDiffers
from shouye.watch.archive.service import all_of as all_of
from shouye.watch.archive.service import find_same as find_same
from shouye.watch.archive.service import months as months
from shouye.watch.archive.service import page as page
from shouye.watch.archive.service import thinned as thinned
from shouye.watch.archive.service import whole as whole
