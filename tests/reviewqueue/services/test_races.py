"""Real threads on real rows: what must hold however they interleave."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier, Event
from time import sleep
from uuid import UUID

import pytest
from django.db import connection, transaction

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import CaseKind, CaseStatus
from reviewqueue.models import Case, Decision, IdempotencyKey, Label
from reviewqueue.services.adjudication import FollowUpTaken
from reviewqueue.services.claims import TooManyLeases, expire_leases
from reviewqueue.services.decisions import UndoRefused, undo_decision
from reviewqueue.services.idempotency import Answer, answer_once
from reviewqueue.services.leases import AlreadyDecided, LeaseLost
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from tests.factories.accounts import UserFactory
from tests.factories.predictions import make_items, set_policy
from tests.reviewqueue.services.steps import (
    claim,
    decide,
    labels_of,
    maybe_claim,
    open_cases,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # Threads that end leave their connection to the pool, which may warn of it.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def at_once(*actions: Callable[[], object]) -> list[object]:
    """Run all in threads that start together; return results or exceptions."""
    barrier = Barrier(len(actions))

    def run(action: Callable[[], object]) -> object:
        try:
            barrier.wait(timeout=30)
            return action()
        except (
            AlreadyDecided,
            FollowUpTaken,
            LeaseLost,
            TooManyLeases,
            UndoRefused,
        ) as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def count(results: Sequence[object], kind: type) -> int:
    return sum(isinstance(one, kind) for one in results)


def test_fifty_reviewers_claim_fifty_different_cases(
    workflow: Workflow, now: datetime
) -> None:
    open_cases(workflow, 50, now=now)
    people = [UserFactory.create() for _ in range(50)]

    def claimer(person: User) -> Callable[[], UUID]:
        return lambda: claim(workflow, person, now=now).pk

    claimed = at_once(*(claimer(person) for person in people))

    assert len(set(claimed)) == 50
    leased = Case.objects.filter(status=CaseStatus.LEASED)
    assert leased.values("leased_by").distinct().count() == 50
    assert leased.values("lease_token").distinct().count() == 50


def test_fifty_reviewers_empty_a_queue_without_losing_or_sharing_a_case(
    workflow: Workflow, now: datetime
) -> None:
    open_cases(workflow, 120, now=now)

    def worker(person: User) -> Callable[[], list[UUID]]:
        def work() -> list[UUID]:
            done: list[UUID] = []
            while case := maybe_claim(workflow, person, now=now):
                decide(case, person, now=now, label="fraud")
                done.append(case.pk)
            return done

        return work

    results = at_once(*(worker(UserFactory.create()) for _ in range(50)))

    decided = [pk for one in results if isinstance(one, list) for pk in one]
    assert count(results, list) == 50
    assert len(decided) == len(set(decided)) == 120
    assert Decision.objects.count() == Label.objects.count() == 120


@pytest.mark.parametrize("gives_back", [True, False], ids=["given back", "taken"])
def test_last_case_that_another_is_just_taking_is_waited_for(
    workflow: Workflow, alice: User, now: datetime, gives_back: bool
) -> None:
    open_cases(workflow, 1, now=now)
    taken, asked = Event(), Event()

    def taker() -> None:
        with transaction.atomic():
            claim(workflow, UserFactory.create(), now=now)
            taken.set()
            asked.wait(timeout=10)
            sleep(0.05)
            transaction.set_rollback(gives_back)

    def asker() -> Case | None:
        taken.wait(timeout=10)
        asked.set()
        return maybe_claim(workflow, alice, now=now)

    _, found = at_once(taker, asker)

    holder = Case.objects.get().leased_by
    assert (isinstance(found, Case), holder == alice) == (gives_back, gives_back)


def test_claim_does_not_hang_on_a_case_that_stays_locked(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    open_cases(workflow, 1, now=now)
    locked, answered = Event(), Event()

    def holder() -> bool:
        with transaction.atomic():
            Case.objects.select_for_update().get()
            locked.set()
            return answered.wait(timeout=10)

    def asker() -> Case | None:
        locked.wait(timeout=10)
        with transaction.atomic():
            found = maybe_claim(workflow, alice, now=now)
            answered.set()
            assert Case.objects.count() == 1  # the transaction is sound
        return found

    assert at_once(holder, asker) == [True, None]


def test_five_tabs_of_one_person_respect_the_slots(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    open_cases(workflow, 10, now=now)

    results = at_once(*[lambda: claim(workflow, alice, now=now)] * 5)

    assert (count(results, Case), count(results, TooManyLeases)) == (3, 2)
    slots = Case.objects.filter(status=CaseStatus.LEASED).values_list("lease_slot")
    assert sorted(slots) == [(1,), (2,), (3,)]


def test_double_submit_decides_once(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    open_cases(workflow, 1, now=now)
    case = claim(workflow, alice, now=now)

    results = at_once(*[lambda: decide(case, alice, now=now, label="fraud")] * 4)

    assert count(results, AlreadyDecided) == 3
    assert Decision.objects.count() == 1
    assert labels_of(case.route) == [(1, "fraud", "decision")]


def test_double_submit_with_a_key_gives_one_answer_to_all(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    open_cases(workflow, 1, now=now)
    case = claim(workflow, alice, now=now)

    def perform() -> Answer:
        recorded = decide(case, alice, now=now, label="fraud")
        return Answer(201, {"id": str(recorded.decision.pk)})

    def submit() -> Answer:
        return answer_once(
            owner=alice, key="press-1", request=b"r", now=now, perform=perform
        )

    results = at_once(*[submit] * 4)

    decision = Decision.objects.get()
    assert results == [Answer(201, {"id": str(decision.pk)})] * 4
    assert IdempotencyKey.objects.count() == 1


def test_late_decision_against_a_claim_by_another(
    workflow: Workflow, alice: User, bob: User, now: datetime
) -> None:
    open_cases(workflow, 20, now=now)
    later = now + timedelta(seconds=300)
    for _ in range(10):
        case = claim(workflow, alice, now=now)

        late, taken = at_once(
            lambda case=case: decide(case, alice, now=later, label="fraud"),
            lambda: claim(workflow, bob, now=later),
        )

        assert isinstance(taken, Case)
        stored = Case.objects.get(pk=case.pk)
        if isinstance(late, LeaseLost):
            assert (taken.pk, stored.leased_by) == (case.pk, bob)
        else:
            assert taken.pk != case.pk
            assert stored.status == CaseStatus.DECIDED
        decide(taken, bob, now=later, label="fraud")
    cases = Decision.objects.values_list("case_id", flat=True)
    assert len(cases) == len(set(cases))


def test_late_decision_against_the_sweep(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    open_cases(workflow, 10, now=now)
    later = now + timedelta(seconds=300)
    for _ in range(10):
        case = claim(workflow, alice, now=now)

        late, _ = at_once(
            lambda case=case: decide(case, alice, now=later, label="fraud"),
            lambda: expire_leases(now=later),
        )

        stored = Case.objects.get(pk=case.pk)
        lost = isinstance(late, LeaseLost)
        assert stored.status == (CaseStatus.PENDING if lost else CaseStatus.DECIDED)
        assert Decision.objects.filter(case=case).exists() is not lost
        if lost:
            decide(claim(workflow, alice, now=later), alice, now=later, label="fraud")


def test_undo_against_a_claim_of_the_follow_up(
    workflow: Workflow,
    champion: ModelVersion,
    alice: User,
    bob: User,
    now: datetime,
) -> None:
    set_policy(workflow, now=now, second_opinion_share=1.0)
    open_cases(workflow, 20, now=now)
    for _ in range(8):
        case = claim(workflow, alice, now=now)
        decision = decide(case, alice, now=now).decision

        undone, taken = at_once(
            lambda decision=decision: undo_decision(
                decision_id=decision.pk, by=alice, now=now
            ),
            lambda: maybe_claim(workflow, bob, now=now),
        )

        second = Case.objects.get(item=case.item_id, kind=CaseKind.SECOND)
        was_taken = isinstance(taken, Case) and taken.pk == second.pk
        assert isinstance(undone, FollowUpTaken) is was_taken
        expected = CaseStatus.LEASED if was_taken else CaseStatus.WITHDRAWN
        assert second.status == expected
        for held in Case.objects.filter(status=CaseStatus.LEASED):
            assert held.leased_by is not None
            decide(held, held.leased_by, now=now, label="fraud")


def test_undo_against_claims_of_the_same_person(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    open_cases(workflow, 12, now=now)
    for _ in range(6):
        decision = decide(
            claim(workflow, alice, now=now), alice, now=now, label="fraud"
        ).decision

        results = at_once(
            lambda decision=decision: undo_decision(
                decision_id=decision.pk, by=alice, now=now
            ),
            *[lambda: claim(workflow, alice, now=now)] * 3,
        )

        held = Case.objects.filter(leased_by=alice)
        assert sorted(held.values_list("lease_slot", flat=True)) == [1, 2, 3]
        assert isinstance(results[0], Case)
        expire_leases(now=now + timedelta(hours=1))
        Case.objects.update(assigned_to=None)


def test_two_deciders_where_one_lost_the_lease(
    workflow: Workflow, alice: User, bob: User, now: datetime
) -> None:
    open_cases(workflow, 1, now=now)
    old = claim(workflow, alice, now=now)
    later = now + timedelta(seconds=300)
    current = claim(workflow, bob, now=later)
    assert current.pk == old.pk

    results = at_once(
        lambda: decide(old, alice, now=later, label="fraud"),
        lambda: decide(current, bob, now=later, label="fraud"),
    )

    assert isinstance(results[0], LeaseLost | AlreadyDecided)
    assert Decision.objects.get().reviewer == bob


def test_outcomes_and_decisions_on_one_item_give_consecutive_labels(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    case = open_cases(workflow, 1, now=now)[0]
    external_id = case.item.external_id

    def tell(number: int) -> Callable[[], object]:
        observed_at = now + timedelta(minutes=number)
        news = [OutcomeRow(external_id, "fraud", observed_at)]
        return lambda: record_outcomes(workflow=workflow, rows=news, by=None, now=now)

    def judge_and_undo() -> None:
        held = claim(workflow, alice, now=now)
        for _ in range(5):
            decision = decide(held, alice, now=now, label="legitimate").decision
            held = undo_decision(decision_id=decision.pk, by=alice, now=now)

    results = at_once(judge_and_undo, *(tell(number) for number in range(8)))

    assert not any(isinstance(one, Exception) for one in results)
    versions = [version for version, _, _ in labels_of(case.route)]
    assert versions == list(range(1, len(versions) + 1))
    sources = [source for _, _, source in labels_of(case.route)]
    first_outcome = sources.index("outcome")
    assert set(sources[first_outcome:]) == {"outcome"}
    assert Decision.objects.count() == 5


def test_two_pipelines_never_route_an_item_twice(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    make_items(workflow, 200, now=now)

    def drain() -> list[UUID]:
        taken: list[UUID] = []
        while batch := process_batch(workflow=workflow, limit=7, now=now):
            taken += [one.item_id for one in batch]
        return taken

    results = at_once(*[drain] * 4)

    routed = Counter(pk for one in results if isinstance(one, list) for pk in one)
    assert len(routed) == 200
    assert set(routed.values()) == {1}
