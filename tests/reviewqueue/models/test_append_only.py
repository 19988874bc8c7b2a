"""Rows that people rely on later cannot be changed or removed, by any code."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction

from accounts.enums import Role
from accounts.models import AccessEvent, User
from accounts.services import grant_role
from lifecycle.models import AlertEvent, Proof
from predictions.models import (
    Approval,
    Explanation,
    FailureWithdrawal,
    GateReport,
    Item,
    ItemMedia,
    ItemWindow,
    MachineFailure,
    Measurement,
    MediaDerivative,
    ModelEvent,
    ModelVersion,
    Moments,
    PredictedFields,
    Prediction,
    ReadingRemoval,
    SeriesReading,
    Waiver,
    Workflow,
    WorkflowVersion,
)
from reviewqueue.models import (
    CaseEvent,
    CaseNote,
    Decision,
    GoldPlacement,
    Label,
    Notice,
    Outcome,
    Policy,
    Retraction,
    Route,
    TrustMove,
    TrustPlan,
)
from reviewqueue.services.decisions import add_note, undo_decision
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from tests.factories.media import media_row
from tests.lifecycle.models.life_rows import LifeRows
from tests.predictions.models.series_rules import series_rows
from tests.reviewqueue.models.trust_rows import trust_rows
from tests.reviewqueue.services.steps import claim, decide, open_cases

APPEND_ONLY: list[type[models.Model]] = [
    AccessEvent,
    AlertEvent,
    Approval,
    CaseEvent,
    CaseNote,
    Decision,
    Explanation,
    FailureWithdrawal,
    GateReport,
    GoldPlacement,
    Item,
    ItemMedia,
    ItemWindow,
    Label,
    MachineFailure,
    MediaDerivative,
    ModelEvent,
    Moments,
    Notice,
    Outcome,
    Policy,
    Measurement,
    PredictedFields,
    Prediction,
    Proof,
    ReadingRemoval,
    Retraction,
    Route,
    SeriesReading,
    TrustMove,
    TrustPlan,
    Waiver,
    WorkflowVersion,
]
pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(
    workflow: Workflow,
    champion: ModelVersion,
    alice: User,
    sam: User,
    mallory: User,
    now: datetime,
) -> None:
    """One row at least in every append-only table."""
    open_cases(workflow, 1, now=now)
    case = claim(workflow, alice, now=now)
    add_note(case=case, author=alice, text="called", now=now)
    decision = decide(case, alice, now=now).decision
    undo_decision(decision_id=decision.pk, by=alice, now=now)
    news = [OutcomeRow("tx-0", "fraud", now)]
    record_outcomes(workflow=workflow, rows=news, by=None, now=now)
    Explanation.objects.create(
        prediction=case.route.prediction, contributions=[], created_at=now
    )
    Measurement.objects.create(
        item=case.item, values={}, evidence={}, readers={}, measured_at=now
    )
    PredictedFields.objects.create(
        prediction=case.route.prediction,
        values={},
        confidences={},
        evidence={},
        created_at=now,
    )
    grant_role(
        actor=sam, user=mallory, scope=workflow.scope, role=Role.REVIEWER, now=now
    )
    trust_rows(workflow, like=case, champion=champion, by=sam, now=now)
    LifeRows(workflow, sam, now)
    media = media_row(workflow, now=now)
    ItemMedia.objects.create(item=case.item, slot="image", media=media)
    said = case.route.prediction
    assert said is not None
    series_rows(workflow, case.item, said, now=now)


def protected_tables() -> Iterator[str]:
    """Ask the database which tables of ours have the trigger."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT c.relname FROM pg_trigger t "
            "JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE t.tgname LIKE 'pgtrigger_append_only%'"
        )
        yield from (row[0] for row in cursor.fetchall())


def test_these_tables_and_no_others_have_the_trigger() -> None:
    assert sorted(protected_tables()) == sorted(
        model._meta.db_table for model in APPEND_ONLY
    )


@pytest.mark.parametrize("statement", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}"])
def test_row_cannot_be_changed_or_removed(rows: None, statement: str) -> None:
    for model in APPEND_ONLY:
        table, key = model._meta.db_table, model._meta.pk.column
        n_rows = model._default_manager.count()
        assert n_rows > 0, table

        with (
            pytest.raises(DatabaseError, match=f"Cannot update or delete .* {table}"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement.format(table, key))

        assert model._default_manager.count() == n_rows, table


def test_every_table_of_ours_is_listed_one_way_or_the_other() -> None:
    changing = {
        "accounts": {"User", "Scope", "Site", "Membership", "ApiKey"},
        "predictions": {
            "Workflow",
            "PendingScore",
            "QuarantinedItem",
            "ModelVersion",
            "FeatureProfile",
            "KeptFile",
            "Machine",
            "MediaArchive",
            "MediaFile",
            "MediaUpload",
            "MediaUploadPart",
        },
        "reviewqueue": {
            "Case",
            "CaseSkip",
            "Delivery",
            "FieldObservation",
            "GoldItem",
            "IdempotencyKey",
            "NoticeRead",
            "Observation",
            "Segment",
            "Snapshot",
            "Tally",
            "Webhook",
        },
        "lifecycle": {
            "Alert",
            "AlertMail",
            "ComparisonLook",
            "GateRun",
            "Reading",
            "TrainingRun",
        },
    }
    for app, names in changing.items():
        found = {model.__name__ for model in apps.get_app_config(app).get_models()}
        appended = {m.__name__ for m in APPEND_ONLY if m._meta.app_label == app}
        assert found == names | appended, app
