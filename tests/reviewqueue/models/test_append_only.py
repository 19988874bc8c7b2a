"""Rows that people rely on later cannot be changed or removed, by any code."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction

from accounts.enums import Role
from accounts.models import AccessEvent, User
from accounts.services import grant_role
from predictions.models import (
    Explanation,
    Item,
    ModelEvent,
    ModelVersion,
    Prediction,
    Workflow,
    WorkflowVersion,
)
from reviewqueue.models import (
    CaseEvent,
    CaseNote,
    Decision,
    Label,
    Outcome,
    Policy,
    Retraction,
    Route,
)
from reviewqueue.services.decisions import add_note, undo_decision
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from tests.reviewqueue.services.steps import claim, decide, open_cases

APPEND_ONLY: list[type[models.Model]] = [
    AccessEvent,
    CaseEvent,
    CaseNote,
    Decision,
    Explanation,
    Item,
    Label,
    ModelEvent,
    Outcome,
    Policy,
    Prediction,
    Retraction,
    Route,
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
    grant_role(
        actor=sam, user=mallory, scope=workflow.scope, role=Role.REVIEWER, now=now
    )


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


@pytest.mark.parametrize("model", APPEND_ONLY, ids=lambda model: model.__name__)
@pytest.mark.parametrize("statement", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}"])
def test_row_cannot_be_changed_or_removed(
    rows: None, model: type[models.Model], statement: str
) -> None:
    table, key = model._meta.db_table, model._meta.pk.column
    n_rows = model._default_manager.count()
    assert n_rows > 0

    with (
        pytest.raises(DatabaseError, match="Cannot update or delete"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table, key))

    assert model._default_manager.count() == n_rows


def test_every_table_of_ours_is_listed_one_way_or_the_other() -> None:
    changing = {
        "accounts": {"User", "Scope", "Membership", "ApiKey"},
        "predictions": {
            "Workflow",
            "PendingScore",
            "QuarantinedItem",
            "ModelVersion",
            "FeatureProfile",
        },
        "reviewqueue": {"Case", "CaseSkip", "IdempotencyKey", "Snapshot", "Tally"},
    }
    for app, names in changing.items():
        found = {model.__name__ for model in apps.get_app_config(app).get_models()}
        appended = {m.__name__ for m in APPEND_ONLY if m._meta.app_label == app}
        assert found == names | appended, app
