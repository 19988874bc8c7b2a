"""Ways to break what the database guards of readings, with the rule that refuses."""

from collections.abc import Callable
from datetime import datetime, timedelta

from predictions.models import (
    FailureWithdrawal,
    Item,
    ItemWindow,
    KeptFile,
    Machine,
    MachineFailure,
    Moments,
    Prediction,
    ReadingRemoval,
    SeriesReading,
    Workflow,
)
from tests.factories.accounts import UserFactory

HOUR = timedelta(hours=1)


class SeriesWorld:
    """A machine with a reading, a failure, and the window of an item; another item."""

    def __init__(
        self, workflow: Workflow, item: Item, other: Item, now: datetime
    ) -> None:
        self.workflow, self.other, self.now = workflow, other, now
        self.mill = self.machine("mill")
        self.read()
        self.fail()
        self.window(item=item)

    def machine(self, key: str, **columns: object) -> Machine:
        return Machine.objects.create(
            workflow=self.workflow, key=key, created_at=self.now, **columns
        )

    def read(self) -> None:
        SeriesReading.objects.create(
            machine=self.mill,
            at=self.now,
            values={},
            received_at=self.now,
            is_late=False,
        )

    def fail(self) -> None:
        self.failure = MachineFailure.objects.create(
            machine=self.mill, at=self.now, received_at=self.now
        )

    def withdraw(self, reason: str) -> None:
        FailureWithdrawal.objects.create(
            failure=self.failure, reason=reason, by=UserFactory.create(), at=self.now
        )

    def remove(self, **columns: object) -> None:
        old = {"until": self.now - HOUR, "n_readings": 1, "keep_days": 1}
        ReadingRemoval.objects.create(machine=self.mill, at=self.now, **(old | columns))

    def keep(self, purpose: str) -> None:
        KeptFile.objects.create(
            workflow=self.workflow,
            purpose=purpose,
            name="a.csv",
            n_bytes=1,
            created_by=UserFactory.create(),
            created_at=self.now,
        )

    def window(self, **columns: object) -> None:
        known = {
            "item": self.other,
            "machine": self.mill,
            "starts_at": self.now - HOUR,
            "ends_at": self.now,
            "last_reading_id": 1,
            "n_readings": 1,
            "columns_version": 1,
        }
        ItemWindow.objects.create(**(known | columns))


def series_rows(
    workflow: Workflow, item: Item, prediction: Prediction, *, now: datetime
) -> None:
    """Write one row at least of each table of readings."""
    world = SeriesWorld(workflow, item, item, now)
    world.withdraw("Told by mistake.")
    world.remove()
    Moments.objects.create(prediction=prediction, stretches=[], created_at=now)


REFUSED: list[tuple[str, Callable[[SeriesWorld], object]]] = [
    ("predictions_machine_key_unique", lambda w: w.machine("mill")),
    ("predictions_machine_last_reading_whole", lambda w: w.machine("b", last_at=w.now)),
    (
        "predictions_machine_last_reading_whole",
        lambda w: w.machine("b", last_received_at=w.now),
    ),
    ("predictions_reading_once", lambda w: w.read()),
    ("predictions_failure_once", lambda w: w.fail()),
    ("predictions_window_once", lambda w: w.window()),
    ("predictions_window_holds_readings", lambda w: w.window(ends_at=w.now - HOUR)),
    (
        "predictions_window_holds_readings",
        lambda w: w.window(ends_at=w.now + HOUR, n_readings=0),
    ),
    ("predictions_withdrawal_says_why", lambda w: w.withdraw("")),
    ("predictions_removal_of_old_ones", lambda w: w.remove(n_readings=0)),
    ("predictions_removal_of_old_ones", lambda w: w.remove(keep_days=0)),
    ("predictions_removal_of_old_ones", lambda w: w.remove(until=w.now)),
    ("predictions_keptfile_purpose_known", lambda w: w.keep("other")),
]
