"""What is known of a workflow when somebody asks whether it is ready. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from lifecycle.enums import MonitorKind


@dataclass(frozen=True, slots=True)
class Named:
    """What the workflow file says of itself, and who reviews."""

    version: int
    at: datetime
    question: str
    metric: str
    n_reviewers: int
    owners: Mapping[str, str]  # by responsibility; empty: nobody
    supervisors: str


@dataclass(frozen=True, slots=True)
class Serving:
    """The champion; `open_gates` are those that neither passed nor were waived."""

    name: str
    pk: UUID
    last_scored_at: datetime | None
    n_gates: int  # declared
    report_at: datetime | None
    open_gates: int
    n_waived: int


@dataclass(frozen=True, slots=True)
class Arriving:
    """The newest item, and how many of the newest arrivals were refused."""

    last_at: datetime | None
    k: int
    n: int
    low: float | None
    high: float | None
    limit: float  # 0: none
    silent_after: timedelta


@dataclass(frozen=True, slots=True)
class Watching:
    """Monitors of one kind: how many reported in time, of how many; open alerts."""

    kind: MonitorKind
    n_in_time: int
    n: int
    n_alerts: int
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Trained:
    """The newest training run that ended, and what gates said of its versions."""

    pk: UUID
    status: str
    says: str
    at: datetime
    trigger: str
    gates: Sequence[tuple[str, str]]  # version, verdict
    within: timedelta


@dataclass(frozen=True, slots=True)
class Judged:
    """What people did of late with cases, and what became of it."""

    n: int
    n_overridden: int
    n_unsure: int
    n_adjudicated: int
    n_escalated: int
    last_at: datetime | None
    fed_back_at: datetime | None  # a run was trained on labels that people gave
    run: UUID | None
    n_labels: int


@dataclass(frozen=True, slots=True)
class Improving:
    """The metric before and after the newest promotion, and against its aim.

    `is_better` None where the interval of the change holds zero, or nothing is known.
    """

    at: datetime
    is_late: bool
    says: str
    is_better: bool | None
    meets_aim: bool | None


@dataclass(frozen=True, slots=True)
class Proved:
    """A restore that was tried, or rights that were gone through."""

    pk: UUID
    has_passed: bool
    says: str
    at: datetime
    by: str
    n_changed: int = 0  # since, of what was gone through


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known; None where there is nothing."""

    named: Named
    serving: Serving | None
    arriving: Arriving
    watching: Sequence[Watching]
    trained: Trained | None
    judged: Judged
    has_measure: bool
    improving: Improving | None
    restore: Proved | None
    rights: Proved | None
