"""文书 — 登记表 (XLSX, CSV) and 报告 (HTML): nothing but rendering; no figure is made here.

The same content always gives the same bytes. Text that begins like a formula stays text (防公式注入). What is not
实战 carries its mode on every sheet, row and page (演练, 通信测试).
"""

from shouye.base.papers.model import Cell as Cell
from shouye.base.papers.model import NotANumber as NotANumber
from shouye.base.papers.model import Sheet as Sheet
from shouye.base.papers.model import csv_text as csv_text
from shouye.base.papers.model import html as html
from shouye.base.papers.model import xlsx as xlsx
