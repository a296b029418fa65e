"""事项 — everything a post owes by a time, and the one escalation clock (阶梯).

A room opens tasks of its own kind and registers a handler for their steps in the `Ladders` book; the steps
themselves are data (ladder.toml). A task is owed until done, handed over or cancelled; late is recorded once. A
job that the machine has given up is owed by the duty office (机务).
"""

from shouye.base.tasks import reacts as reacts
from shouye.base.tasks.jobs import LadderClock as LadderClock
from shouye.base.tasks.model import OVERDUE as OVERDUE
from shouye.base.tasks.model import UPKEEP as UPKEEP
from shouye.base.tasks.model import Ladder as Ladder
from shouye.base.tasks.model import LadderStep as LadderStep
from shouye.base.tasks.model import NewTask as NewTask
from shouye.base.tasks.model import Task as Task
from shouye.base.tasks.model import TaskState as TaskState
from shouye.base.tasks.model import Upkeep as Upkeep
from shouye.base.tasks.model import read_ladders as read_ladders
from shouye.base.tasks.model import read_upkeep as read_upkeep
from shouye.base.tasks.service import Ladders as Ladders
from shouye.base.tasks.service import acknowledge as acknowledge
from shouye.base.tasks.service import by_ids as by_ids
from shouye.base.tasks.service import cancel as cancel
from shouye.base.tasks.service import climb as climb
from shouye.base.tasks.service import complete as complete
from shouye.base.tasks.service import hand_over as hand_over
from shouye.base.tasks.service import in_group as in_group
from shouye.base.tasks.service import open_tasks as open_tasks
from shouye.base.tasks.service import opened_after as opened_after
from shouye.base.tasks.service import owed as owed
from shouye.base.tasks.service import owed_at as owed_at
from shouye.base.tasks.service import owed_tasks_at as owed_tasks_at
from shouye.base.tasks.service import retitle as retitle
from shouye.base.tasks.service import retitle_all as retitle_all
from shouye.base.tasks.service import skip_to as skip_to
from shouye.base.tasks.service import task as task
