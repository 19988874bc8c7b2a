"""Migrations go back and forth over rows that are there, by steps or squashed."""

import gc
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from psycopg.conninfo import make_conninfo

from accounts.models import User
from predictions.models import Workflow
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
from tests.tables import kept_tables, load_tables, schema_of

Step = tuple[str, str]

APPS = ("accounts", "predictions", "reviewqueue", "lifecycle")
BEFORE_TRUST = ("reviewqueue", "0002_tally")
BEFORE_UNDONE_GOLD = ("reviewqueue", "0005_shadow_evidence")
UNDONE_GOLD = ("reviewqueue", "0006_undone_gold")
BEFORE_REPAIRED = ("reviewqueue", "0008_observation")
REPAIRED = ("reviewqueue", "0009_repaired_are_no_readings")
# What databases of the first version have behind them.
FIRST_VERSION = (
    ("accounts", "0001_initial"),
    ("predictions", "0001_initial"),
    ("reviewqueue", "0001_initial"),
    BEFORE_TRUST,
)

# Where rows of now wait until there is a table for them; triggers fill the others.
ASIDE = "aside"
WITH_ROWS = (
    "accounts_scope",
    "accounts_user",
    "accounts_membership",
    "predictions_workflow",
    "predictions_workflowversion",
    "predictions_modelversion",
    "predictions_modelevent",
    "predictions_item",
    "predictions_prediction",
    "reviewqueue_policy",
    "reviewqueue_trustplan",
    "reviewqueue_segment",
    "reviewqueue_trustmove",
    "reviewqueue_golditem",
    "reviewqueue_route",
    "reviewqueue_case",
    "reviewqueue_caseevent",
    "reviewqueue_goldplacement",
    "reviewqueue_decision",
    "reviewqueue_retraction",
    "reviewqueue_label",
)
GOLD_CASES = {
    "reviewqueue_case": "kind = 'gold'",
    "reviewqueue_caseevent": "case_id NOT IN (SELECT id FROM reviewqueue_case)",
}
GOLD_ANSWERS = {
    "reviewqueue_decision": "case_kind = 'gold'",
    "reviewqueue_retraction": (
        "decision_id NOT IN (SELECT id FROM reviewqueue_decision)"
    ),
}


@pytest.fixture(autouse=True)
def uncollected() -> Iterator[None]:
    """Leave out what `manage.py migrate` leaves out: a third of the time."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def tables_afterwards(transactional_db: None) -> Iterator[None]:
    """Leave the tables as every other test needs them, whatever happened."""
    yield
    forget_rows_aside()
    loaded(kept_tables())


def loaded(dump: Path) -> str:
    """Have nothing but these tables; return the schema that the server makes of them.

    It writes a rule otherwise once it has read it from a dump.
    """
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE")
        new_schema(cursor)
    load_tables(dump, into=address())
    return schema_of(address())


def new_schema(cursor: CursorWrapper) -> None:
    """Make the schema that every new database has."""
    cursor.execute("CREATE SCHEMA public AUTHORIZATION pg_database_owner")


def address() -> str:
    name = connection.settings_dict["NAME"]
    return make_conninfo(os.environ["DATABASE_URL"], dbname=name)


def by_steps() -> MigrationExecutor:
    """Return what migrates step by step, also where the squashed ones would do."""
    executor = MigrationExecutor(connection)
    loader = executor.loader
    loader.replace_migrations = False  # type: ignore[attr-defined]  # not in the stubs
    loader.build_graph()
    for key, squashed in loader.replacements.items():
        loader.graph.remove_replacement_node(key, squashed.replaces)
    return executor


def go_to(*targets: tuple[str, str | None]) -> None:
    by_steps().migrate(list(targets))


def test_every_change_of_a_model_has_its_migration(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_whatever_a_migration_does_can_be_undone(db: None) -> None:
    of_all = MigrationExecutor(connection).loader.disk_migrations

    final = [
        f"{app}.{name}: {operation.describe()}"
        for (app, name), one in of_all.items()
        for operation in one.operations
        if app in APPS and not operation.reversible
    ]

    assert final == []


def test_from_anywhere_along_the_steps_each_is_taken_once(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = by_steps()
    nodes = executor.loader.graph.leaf_nodes()
    steps = [
        (one.app_label, one.name)
        for one, _ in executor.migration_plan(nodes, clean_start=True)
    ]
    assert {("reviewqueue", "0001_initial"), BEFORE_REPAIRED} < set(steps)

    of_others = [step for step in steps if step[0] not in APPS]
    for done in (
        [*of_others, *FIRST_VERSION],
        *(steps[:n_done] for n_done in range(len(steps) + 1)),
    ):
        plan = planned_after(done, monkeypatch)
        assert sorted(done + plan) == sorted(steps), done[-1:]


def planned_after(done: list[Step], monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """Return what `migrate` would do then, with squashed ones as their steps."""

    def applied(_: MigrationRecorder) -> dict[Step, Any]:
        return dict.fromkeys(done)

    monkeypatch.setattr(MigrationRecorder, "applied_migrations", applied)
    executor = MigrationExecutor(connection)
    executor.loader.check_consistent_history(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [
        step for one, _ in plan for step in one.replaces or [(one.app_label, one.name)]
    ]


@pytest.mark.usefixtures("tables_afterwards")
def test_squashed_ones_can_be_taken_back_to_nothing() -> None:
    MigrationExecutor(connection).migrate([(app, None) for app in reversed(APPS)])

    assert [one for one in tables() if one.startswith(APPS)] == []


@pytest.mark.usefixtures("tables_afterwards")
def test_rows_of_the_first_version_and_of_later_ones_come_to_the_same_tables(
    workflow: Workflow,
    alice: User,
    bob: User,
    sam: User,
    now: datetime,
    tmp_path: Path,
) -> None:
    undone, repaired = another("undone", now=now), another("repaired", now=now)
    decide_one_with_trust(workflow, alice, now=now)
    undo_gold(undone, alice, sam, now=now)
    decide_repaired(repaired, alice, sam, now=now)
    stored = counts()
    tallied = [n_tallied(one) for one in (workflow, undone, repaired)]
    assert ("retracted", 1) in tallied[1]
    assert tallied[2] == [("kind", 1), ("retracted", 1), ("routes", 2), ("sla", 1)]
    set_rows_aside()

    go_to(*FIRST_VERSION)
    assert {one for one in on_record() if one[0] in APPS} == set(FIRST_VERSION)
    put_rows_in(leaving_out=GOLD_CASES | GOLD_ANSWERS)
    go_to(BEFORE_UNDONE_GOLD)
    put_rows_in(leaving_out=GOLD_ANSWERS)
    with pytest.raises(IntegrityError, match="case_states_known"):
        go_to(BEFORE_TRUST)
    assert Case.objects.filter(kind="gold").count() == 2
    put_rows_in()
    forget_rows_aside()

    assert ("retracted", 2) in n_tallied(undone)
    go_to(UNDONE_GOLD)
    assert ("retracted", 1) in n_tallied(undone)
    go_to(BEFORE_UNDONE_GOLD)
    assert ("retracted", 2) in n_tallied(undone)

    go_to(BEFORE_REPAIRED)
    # over all, for its label, for its version, for both
    readings = [("band", 4), ("label", 2), ("model", 2), ("reason", 4)]
    readings += [("reviewer", 4), ("total", 4)]
    assert n_tallied(repaired) == sorted(tallied[2] + readings)
    go_to(REPAIRED)
    assert n_tallied(repaired) == tallied[2]
    go_to(BEFORE_REPAIRED)
    assert n_tallied(repaired) == sorted(tallied[2] + readings)

    # as an operator does who brings an older version up to date
    call_command("migrate", interactive=False, verbosity=0)

    assert set(MigrationExecutor(connection).loader.replacements) <= on_record()
    assert counts() == stored
    assert [n_tallied(one) for one in (workflow, undone, repaired)] == tallied
    # the triggers that count work as before; the first case is gold, of no count
    for _ in range(2):
        decide(claim(workflow, bob, now=now), bob, now=now)
    assert n_tallied(workflow) != tallied[0]
    of_steps = tmp_path / "of_steps.sql"
    of_steps.write_text(schema_of(address()))
    assert loaded(of_steps) == loaded(kept_tables())


def another(slug: str, *, now: datetime) -> Workflow:
    workflow = make_workflow(now=now, slug=slug, name=slug.title())
    make_champion(workflow, now=now)
    return workflow


def decide_one_with_trust(workflow: Workflow, alice: User, *, now: datetime) -> None:
    """Have a case decided, and a row in each table of trust, with an open gold case."""
    champion = make_champion(workflow, now=now)
    case, *_ = open_cases(workflow, 3, now=now)
    decide(claim(workflow, alice, now=now), alice, now=now)
    trust_rows(workflow, like=case, champion=champion, by=alice, now=now)


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


def set_rows_aside() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER SCHEMA public RENAME TO {ASIDE}")
        new_schema(cursor)


def forget_rows_aside() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {ASIDE} CASCADE")


def put_rows_in(*, leaving_out: Mapping[str, str] = MappingProxyType({})) -> None:
    """Insert what is aside and not there yet, as far as the tables have a place for it.

    Triggers are in force: what they make of it is as it was at that time.
    """
    there = tables()
    with transaction.atomic(), connection.cursor() as cursor:
        for table in (one for one in WITH_ROWS if one in there):
            cursor.execute(
                "SELECT string_agg(quote_ident(column_name), ', ') FROM "
                "(SELECT column_name FROM information_schema.columns WHERE "
                "table_schema IN ('public', %s) AND table_name = %s "
                "GROUP BY column_name HAVING count(*) = 2) of_both",
                [ASIDE, table],
            )
            [columns] = cursor.fetchone()
            without = leaving_out.get(table, "false")
            cursor.execute(
                f"INSERT INTO {table} ({columns}) "  # noqa: S608 -- names from here
                f"SELECT {columns} FROM {ASIDE}.{table} WHERE NOT ({without}) "
                "ON CONFLICT DO NOTHING"
            )


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


def on_record() -> set[Step]:
    return set(MigrationRecorder(connection).applied_migrations())
