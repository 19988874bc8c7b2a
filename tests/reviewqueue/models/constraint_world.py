"""A row of each table that the database guards, and ways to break each rule."""

from collections.abc import Callable, Iterable
from copy import copy as shallow_copy
from datetime import datetime
from uuid import uuid4

from django.db import IntegrityError, models, transaction

from accounts.models import User
from predictions.models import ModelVersion, Prediction, QuarantinedItem, Workflow
from reviewqueue.models import Case, Delivery, Label, Policy, Route, Snapshot
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from tests.factories.predictions import make_items
from tests.reviewqueue.models.trust_rows import gold_case, trust_rows
from tests.reviewqueue.services.steps import claim, decide, open_cases


class World:
    """Two cases, one decided and one held by alice, an outcome, and a spare item.

    The decided one's item is gold as well, and the first segment is once granted.
    """

    def __init__(
        self, workflow: Workflow, alice: User, bob: User, now: datetime
    ) -> None:
        self.workflow, self.alice, self.bob, self.now = workflow, alice, bob, now
        open_cases(workflow, 2, now=now)
        self.decided = claim(workflow, alice, now=now)
        self.decision = decide(self.decided, alice, now=now).decision
        self.held = claim(workflow, alice, now=now)
        self.seen = self.decided.route.prediction_id
        make_items(workflow, 3, now=now)
        self.spare = make_items(workflow, 3, now=now)[2]
        external_id = self.decided.item.external_id
        news = [OutcomeRow(external_id, "fraud", now)]
        record_outcomes(workflow=workflow, rows=news, by=None, now=now)
        self.trust = trust_rows(
            workflow,
            like=self.decided,
            champion=ModelVersion.objects.get(),
            by=alice,
            now=now,
        )

    def change(self, **columns: object) -> None:
        Case.objects.filter(pk=self.held.pk).update(**columns)

    def case(self, **columns: object) -> None:
        copy(self.held, **columns)

    def policy(self, **columns: object) -> None:
        copy(Policy.objects.latest("version"), **({"version": 9} | columns))

    def route(self, **columns: object) -> None:
        spare = {"item_id": self.spare.pk, "prediction_id": None}
        copy(Route.objects.order_by("pk")[0], **(spare | columns))

    def decide(self, **columns: object) -> None:
        copy(self.decision, **({"round": 9, "supersedes": None} | columns))

    def label(self, **columns: object) -> None:
        copy(Label.objects.earliest("version"), **({"version": 9} | columns))

    def predict(self, **columns: object) -> None:
        spare = {"item_id": self.spare.pk}
        copy(Prediction.objects.order_by("pk")[0], **(spare | columns))

    def version(self, **columns: object) -> None:
        copy(ModelVersion.objects.get(), **({"number": 9, "stage": "shadow"} | columns))

    def quarantine(self, **columns: object) -> None:
        QuarantinedItem.objects.create(
            workflow=self.workflow, errors=[], received_at=self.now, **columns
        )

    def plan(self, **columns: object) -> None:
        copy(self.trust.plan, **({"version": 100} | columns))

    def segment(self, **columns: object) -> None:
        copy(self.trust.segment, **({"slicing": 100} | columns))

    def move(self, **columns: object) -> None:
        copy(self.trust.move, **columns)

    def gold(self, **columns: object) -> None:
        copy(self.trust.gold, **({"item": self.spare} | columns))

    def place(self, **columns: object) -> None:
        case = gold_case(self.decided)
        copy(self.trust.placement, **({"case": case} | columns))

    def deliver(self, **columns: object) -> None:
        changed = Delivery.objects.filter(pk=self.trust.delivery.pk)
        changed.update(**columns)

    def snapshot(self, **columns: object) -> None:
        Snapshot.objects.create(
            workflow=self.workflow,
            as_of=self.now,
            filters={},
            created_at=self.now,
            **columns,
        )


def copy(row: models.Model, **columns: object) -> None:
    """Insert a row like this one, but for the given columns and a new key."""
    row = shallow_copy(row)
    row._state = shallow_copy(row._state)
    if not row._meta.pk.is_relation:
        columns.setdefault(row._meta.pk.name, uuid4())
    for name, value in columns.items():
        setattr(row, name, value)
    row._state.adding = True
    row.save(force_insert=True)


def twice(create: Callable[[], object]) -> None:
    create()
    create()


def broken(make: Callable[..., None], **columns: object) -> Callable[[World], object]:
    return lambda world: make(world, **columns)


def refusals(breaks: Iterable[Callable[[], object]]) -> list[str]:
    """Return which constraint refused each, none where nothing did."""
    return [_refusal(break_it) for break_it in breaks]


def _refusal(break_it: Callable[[], object]) -> str:
    try:
        with transaction.atomic():
            break_it()
            transaction.set_rollback(True)
    except IntegrityError as error:
        found: str = error.__cause__.diag.constraint_name  # type: ignore[union-attr]
        return found
    return ""
