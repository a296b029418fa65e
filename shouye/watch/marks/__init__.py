"""人工标记 — what persons say of readings: over a span of time good, suspect, bad, or truly another value.

Rows are only added; the last one over an instant counts. `observe` puts them beside the readings.
"""

from shouye.watch.marks.model import Mark as Mark
from shouye.watch.marks.model import Quality as Quality
from shouye.watch.marks.service import add as add
from shouye.watch.marks.service import said as said
