"""Rows that are read and inserted by statements that are kept: as Django does it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import Verdict
from reviewqueue.models import Case, Decision
from reviewqueue.queries.prepared import Prepared, insert
from tests.reviewqueue.services.steps import open_cases


def wide() -> QuerySet[Case]:
    return Case.objects.select_related(
        "item__site", "route__prediction", "workflow"
    ).defer("item__features", "workflow__declaration_json")


def locking() -> QuerySet[Case]:
    return Case.objects.select_for_update(
        no_key=True, of=("item", "self")
    ).select_related("item")


@pytest.fixture
def cases(workflow: Workflow, champion: ModelVersion, now: datetime) -> list[Case]:
    return open_cases(workflow, 3, now=now)


def loaded(case: Case) -> list[dict[str, object]]:
    """Return the values that are there without a query, of related rows too."""
    with CaptureQueriesContext(connection) as queries:
        rows = (case, case.item, case.route, case.route.prediction, case.workflow)
        found = [{k: v for k, v in vars(one).items() if k != "_state"} for one in rows]
    assert len(queries) == 0
    assert "features" not in found[1]
    return found


def test_all_that_is_read_is_as_get_reads_it(cases: list[Case]) -> None:
    prepared = Prepared(wide)

    for case in cases:
        assert loaded(prepared.get(case.pk)) == loaded(wide().get(pk=case.pk))


def test_the_second_row_is_read_by_the_same_statement(cases: list[Case]) -> None:
    asked = 0

    def counted() -> QuerySet[Case]:
        nonlocal asked
        asked += 1
        return wide()

    prepared = Prepared(counted)
    with CaptureQueriesContext(connection) as queries:
        for case in [*cases, *cases]:
            assert prepared.get(case.pk).pk == case.pk

    assert asked == 1
    assert len(queries) == 6


def test_a_row_that_is_not_there_is_said_as_get_says_it(db: None) -> None:
    prepared = Prepared(wide)

    with pytest.raises(Case.DoesNotExist):
        prepared.get(uuid4())


@pytest.mark.django_db(transaction=True)
def test_what_locks_does_so_and_asks_for_a_transaction(cases: list[Case]) -> None:
    prepared, pk = Prepared(locking), cases[0].pk

    with transaction.atomic():
        prepared.get(pk)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(is_locked, pk).result() == (True, True)
    with pytest.raises(TransactionManagementError):
        prepared.get(pk)


def is_locked(pk: UUID) -> tuple[bool, bool]:
    """Say whether a case and its item are locked, as another connection sees it."""
    try:
        with transaction.atomic():
            free = Case.objects.select_for_update(skip_locked=True)
            item = Case.objects.select_for_update(of=("item",), skip_locked=True)
            return (
                not free.filter(pk=pk),
                not item.select_related("item").filter(pk=pk),
            )
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_each_thread_reads_by_its_own_connection_also_a_new_one(
    cases: list[Case],
) -> None:
    prepared = Prepared(wide)

    def read(pk: UUID) -> list[UUID]:
        try:
            found = [prepared.get(pk).pk]
            connection.close()
            return [*found, prepared.get(pk).pk]
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(read, [case.pk for case in cases]))

    assert found == [[case.pk, case.pk] for case in cases]


def test_a_query_with_other_values_is_refused(cases: list[Case]) -> None:
    prepared = Prepared(lambda: wide().filter(round=1))

    with pytest.raises(ValueError, match="not the only value"):
        prepared.get(cases[0].pk)


def test_a_row_is_inserted_as_save_inserts_it(
    cases: list[Case], alice: User, now: datetime
) -> None:
    ways: list[Callable[[Decision], None]] = [insert, Decision.save, insert]
    for case, save in zip(cases, ways, strict=True):
        decision = make_decision(case, alice, now=now)
        save(decision)

        assert not decision._state.adding
        held = {k: v for k, v in vars(decision).items() if k != "_state"}
        stored = vars(Decision.objects.get(pk=decision.pk))
        assert {k: stored[k] for k in held if k in stored} == {
            k: v for k, v in held.items() if k in stored
        }
    assert Decision.objects.count() == 3


def test_what_the_database_refuses_is_refused(
    cases: list[Case], alice: User, now: datetime
) -> None:
    decision = make_decision(cases[0], alice, now=now)
    insert(decision)

    with pytest.raises(IntegrityError), transaction.atomic():
        insert(decision)

    assert Decision.objects.count() == 1


def make_decision(case: Case, person: User, *, now: datetime) -> Decision:
    """Return a decision that is not stored, with values of every kind."""
    return Decision(
        workflow_id=case.workflow_id,
        case=case,
        round=case.round,
        item_id=case.item_id,
        case_kind=case.kind,
        reviewer=person,
        verdict=Verdict.OVERRIDE,
        label="fraud",
        fields={"batch": "4 7", "torque": 12.5},
        corrected=["torque", 'a "quoted" name'],
        blind=case.blind,
        recommended_label=case.route.label,
        probability=case.route.probability,
        model_version_id=case.route.model_version_id,
        claimed_at=now,
        opened_at=now,
        decided_at=now,
    )
