"""Migrations go back and forth over rows that are there."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Case, Decision, Policy, Route
from reviewqueue.services.decisions import undo_decision
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.repair import put_back
from tests.factories.predictions import (
    make_champion,
    make_items,
    make_workflow,
    set_policy,
)
from tests.reviewqueue.models.trust_rows import trust_rows
from tests.reviewqueue.services.gold_steps import (
    answer_gold,
    gold_items,
    put_gold_plan,
)
from tests.reviewqueue.services.steps import claim, decide, open_cases

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE_TRUST = ("reviewqueue", "0002_tally")
BEFORE_UNDONE_GOLD = ("reviewqueue", "0005_shadow_evidence")
BEFORE_REPAIRED = ("reviewqueue", "0008_observation")


@pytest.fixture(autouse=True)
def newest_afterwards() -> Iterator[None]:
    """Leave the tables as every other test needs them, whatever happened."""
    yield
    call_command("flush", interactive=False, verbosity=0)
    migrate(*MigrationExecutor(connection).loader.graph.leaf_nodes())


def migrate(*targets: tuple[str, str]) -> None:
    MigrationExecutor(connection).migrate(list(targets))


def counts() -> list[int]:
    return [model.objects.count() for model in (Policy, Route, Case, Decision)]


def n_tallied(workflow: Workflow) -> list[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT figure, sum(n)::bigint FROM reviewqueue_tally "
            "WHERE workflow_id = %s GROUP BY figure HAVING sum(n) <> 0",
            [workflow.pk],
        )
        return sorted(cursor.fetchall())


def tables() -> set[str]:
    return set(connection.introspection.table_names())


def test_rows_of_before_survive_but_gold_cases_are_not_lost_on_the_way(
    workflow: Workflow, champion: ModelVersion, alice: User, bob: User, now: datetime
) -> None:
    case, *_ = open_cases(workflow, 3, now=now)
    decide(claim(workflow, alice, now=now), alice, now=now)
    stored, tallied = counts(), n_tallied(workflow)
    rows = trust_rows(workflow, like=case, champion=champion, by=alice, now=now)
    gold = rows.placement.case

    with pytest.raises(IntegrityError, match="case_states_known"):
        migrate(BEFORE_TRUST)
    assert Case.objects.filter(pk=gold.pk).exists()

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE reviewqueue_goldplacement")
        # the models know tables that are gone by now
        cursor.execute("DELETE FROM reviewqueue_case WHERE id = %s", [gold.pk])
    migrate(BEFORE_TRUST)
    assert not {"reviewqueue_trustplan", "reviewqueue_segment"} & tables()
    migrate(*MigrationExecutor(connection).loader.graph.leaf_nodes())

    assert counts() == stored
    assert n_tallied(workflow) == tallied
    # the triggers that count work as before
    decide(claim(workflow, bob, now=now), bob, now=now)
    assert n_tallied(workflow) != tallied


def test_what_counts_otherwise_since_leaves_the_counts_and_comes_back(
    workflow: Workflow, champion: ModelVersion, alice: User, sam: User, now: datetime
) -> None:
    other = make_workflow(now=now, slug="loans", name="Loans")
    make_champion(other, now=now)
    undo_gold(workflow, alice, sam, now=now)
    decide_repaired(other, alice, sam, now=now)
    newest, repaired = n_tallied(workflow), n_tallied(other)
    assert ("retracted", 1) in newest
    assert repaired == [("kind", 1), ("retracted", 1), ("routes", 2), ("sla", 1)]

    migrate(BEFORE_REPAIRED)
    # over all, for its label, for its version, for both
    readings = [("band", 4), ("label", 2), ("model", 2), ("reason", 4)]
    readings += [("reviewer", 4), ("total", 4)]
    assert n_tallied(other) == sorted(repaired + readings)
    migrate(BEFORE_UNDONE_GOLD)
    assert ("retracted", 2) in n_tallied(workflow)
    migrate(*MigrationExecutor(connection).loader.graph.leaf_nodes())

    assert (n_tallied(workflow), n_tallied(other)) == (newest, repaired)


def undo_gold(workflow: Workflow, alice: User, sam: User, *, now: datetime) -> None:
    """Have an answer to a gold item undone, and another one."""
    open_cases(workflow, 2, now=now)
    put_gold_plan(workflow, now=now)
    gold_items(workflow, sam, now=now)
    gold = answer_gold(workflow, alice, label="fraud", now=now).decision
    undo_decision(decision_id=gold.pk, by=alice, now=now)
    other = decide(claim(workflow, alice, now=now), alice, now=now).decision
    undo_decision(decision_id=other.pk, by=alice, now=now)


def decide_repaired(
    workflow: Workflow, alice: User, sam: User, *, now: datetime
) -> None:
    """Put items back that were decided alone; have one decided, and one undone."""
    set_policy(workflow, now=now, mode="above", low=1.0, audit_share=0.000001)
    make_items(workflow, 2, now=now)
    process_batch(workflow=workflow, limit=2, now=now)
    alone = list(Route.objects.filter(workflow=workflow).values_list("pk", flat=True))
    put_back(workflow=workflow, item_ids=alone, by=sam, reason="again", now=now)
    decide(claim(workflow, alice, now=now), alice, now=now)
    undone = decide(claim(workflow, alice, now=now), alice, now=now).decision
    undo_decision(decision_id=undone.pk, by=alice, now=now)
