"""Other terms on a history that the real services made."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Case, Route, Segment, TrustMove
from reviewqueue.queries import recorded
from reviewqueue.queries.recorded import moment
from reviewqueue.queries.trust import plan_in_force, segments_in_force
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.trust_plans import InvalidPlan, PlanTerms, terms_of
from reviewqueue.services.trust_watch import watch_trust
from reviewqueue.services.what_if import Outcome, WhatIf, what_if
from reviewqueue.trust.bounds import upper_bound
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.steps import OTHER, amend, claim, decide, maybe_claim
from tests.reviewqueue.services.trust_steps import (
    DELTA,
    cut,
    earn,
    needed,
    plan,
    review,
    route,
)

SECOND = timedelta(seconds=1)


@pytest.fixture
def segment(workflow: Workflow, champion: ModelVersion, now: datetime) -> Segment:
    return cut(workflow, now=now)


def tried(workflow: Workflow, *, now: datetime, **changes: object) -> WhatIf:
    terms: PlanTerms = replace(terms_of(plan_in_force(workflow)), **changes)  # type: ignore[arg-type]  # names of the test
    costs = workflow.declaration.costs
    return what_if(workflow=workflow, terms=terms, costs=costs, now=now)


def own(found: WhatIf, segment: Segment) -> Outcome:
    return next(one for one in found.segments if one.segment == segment)


class Stream:
    """Items that come, people who decide, and a look after every review.

    The slow one begins with a case of each round, and decides it in the next.
    """

    def __init__(
        self, workflow: Workflow, person: User, slow: User, *, now: datetime
    ) -> None:
        self.workflow, self.person, self.slow, self.now = workflow, person, slow, now
        self.n_routed = 0
        self.held: Case | None = None

    def run(self, rounds: int, *, error_rate: float, seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(rounds):
            self.now += SECOND
            route(self.workflow, 4, now=self.now, start=1000 + self.n_routed)
            self.n_routed += 4
            self._hold(is_wrong=bool(rng.random() < error_rate))
            # sometimes a case waits, and is decided after later ones were routed
            for _ in range(int(rng.integers(2, 6))):
                self._review(is_wrong=bool(rng.random() < error_rate))

    def _hold(self, *, is_wrong: bool) -> None:
        self.now += SECOND
        if self.held is not None:
            self._decide(self.held, self.slow, is_wrong=is_wrong)
        self.now += SECOND
        self.held = maybe_claim(self.workflow, self.slow, now=self.now)

    def _review(self, *, is_wrong: bool) -> None:
        self.now += SECOND
        case = maybe_claim(self.workflow, self.person, now=self.now)
        if case is not None:
            self._decide(case, self.person, is_wrong=is_wrong)

    def _decide(self, case: Case, person: User, *, is_wrong: bool) -> None:
        label = OTHER[case.route.label] if is_wrong else case.route.label
        decide(case, person, label=label, now=self.now)
        watch_trust(workflow=self.workflow, now=self.now)


@pytest.mark.parametrize(("seed", "evidence"), [(1, "all"), (2, "all"), (3, "blind")])
def test_terms_in_force_make_the_moves_that_were_made(
    workflow: Workflow,
    segment: Segment,
    alice: User,
    bob: User,
    now: datetime,
    seed: int,
    evidence: str,
) -> None:
    share = 1.0 if evidence == "all" else 0.8
    set_policy(workflow, mode="earned", blind_share=share, now=now)
    ladder = [1.0, 0.7, 0.5]
    plan(workflow, now=now, auto_grant=True, evidence=evidence, ladder=ladder)
    in_force = segments_in_force(workflow)
    segment = next(one for one in in_force if one.label == segment.label)
    stream = Stream(workflow, alice, bob, now=now)
    stream.run(16, error_rate=0.0, seed=seed)
    stream.run(12, error_rate=0.8, seed=seed)
    stream.run(12, error_rate=0.05, seed=seed)

    found = tried(workflow, now=stream.now + SECOND)

    made = [
        (one.at, one.from_level, one.to_level, one.evidence["reviews"])
        for one in TrustMove.objects.filter(segment=segment).order_by("id")
    ]
    outcome = own(found, segment)
    assert made == [
        (moment(one.at), one.from_level, one.to_level, one.reviews)
        for one in outcome.replayed.moves
    ]
    assert {to_level for _, _, to_level, _ in made} >= {0, 1, 2}
    segment.refresh_from_db()
    assert outcome.replayed.level == segment.level
    assert outcome.replayed.bound == outcome.was_bound
    assert outcome.was == outcome.would
    assert (found.n_unknown, found.is_capped) == (0, False)
    assert all(one.n_reviewed == one.n_seen for one in found.days)


def test_items_that_nobody_saw_are_counted_and_are_no_evidence(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    later = earn(workflow, segment, alice, now=now)
    route(workflow, 100, start=2000, now=later)
    passed = Route.objects.filter(segment=segment, kind="auto").count()
    assert passed > 20

    # so strict that nothing would ever have been granted
    found = tried(workflow, now=later + SECOND, tolerated={"legitimate": 0.001})

    outcome = own(found, segment)
    assert (outcome.replayed.moves, outcome.replayed.share) == ([], 1.0)
    assert outcome.n_unknown == passed
    assert outcome.would.n_seen == outcome.would.n_routed == outcome.was.n_routed
    assert outcome.was.n_seen == outcome.was.n_routed - passed
    assert outcome.replayed.reviews == needed(segment)
    assert outcome.replayed.bound == upper_bound(
        0, needed(segment), delta=DELTA / segment.n_sharing
    )
    assert found.n_waiting == found.was.n_seen - needed(segment)


def test_errors_that_would_have_passed_are_those_drawn_above_the_share(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    enough = needed(segment)
    route(workflow, enough - 1, start=300, now=now)
    review(workflow, alice, enough, now=now + SECOND)
    later = now + timedelta(minutes=1)
    route(workflow, 40, start=2000, now=later)
    review(workflow, alice, 40, n_wrong=2, now=later + SECOND)

    found = tried(workflow, now=later + timedelta(minutes=1))

    after = Route.objects.filter(segment=segment, routed_at=later)
    expected = after.filter(draw__gte=0.5)
    wrong = [
        one
        for one in expected
        if one.item.labels.get().label != one.label  # type: ignore[attr-defined]
    ]
    outcome = own(found, segment)
    assert outcome.was.n_passed_known == 0
    assert outcome.would.n_passed_known == expected.count()
    assert outcome.would.n_passed_wrong == len(wrong)
    assert outcome.would.n_seen == outcome.was.n_seen - expected.count()
    saved = [side.hours_saved(1.0) for side in (outcome.was, outcome.would)]
    assert saved == [0, expected.count() / 60]


def test_late_truth_of_passed_items_is_known_on_both_sides(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    plan(workflow, now=now, auto_grant=True)
    enough = needed(segment)
    route(workflow, enough - 1, start=300, now=now)
    review(workflow, alice, enough, now=now + SECOND)
    watch_trust(workflow=workflow, now=now + SECOND)
    later = now + timedelta(minutes=1)
    route(workflow, 40, start=2000, now=later)
    passed = Route.objects.filter(segment=segment, kind="auto").order_by("pk")
    names = passed.values_list("item__external_id", flat=True)[:3]
    labels = ("fraud", "legitimate", "fraud")
    rows = [
        OutcomeRow(name, label, later)
        for name, label in zip(names, labels, strict=True)
    ]
    record_outcomes(workflow=workflow, rows=rows, by=None, now=later + SECOND)

    as_it_was = own(tried(workflow, now=later + 2 * SECOND), segment)
    seen = own(
        tried(workflow, now=later + 2 * SECOND, tolerated={"legitimate": 0.001}),
        segment,
    )

    assert (as_it_was.was.n_passed_known, as_it_was.was.n_passed_wrong) == (3, 2)
    assert as_it_was.would == as_it_was.was
    assert (seen.was.n_passed_known, seen.would.n_passed_known) == (3, 0)


def test_corrected_label_counts_from_its_correction(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    decided = decide(claim(workflow, alice, now=now), alice, now=now).decision
    later = now + timedelta(hours=1)
    amend(decided, alice, now=later)

    read = recorded.history_of(workflow, [segment], now=later + SECOND)

    rows = read.recorded[segment.pk]
    assert rows.is_error.tolist() == [True]
    assert moment(int(rows.resolved_at[0])) == later


def test_late_truth_that_confirms_does_not_move_an_item(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    case = claim(workflow, alice, now=now)
    decide(case, alice, now=now)
    later = now + timedelta(days=30)
    row = OutcomeRow(case.item.external_id, case.route.label, later)
    record_outcomes(workflow=workflow, rows=[row], by=None, now=later)

    read = recorded.history_of(workflow, [segment], now=later + SECOND)

    rows = read.recorded[segment.pk]
    assert rows.is_error.tolist() == [False]
    assert moment(int(rows.resolved_at[0])) == now


@pytest.mark.parametrize("limit", ["MAX_REVIEWED", "MAX_ROUTED"])
def test_history_that_is_too_long_says_so(
    workflow: Workflow,
    segment: Segment,
    alice: User,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
) -> None:
    review(workflow, alice, 1, now=now)
    for at in range(1, 4):
        moment_of_routing = now + timedelta(minutes=at)
        route(workflow, 5, start=100 * (at + 3), now=moment_of_routing)
        review(workflow, alice, 5, now=moment_of_routing)
    later = now + timedelta(hours=1)
    whole = tried(workflow, now=later)
    assert (whole.is_capped, own(whole, segment).replayed.reviews) == (False, 16)

    monkeypatch.setattr(recorded, limit, 12)
    found = tried(workflow, now=later)

    # of the batch that is cut through nothing is left
    assert found.is_capped
    assert found.since is not None
    assert found.since > now + timedelta(minutes=1)
    assert own(found, segment).replayed.reviews == 10
    assert own(found, segment).was.n_routed == 10


def test_costs_set_the_tolerated_rate_where_it_is_not_by_hand(
    workflow: Workflow, segment: Segment, now: datetime
) -> None:
    costs = workflow.declaration.costs.model_copy(update={"false_negative": 10})
    terms = replace(
        terms_of(plan_in_force(workflow)), tolerated={"fraud": 0.3}, review_minutes=2
    )

    found = what_if(workflow=workflow, terms=terms, costs=costs, now=now + SECOND)

    assert found.tolerated == {"legitimate": 0.2, "fraud": 0.3}


def test_workflow_without_segments_has_nothing_to_replay(
    workflow: Workflow, now: datetime
) -> None:
    found = tried(workflow, now=now)

    assert (found.segments, found.days, found.since) == ([], [], None)
    assert (found.was.share_seen, found.would.per_thousand) == (None, None)


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"delta": float("nan")}, "delta", "range"),
        ({"ladder": [1.0]}, "ladder", "falling_from_1"),
        ({"tolerated": {"fraud": 0.0}}, "tolerated", "range"),
    ],
)
def test_terms_that_break_a_rule_are_refused(
    workflow: Workflow,
    now: datetime,
    changes: dict[str, object],
    field: str,
    rule: str,
) -> None:
    with pytest.raises(InvalidPlan) as refused:
        tried(workflow, now=now, **changes)

    assert [(one.field, one.rule) for one in refused.value.errors] == [(field, rule)]


def test_cost_below_nothing_is_refused(workflow: Workflow, now: datetime) -> None:
    costs = workflow.declaration.costs.model_copy(update={"false_positive": -1.0})
    terms = terms_of(plan_in_force(workflow))

    with pytest.raises(InvalidPlan, match="false_positive: range"):
        what_if(workflow=workflow, terms=terms, costs=costs, now=now)


def test_queries_do_not_grow_with_the_history(
    workflow: Workflow, segment: Segment, alice: User, now: datetime
) -> None:
    with CaptureQueriesContext(connection) as few:
        tried(workflow, now=now)
    earn(workflow, segment, alice, now=now + SECOND)
    with CaptureQueriesContext(connection) as many:
        tried(workflow, now=now + timedelta(minutes=2))

    assert len(many) == len(few)
