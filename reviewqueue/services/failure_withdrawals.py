"""Take failures of machines back that were told by mistake."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from accounts.services import note_failure_withdrawn
from predictions.declaration import FieldError
from predictions.models import FailureWithdrawal, ItemWindow, Machine, MachineFailure
from reviewqueue.queries.late_truth import newest_outcome
from reviewqueue.services.machine_failures import settle_machine

MAX_REASON = 500


class WithdrawalRefused(ValueError):
    """The reason is missing, or not one that can be kept."""

    def __init__(self, error: FieldError) -> None:
        super().__init__(f"A reason is needed, of at most {MAX_REASON} characters.")
        self.errors = [error]


class AlreadyWithdrawn(Exception):
    """Somebody has withdrawn the failure."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A failure that was taken back; `waiting` items carry what it said until the
    failures of their time are said to be complete."""

    withdrawal: FailureWithdrawal
    corrected: int
    waiting: int


@transaction.atomic
def withdraw_failure(
    *, failure: MachineFailure, by: User, reason: str, now: datetime
) -> Withdrawn:
    """Take a failure back, and correct the late truth that it made.

    Locks the machine. The failure stays, beside a `FailureWithdrawal` and an
    `AccessEvent`. Items that it labelled get the label that is known without it: of
    another failure within their horizon, or the negative where failures are complete.
    What somebody said of an item who had been there stands.
    Raises: WithdrawalRefused; AlreadyWithdrawn.
    """
    said = reason.strip()
    if not said or "\x00" in said:
        raise WithdrawalRefused(FieldError("reason", "missing"))
    if len(said) > MAX_REASON:
        raise WithdrawalRefused(FieldError("reason", "too_long", len(said)))
    machine = Machine.objects.select_for_update(of=("self",)).get(pk=failure.machine_id)
    if FailureWithdrawal.objects.filter(pk=failure.pk).exists():
        msg = "It was withdrawn already."
        raise AlreadyWithdrawn(msg)
    withdrawal = FailureWithdrawal.objects.create(
        failure=failure, reason=said, by=by, at=now
    )
    workflow = machine.workflow
    note_failure_withdrawn(
        by=by,
        scope=workflow.scope,
        data={
            "machine": machine.key,
            "failure": failure.at.isoformat(),
            "reason": said,
        },
        now=now,
    )
    corrected = settle_machine(workflow=workflow, machine_pk=machine.pk, now=now)
    return Withdrawn(withdrawal, corrected, _waiting(failure, machine))


def _waiting(failure: MachineFailure, machine: Machine) -> int:
    """Count the items that carry what it said, and of which nothing else is known."""
    series = machine.workflow.declaration.series
    if series is None:
        return 0
    horizon = timedelta(minutes=series.horizon_minutes)
    windows = ItemWindow.objects.filter(
        machine=machine, ends_at__lt=failure.at, ends_at__gte=failure.at - horizon
    )
    complete = machine.complete_until
    if complete is not None:
        windows = windows.filter(ends_at__gt=complete - horizon)
    positives = machine.workflow.declaration.positive_labels
    told = windows.annotate(truth=newest_outcome()).filter(truth__in=positives)
    standing = MachineFailure.objects.filter(machine=machine, withdrawal=None)
    moments = list(standing.values_list("at", flat=True))
    return sum(
        not any(end < at <= end + horizon for at in moments)
        for end in told.values_list("ends_at", flat=True)
    )
