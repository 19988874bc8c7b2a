"""What every look of a monitor is given."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from accounts.sites import ALL_SITES, Sites
from lifecycle.judging.budget import look_budget
from lifecycle.services.monitors.registry import Monitor
from predictions.declaration import Declaration
from predictions.models import ModelVersion, Workflow
from predictions.queries.model_versions import champion_of


@dataclass(frozen=True)
class Look:
    """One look of a monitor at a workflow.

    `at` is the moment of the schedule that it is of, at which windows end; `now` the
    moment at which it is made, from which ages are counted. With `sites`, what came
    from these alone is held against the reference.
    """

    workflow: Workflow
    monitor: Monitor
    at: datetime
    now: datetime
    sites: Sites = ALL_SITES

    @property
    def declaration(self) -> Declaration:
        return self.workflow.declaration

    @cached_property
    def champion(self) -> ModelVersion | None:
        """The version in force."""
        return champion_of(self.workflow)

    @property
    def budget(self) -> float:
        """The chance of a false alarm that this look may take."""
        per_year = self.declaration.monitoring.false_alarms_per_year
        return look_budget(
            self.monitor.key, per_year=per_year, every=self.monitor.every
        )

    @property
    def seed(self) -> int:
        """What draws at random: the same at every try of the same look."""
        key: int = self.workflow.pk.int
        return (key ^ int(self.at.timestamp())) & 0xFFFF_FFFF
