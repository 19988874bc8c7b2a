from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Case, Label, Outcome
from reviewqueue.services import outcomes
from reviewqueue.services.decisions import amend_decision, undo_decision
from reviewqueue.services.judging import Judgement
from reviewqueue.services.outcomes import OutcomeRow, OutcomesRecorded, record_outcomes
from tests.factories.accounts import ApiKeyFactory, bearer
from tests.reviewqueue.services.steps import claim, decide, labels_of, open_cases

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> Case:
    open_cases(workflow, 1, now=now)
    return claim(workflow, alice, now=now)


def tell(
    workflow: Workflow, *news: tuple[str, str, datetime], now: datetime
) -> OutcomesRecorded:
    rows = [OutcomeRow(*one) for one in news]
    return record_outcomes(workflow=workflow, rows=rows, by=None, now=now)


def test_outcome_stands_above_a_decision(
    workflow: Workflow, case: Case, alice: User, now: datetime
) -> None:
    decision = decide(case, alice, now=now, label="legitimate").decision

    result = tell(workflow, ("tx-0", "fraud", now), now=now)

    assert (result.accepted, result.duplicates, result.refused) == (1, 0, [])
    assert labels_of(case.route) == [
        (1, "legitimate", "decision"),
        (2, "fraud", "outcome"),
    ]
    amend_decision(
        decision_id=decision.pk,
        by=alice,
        may_amend_others=False,
        judgement=Judgement(label="legitimate", reason_code="customer_confirmed"),
        reason="sure",
        now=now,
    )
    assert len(labels_of(case.route)) == 2


def test_decision_after_an_outcome_is_kept_but_makes_no_label(
    workflow: Workflow, case: Case, alice: User, now: datetime
) -> None:
    tell(workflow, ("tx-0", "fraud", now), now=now)

    decision = decide(case, alice, now=now, label="legitimate").decision
    undo_decision(decision_id=decision.pk, by=alice, now=now)

    assert labels_of(case.route) == [(1, "fraud", "outcome")]


def test_same_news_twice_is_a_duplicate(
    workflow: Workflow, case: Case, now: datetime
) -> None:
    news = ("tx-0", "fraud", now)

    result = tell(workflow, news, news, now=now)
    again = tell(workflow, news, now=now + timedelta(days=1))

    assert (result.accepted, result.duplicates) == (1, 1)
    assert (again.accepted, again.duplicates) == (0, 1)
    assert Outcome.objects.get().received_at == now
    assert len(labels_of(case.route)) == 1


def test_later_news_replaces_earlier_in_whichever_order_they_arrive(
    workflow: Workflow, case: Case, now: datetime
) -> None:
    first, second = now - timedelta(days=9), now - timedelta(days=2)

    tell(workflow, ("tx-0", "fraud", second), now=now)
    tell(workflow, ("tx-0", "legitimate", first), now=now)
    assert labels_of(case.route) == [(1, "fraud", "outcome")]

    tell(workflow, ("tx-0", "legitimate", now), now=now)
    assert labels_of(case.route)[1:] == [(2, "legitimate", "outcome")]
    assert Outcome.objects.count() == 3


def test_news_of_one_item_in_one_batch_are_taken_in_their_order(
    workflow: Workflow, case: Case, now: datetime
) -> None:
    result = tell(
        workflow,
        ("tx-0", "fraud", now - timedelta(days=2)),
        ("tx-0", "legitimate", now - timedelta(days=9)),
        ("tx-0", "legitimate", now),
        ("tx-0", "fraud", now - timedelta(days=2)),
        now=now,
    )

    assert (result.accepted, result.duplicates) == (3, 1)
    assert labels_of(case.route) == [
        (1, "fraud", "outcome"),
        (2, "legitimate", "outcome"),
    ]


def test_many_news_cost_no_more_questions_than_one(
    workflow: Workflow,
    champion: ModelVersion,
    now: datetime,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    open_cases(workflow, 40, now=now)
    news = [(f"tx-{i}", "fraud", now) for i in range(40)]

    with django_assert_max_num_queries(10):
        result = tell(workflow, *news, now=now)

    assert result.accepted == 40
    assert Label.objects.filter(source="outcome", version=1).count() == 40


def test_refused_rows_say_why_and_the_others_go_on(
    workflow: Workflow, case: Case, now: datetime
) -> None:
    result = tell(
        workflow,
        ("tx-999", "fraud", now),
        ("tx-0", "stolen", now),
        ("tx-0", "fraud", now),
        now=now,
    )

    assert result.accepted == 1
    assert [
        (one.index, one.external_id, one.errors[0].field, one.errors[0].rule)
        for one in result.refused
    ] == [(0, "tx-999", "external_id", "unknown_item"), (1, "tx-0", "label", "value")]


def test_outcome_of_another_workflows_item_is_unknown(
    workflow: Workflow, case: Case, now: datetime
) -> None:
    from tests.factories.predictions import make_workflow  # noqa: PLC0415 -- one test

    other = make_workflow(now=now, slug="other", name="Other")

    assert tell(other, ("tx-0", "fraud", now), now=now).accepted == 0
    assert not Outcome.objects.exists()


def test_news_of_the_future_is_refused_where_it_comes_from_outside(
    client: Client, workflow: Workflow, case: Case, erin: User, now: datetime
) -> None:
    """A year mistyped would stand above all that comes later, for good."""
    key = ApiKeyFactory.create(owner=erin, scope=workflow.scope, verbs=["outcomes.add"])
    path = f"/api/v1/workflows/{workflow.slug}/outcomes"
    moments = (timezone.now() + timedelta(minutes=m) for m in (59, 61))

    answers = [
        client.post(
            path,
            {"external_id": "tx-0", "label": "fraud", "observed_at": at.isoformat()},
            content_type="application/json",
            headers=bearer(key),
        ).json()
        for at in moments
    ]

    assert [one["accepted"] for one in answers] == [1, 0]
    (refused,) = answers[1]["refused"]
    assert [(e["field"], e["rule"]) for e in refused["errors"]] == [
        ("observed_at", "future")
    ]


def test_news_is_dated_when_it_is_written_however_long_the_list_is(
    workflow: Workflow,
    champion: ModelVersion,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else it would come behind a reader of the feed, and into an old snapshot."""
    open_cases(workflow, 3, now=now)
    monkeypatch.setattr(outcomes, "ROWS_PER_TRANSACTION", 1)
    minutes = iter(range(3))
    rows = [OutcomeRow(f"tx-{at}", "fraud", now) for at in range(3)]

    record_outcomes(
        workflow=workflow,
        rows=rows,
        by=None,
        now=now,
        clock=lambda: now + timedelta(minutes=next(minutes)),
    )

    told = Label.objects.order_by("created_at").values_list("created_at", flat=True)
    assert [one - now for one in told] == [timedelta(minutes=at) for at in range(3)]
