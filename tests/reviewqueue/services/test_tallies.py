"""The counts are what counting the rows gives, whatever happened and whoever merges."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from threading import Event

import pytest
from django.conf import settings as project_settings
from django.core.management import call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import LabelSource, Queue
from reviewqueue.models import Decision, Label, Route, Tally
from reviewqueue.queries.tallies import Days, Narrowing, grouped, sums
from reviewqueue.services.adjudication import FollowUpTaken
from reviewqueue.services.decisions import (
    AmendRefused,
    UndoRefused,
    undo_decision,
)
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.tallies import merge_tallies, recount
from reviewqueue.tasks_figures import merge_tallies as merge_what_piled_up
from tests.factories.predictions import make_items, set_policy
from tests.reviewqueue.services.gold_steps import (
    answer_gold,
    gold_items,
    put_gold_plan,
)
from tests.reviewqueue.services.steps import (
    OTHER,
    amend,
    claim,
    decide,
    decide_unsure,
    maybe_claim,
    open_cases,
)
from tests.reviewqueue.services.test_races import at_once

STEPS = ("confirm", "override", "unsure", "undo", "amend", "outcome", "merge", "route")
type Step = tuple[str, int, int]
steps = st.tuples(st.sampled_from(STEPS), st.integers(0, 99), st.integers(0, 40_000))
WIDE = Days(date(2026, 3, 1), date(2026, 4, 30))


def take(
    step: Step, workflow: Workflow, people: Sequence[User], *, now: datetime
) -> None:
    """Try one step; what the rules refuse changes nothing."""
    name, pick, _ = step
    person = people[pick % len(people)]
    live = list(Decision.objects.filter(retraction=None).order_by("id"))
    if name in {"confirm", "override", "unsure"}:
        queue = Queue.ADJUDICATION if pick % 3 == 0 else Queue.REVIEW
        case = maybe_claim(workflow, person, now=now, queues=[queue])
        if case is None:
            return
        if name == "unsure":
            decide_unsure(case, person, now=now)
        else:
            said = case.route.label
            label = said if name == "confirm" else OTHER[said]
            decide(case, person, now=now, label=label)
    elif name == "undo" and live:
        one = live[pick % len(live)]
        undo_decision(decision_id=one.pk, by=one.reviewer, now=now)
    elif name == "amend" and live:
        one = live[pick % len(live)]
        amend(one, person, now=now, may_amend_others=True)
    elif name == "outcome":
        label = "fraud" if pick % 2 else "legitimate"
        row = OutcomeRow(f"tx-{pick % 8}", label, now - timedelta(seconds=pick))
        record_outcomes(workflow=workflow, rows=[row], by=None, now=now)
    elif name == "merge":
        merge_tallies()
    elif name == "route":
        process_batch(workflow=workflow, limit=1 + pick % 3, now=now)


def counted_by_hand(workflow: Workflow, narrowing: Narrowing) -> Counter[str]:
    """Count live readings of a recommendation one by one."""
    found: Counter[str] = Counter()
    for one in Decision.objects.filter(workflow=workflow, retraction=None):
        is_reading = one.recommended_label and one.case_kind != "adjudication"
        is_asked = narrowing.label in {"", one.recommended_label}
        if is_reading and is_asked and narrowing.model in {None, one.model_version_id}:
            way = "blind" if one.blind else "shown"
            found[f"{way}.{one.verdict}"] += 1
    return found


@pytest.mark.django_db
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(script=st.lists(steps, max_size=25))
def test_sums_equal_a_recount_after_any_sequence(
    workflow: Workflow,
    champion: ModelVersion,
    alice: User,
    bob: User,
    now: datetime,
    script: list[Step],
) -> None:
    with transaction.atomic():
        set_policy(workflow, now=now, blind_share=0.5, second_opinion_share=0.5)
        make_items(workflow, 8, now=now)
        process_batch(workflow=workflow, limit=5, now=now)
        at = now
        for step in script:
            at += timedelta(seconds=step[2])
            refusals = (AmendRefused, FollowUpTaken, UndoRefused)
            try:
                with transaction.atomic():
                    take(step, workflow, [alice, bob], now=at)
            except refusals:
                continue

        for narrowing in (Narrowing(), Narrowing("fraud"), Narrowing("", champion.pk)):
            totals = grouped(sums(workflow.pk, WIDE, narrowing), "total", lambda _: "")
            by_hand = counted_by_hand(workflow, narrowing)
            assert totals.get("", Counter()) == by_hand
        assert recount()
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_merging_leaves_one_row_for_each_key(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    open_cases(workflow, 3, now=now)
    for _ in range(3):
        decide(claim(workflow, alice, now=now), alice, now=now)
    days = Days(now.date(), now.date())
    before = sorted(sums(workflow.pk, days), key=str)

    assert merge_what_piled_up() == 1  # as the schedule does
    assert merge_tallies() == 0
    assert sorted(sums(workflow.pk, days), key=str) == before
    keys = Tally.objects.values_list("day", "label", "model", "figure", "key", "slot")
    assert max(Counter(keys).values()) == 1
    assert not Tally.objects.filter(is_loose=True).exists()


def test_schedule_merges() -> None:
    scheduled = {one["task"] for one in project_settings.CELERY_BEAT_SCHEDULE.values()}

    assert merge_what_piled_up.name in scheduled


@pytest.mark.django_db
def test_what_was_undone_leaves_no_row_once_merged(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    open_cases(workflow, 1, now=now)
    decision = decide(claim(workflow, alice, now=now), alice, now=now).decision
    undo_decision(decision_id=decision.pk, by=alice, now=now)

    merge_tallies()

    figures = set(Tally.objects.values_list("figure", "slot"))
    assert figures == {("routes", "review"), ("retracted", "undo")}


@pytest.mark.django_db
def test_answers_to_gold_are_in_no_count_even_when_taken_back(
    workflow: Workflow, champion: ModelVersion, alice: User, sam: User, now: datetime
) -> None:
    open_cases(workflow, 2, now=now)
    put_gold_plan(workflow, now=now)
    gold_items(workflow, sam, now=now, n=2)
    undone, amended = (
        answer_gold(workflow, alice, label="fraud", now=now).decision for _ in "12"
    )
    undo_decision(decision_id=undone.pk, by=alice, now=now)
    amend(amended, alice, now=now)

    assert set(Tally.objects.values_list("figure", flat=True)) == {"routes"}
    assert recount()


@pytest.mark.django_db
def test_outcome_that_came_before_the_route_counts(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    make_items(workflow, 1, now=now)
    news = [OutcomeRow("tx-0", "fraud", now)]
    record_outcomes(workflow=workflow, rows=news, by=None, now=now)
    process_batch(workflow=workflow, limit=1, now=now)

    said = Tally.objects.get(figure="said")
    assert said.slot == f"{Route.objects.get().label}>fraud"
    assert recount()


@pytest.mark.django_db
def test_recount_says_when_the_counts_were_wrong_and_mends_them(
    workflow: Workflow, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    open_cases(workflow, 2, now=now)
    Tally.objects.update(n=7)

    call_command("recount")
    call_command("recount")

    assert capsys.readouterr().out.splitlines() == [
        "Counted again.",
        "The counts were right.",
    ]
    assert sum(Tally.objects.values_list("n", flat=True)) == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_merging_beside_writers_loses_and_doubles_nothing(
    workflow: Workflow,
    champion: ModelVersion,
    alice: User,
    bob: User,
    now: datetime,
) -> None:
    open_cases(workflow, 30, now=now)
    done = Event()
    seen: list[int] = []
    days = Days(now.date(), now.date())

    def work(person: User) -> int:
        n = 0
        while case := maybe_claim(workflow, person, now=now):
            decide(case, person, now=now)
            n += 1
        return n

    def write() -> int:
        try:
            return work(alice) + work(bob)
        finally:
            done.set()

    def merge() -> None:
        while not done.is_set():
            merge_tallies()

    def read() -> None:
        while not done.is_set():
            found = sums(workflow.pk, days)
            seen.append(sum(one.n for one in found if one.figure == "kind"))

    results = at_once(write, lambda: work(bob), merge, merge, read)

    assert sum(n for n in results if isinstance(n, int)) == 30
    assert seen == sorted(seen)
    assert recount()
    total = grouped(sums(workflow.pk, days), "kind", lambda _: "")[""]
    assert total.total() == 30


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("_", range(5))
def test_outcome_and_route_at_the_same_moment_are_counted_once(
    workflow: Workflow, champion: ModelVersion, now: datetime, _: int
) -> None:
    make_items(workflow, 6, now=now)
    news = [OutcomeRow(f"tx-{number}", "fraud", now) for number in range(6)]

    at_once(
        lambda: process_batch(workflow=workflow, limit=6, now=now),
        lambda: record_outcomes(workflow=workflow, rows=news, by=None, now=now),
    )
    process_batch(workflow=workflow, limit=6, now=now)

    assert Label.objects.filter(source=LabelSource.OUTCOME).count() == 6
    said = Tally.objects.filter(figure="said").values_list("n", flat=True)
    assert sum(said) == 6
    assert recount()
    connection.close()
