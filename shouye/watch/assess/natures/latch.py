"""闭锁 — every reading is judged as a state; a latched level stays until a person may and does reset it.

The reset is an event of its own instant; one that came while restoring was not known to be allowed has no effect.
"""

from __future__ import annotations

from shouye.watch.assess.natures import Nature, state

NATURE = Nature(term="闭锁", values=state.NATURE.values, reach=state.NATURE.reach)
