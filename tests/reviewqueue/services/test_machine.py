"""Any sequence of what people can do, under a moving clock, keeps the queue sound."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.enums import (
    CASE_TRANSITIONS,
    CaseEventKind,
    CaseKind,
    CaseStatus,
    Queue,
)
from reviewqueue.models import Case, CaseEvent, Decision, Label, Route
from reviewqueue.services.adjudication import FollowUpTaken, resolve
from reviewqueue.services.claims import (
    TooManyLeases,
    claim_next_case,
    expire_leases,
    release_case,
    renew_lease,
    skip_case,
    snooze_case,
)
from reviewqueue.services.decisions import (
    UndoRefused,
    escalate_case,
    record_decision,
    undo_decision,
)
from reviewqueue.services.judging import InvalidDecision, Judgement
from reviewqueue.services.leases import AlreadyDecided, LeaseLost
from reviewqueue.services.pipeline import process_batch
from tests.factories.accounts import UserFactory
from tests.factories.predictions import make_items, make_workflow, set_policy

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
N_PEOPLE = 3
REFUSALS = (AlreadyDecided, FollowUpTaken, InvalidDecision, LeaseLost, UndoRefused)
# An amendment or an assignment notes itself without moving the case.
STILL = {CaseEventKind.AMENDED, CaseEventKind.REASSIGNED}
people = st.integers(0, N_PEOPLE - 1)
picks = st.integers(0, 10**6)


class QueueMachine(RuleBasedStateMachine):
    """Three people, each reviewer and adjudicator, over four items.

    `tokens` remembers every lease that was ever given, so that stale ones are tried.
    """

    @initialize(second_opinions=st.booleans())
    def begin(self, second_opinions: bool) -> None:
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.now = START
        self.workflow: Workflow = make_workflow(now=START)
        share = 1.0 if second_opinions else 0.0
        set_policy(self.workflow, now=START, second_opinion_share=share)
        make_items(self.workflow, 4, now=START)
        process_batch(workflow=self.workflow, limit=9, now=START)
        self.people: list[User] = [UserFactory.create() for _ in range(N_PEOPLE)]
        self.tokens: list[tuple[UUID, User, UUID]] = []
        self.decisions: list[tuple[UUID, User]] = []

    def teardown(self) -> None:
        if hasattr(self, "transaction"):
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    def lease(self, pick: int) -> tuple[UUID, User, UUID]:
        return self.tokens[pick % len(self.tokens)]

    def is_current(self, case_id: UUID, token: UUID) -> bool:
        case = Case.objects.get(pk=case_id)
        return case.status == CaseStatus.LEASED and case.lease_token == token

    @rule(seconds=st.sampled_from([1, 30, 59, 61, 200, 299, 300, 301, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(who=people, queue=st.sampled_from(list(Queue)))
    def claim(self, who: int, queue: Queue) -> None:
        person = self.people[who]
        live = {
            case.pk
            for case in Case.objects.filter(
                status=CaseStatus.LEASED, lease_expires_at__gt=self.now
            )
        }
        try:
            case = claim_next_case(
                workflow=self.workflow, reviewer=person, queues=[queue], now=self.now
            )
        except TooManyLeases:
            held = Case.objects.filter(
                leased_by=person, lease_expires_at__gt=self.now
            ).count()
            assert held == 3
            return
        if case is not None:
            assert case.pk not in live
            assert case.excluded_reviewer_id != person.pk
            assert not case.skips.filter(reviewer=person).exists()
            assert case.lease_token is not None
            self.tokens.append((case.pk, person, case.lease_token))

    @rule()
    def sweep(self) -> None:
        expire_leases(now=self.now)
        assert not Case.objects.filter(
            status=CaseStatus.LEASED, lease_expires_at__lte=self.now
        ).exists()

    @precondition(lambda self: getattr(self, "tokens", None))
    @rule(
        pick=picks,
        action=st.sampled_from(
            ["renew", "release", "skip", "snooze", "escalate", "decide", "unsure"]
        ),
        label=st.sampled_from(["fraud", "legitimate"]),
    )
    def act(self, pick: int, action: str, label: str) -> None:
        case_id, person, token = self.lease(pick)
        was_current = self.is_current(case_id, token)
        before = self.facts()
        refusal: Exception | None = None
        try:
            self.perform(action, case_id, person, token, label)
        except REFUSALS as error:
            refusal = error
        if refusal is None:
            assert was_current
            return
        assert self.facts() == before
        # A holder is refused only where nobody is above to escalate to.
        assert not was_current or isinstance(refusal, InvalidDecision)

    def perform(
        self, action: str, case_id: UUID, person: User, token: UUID, label: str
    ) -> None:
        lease = {"case_id": case_id, "lease_token": token, "now": self.now}
        match action:
            case "renew":
                renew_lease(holder=person, **lease)
            case "release":
                release_case(holder=person, **lease)
            case "skip":
                skip_case(holder=person, reason="", **lease)
            case "snooze":
                until = self.now + timedelta(seconds=90)
                snooze_case(holder=person, until=until, reason="", **lease)
            case "escalate":
                escalate_case(holder=person, reason="", **lease)
            case _:
                judgement = Judgement(label=label)
                if action == "unsure":
                    judgement = Judgement(verdict="unsure")
                recorded = record_decision(
                    reviewer=person, judgement=judgement, **lease
                )
                self.decisions.append((recorded.decision.pk, person))

    @precondition(lambda self: getattr(self, "decisions", None))
    @rule(pick=picks)
    def undo(self, pick: int) -> None:
        decision_id, person = self.decisions[pick % len(self.decisions)]
        before = self.facts()
        try:
            case = undo_decision(decision_id=decision_id, by=person, now=self.now)
        except REFUSALS:
            assert self.facts() == before
            return
        if case.lease_token is not None:
            self.tokens.append((case.pk, person, case.lease_token))

    def facts(self) -> tuple[object, ...]:
        """Everything that a refused action must leave as it was."""
        return (
            list(Case.objects.order_by("pk").values_list()),
            list(Decision.objects.order_by("pk").values_list("pk")),
            list(Label.objects.order_by("pk").values_list("pk")),
            list(CaseEvent.objects.order_by("pk").values_list("pk")),
        )

    @invariant()
    def transitions_are_the_declared_ones(self) -> None:
        if not hasattr(self, "workflow"):
            return
        statuses: dict[UUID, str] = {}
        for event in CaseEvent.objects.order_by("id"):
            before = statuses.get(event.case_id, "")
            assert event.from_status == before
            if before and event.kind not in STILL:
                allowed = CASE_TRANSITIONS[CaseStatus(before)]
                assert CaseStatus(event.to_status) in allowed
            statuses[event.case_id] = event.to_status
        stored = dict(Case.objects.values_list("pk", "status"))
        assert statuses == stored

    @invariant()
    def one_live_decision_a_case_and_only_on_decided_cases(self) -> None:
        if not hasattr(self, "workflow"):
            return
        live = Decision.objects.filter(retraction=None).values_list("case_id")
        counted = Counter(row[0] for row in live)
        assert set(counted.values()) <= {1}
        decided = Case.objects.filter(status=CaseStatus.DECIDED)
        assert set(counted) == set(decided.values_list("pk", flat=True))

    @invariant()
    def label_is_what_the_live_decisions_amount_to(self) -> None:
        if not hasattr(self, "workflow"):
            return
        for route in Route.objects.all():
            cases = Case.objects.filter(item_id=route.pk)
            live = Decision.objects.filter(item_id=route.pk, retraction=None)
            found = resolve(
                live.order_by("id"),
                second_opinion=route.second_opinion,
                is_escalated=cases.filter(status=CaseStatus.ESCALATED).exists(),
            )
            labels = Label.objects.filter(item_id=route.pk).order_by("version")
            versions = list(labels.values_list("version", flat=True))
            assert versions == list(range(1, len(versions) + 1))
            last = labels.last()
            wanted = found.decision.label if found.decision else ""
            assert (last.label if last else "") == wanted
            open_kinds = set(
                cases.filter(
                    status__in=[
                        CaseStatus.PENDING,
                        CaseStatus.LEASED,
                        CaseStatus.SNOOZED,
                    ]
                ).values_list("kind", flat=True)
            )
            assert (CaseKind.SECOND in open_kinds) >= found.needs_second
            assert (CaseKind.ADJUDICATION in open_kinds) >= found.needs_adjudication

    @invariant()
    def nobody_reads_twice(self) -> None:
        if not hasattr(self, "workflow"):
            return
        readers = Decision.objects.filter(
            retraction=None, case_kind__in=(CaseKind.REVIEW, CaseKind.SECOND)
        ).values_list("item_id", "reviewer_id")
        assert max(Counter(readers).values(), default=1) == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_queue_stays_sound() -> None:
    run_state_machine_as_test(
        QueueMachine,
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
