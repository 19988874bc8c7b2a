"""A crowd's labels taken through the product: two readings, a third word, gold."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from accounts.enums import Role
from accounts.models import User
from accounts.services import create_user, grant_role
from predictions.enums import IntakeSource
from predictions.models import Item
from predictions.services.intake import store_items
from predictions.services.workflows import declare_workflow
from reviewqueue.enums import CaseKind, CaseStatus, LabelSource, Queue
from reviewqueue.models import Case, Decision, GoldPlacement, Label
from reviewqueue.proof.crowd import CrowdFile
from reviewqueue.queries.reliance import RelianceReport, reliance_report
from reviewqueue.queries.trust import suggested_plan
from reviewqueue.services.assignments import assign_case
from reviewqueue.services.claims import claim_next_case, release_case, skip_case
from reviewqueue.services.decisions import record_decision
from reviewqueue.services.gold import GoldRow, add_gold_rows
from reviewqueue.services.gold_placement import MAX_SHARE
from reviewqueue.services.judging import Judgement
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.policies import first_policy
from reviewqueue.services.trust_plans import put_plan, terms_of
from reviewqueue.trust.agreement import Judgements

MOST_CLAIMS: Final = 2_000
DECLARATION: Final = """
slug = "{slug}"
name = "Is this task spam?"
question = "Is this task spam?"

[[labels]]
key = "no"
name = "No"

[[labels]]
key = "yes"
name = "Yes"
positive = true

[[features]]
name = "task"
type = "text"

[costs]
false_positive = 1
false_negative = 1

[policy]
second_opinion_share = 1
"""


class CrowdRunFailed(Exception):
    """A step of the product did not go as it does."""


@dataclass(frozen=True, slots=True)
class ReadTwice:
    """What became of items that two people read each; the counts add up to them."""

    n_items: int
    n_decisions: int
    n_agreed: int
    n_adjudicated: int
    n_labels: int
    report: RelianceReport
    pairs: Judgements  # the same two labels of each item, as they lie in the file


@dataclass(frozen=True, slots=True)
class Measured:
    """One person who met gold: what they were asked, and what came of it."""

    person: str
    n_placed: int
    n_answered: int
    n_right: int
    reported: tuple[int, int]  # right of answered, on the reliance page


class CrowdRun:
    """One workflow of the proof with its people; the clock steps a second a deed."""

    def __init__(self, slug: str, *, now: datetime) -> None:
        self.workflow, _ = declare_workflow(
            source_toml=DECLARATION.format(slug=slug), by=None, now=now
        )
        first_policy(workflow=self.workflow, by=None, now=now)
        self.now = now
        self.supervisor = self._person(f"{slug}-supervisor", Role.SUPERVISOR)
        self.adjudicator = self._person(f"{slug}-adjudicator", Role.ADJUDICATOR)
        self.people: dict[str, User] = {}

    def _person(self, username: str, role: Role) -> User:
        user = create_user(username=username, now=self.now)
        grant_role(
            user=user, scope=self.workflow.scope, role=role, actor=None, now=self.now
        )
        return user

    def reader(self, name: str) -> User:
        if name not in self.people:
            username = f"{self.workflow.slug}-{name}"
            self.people[name] = self._person(username, Role.REVIEWER)
        return self.people[name]

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def arrive(self, items: Sequence[str]) -> None:
        rows = [
            {
                "external_id": one,
                "occurred_at": self.now.isoformat(),
                "features": {"task": one},
            }
            for one in items
        ]
        store_items(
            workflow=self.workflow,
            chunks=[rows],
            source=IntakeSource.COMMAND,
            now=self.tick(),
            wake=False,
        )
        while process_batch(workflow=self.workflow, limit=500, now=self.tick()):
            pass

    def read(self, kind: CaseKind, item: str, person: User, label: str) -> None:
        """Have one person decide one open case that a supervisor gave them."""
        case = Case.objects.get(
            workflow=self.workflow, item__external_id=item, kind=kind
        )
        assign_case(
            case=case, to=person, supervisor=self.supervisor, reason="", now=self.tick()
        )
        queue = Queue(case.queue)
        held = self.claimed(person, queue)
        if held.pk != case.pk:
            raise CrowdRunFailed(f"{item}: {person} was given another case")
        self.decide(held, person, label)

    def claimed(self, person: User, queue: Queue = Queue.REVIEW) -> Case:
        case = claim_next_case(
            workflow=self.workflow, reviewer=person, queues=[queue], now=self.tick()
        )
        if case is None or case.lease_token is None:
            raise CrowdRunFailed(f"{person} got no case")
        return case

    def decide(self, case: Case, person: User, label: str) -> None:
        if case.lease_token is None:
            raise CrowdRunFailed("a case without a lease")
        record_decision(
            case_id=case.pk,
            reviewer=person,
            lease_token=case.lease_token,
            judgement=Judgement(label=label),
            now=self.tick(),
        )


def read_twice(
    crowd: CrowdFile, *, n_items: int, now: datetime, say: Callable[[str], object]
) -> ReadTwice:
    """Take the first two labels of the first items through two blind readings.

    Where the two differ the adjudicator says what most of the file's labels say.
    """
    by_item: dict[str, list[tuple[str, str]]] = {}
    for (item, person), label in crowd.labels.items():
        by_item.setdefault(item, []).append((person, label))
    chosen = [item for item, found in by_item.items() if len(found) > 1][:n_items]
    run = CrowdRun("crowd-twice", now=now)
    run.arrive(chosen)
    say(f"{len(chosen):,} items are read twice")
    for item in chosen:
        (first, said), (second, also) = by_item[item][:2]
        run.read(CaseKind.REVIEW, item, run.reader(first), said)
        run.read(CaseKind.SECOND, item, run.reader(second), also)
        if said != also:
            votes = Counter(label for _, label in by_item[item])
            word = max(sorted(votes), key=votes.__getitem__)
            run.read(CaseKind.ADJUDICATION, item, run.adjudicator, word)
    return _read(run, chosen, by_item)


def _read(
    run: CrowdRun,
    chosen: Sequence[str],
    by_item: Mapping[str, Sequence[tuple[str, str]]],
) -> ReadTwice:
    two = [(item, *pair) for item in chosen for pair in by_item[item][:2]]
    labels = Label.objects.filter(workflow=run.workflow)
    report = reliance_report(
        run.workflow, days=366, now=run.now + timedelta(days=1), only=None
    )
    return ReadTwice(
        n_items=Item.objects.filter(workflow=run.workflow).count(),
        n_decisions=Decision.objects.filter(workflow=run.workflow).count(),
        n_agreed=labels.filter(source=LabelSource.DECISION).count(),
        n_adjudicated=labels.filter(source=LabelSource.ADJUDICATION).count(),
        n_labels=labels.values("item").distinct().count(),
        report=report,
        pairs=Judgements.of(*([row[at] for row in two] for at in range(3))),
    )


def meet_gold(
    crowd: CrowdFile,
    truth: Mapping[str, str],
    *,
    n_people: int,
    now: datetime,
    say: Callable[[str], object],
) -> list[Measured]:
    """Place the items whose truth is known before those who labelled most of them.

    They answer as in the file, and skip what they never labelled.
    """
    answered = Counter(person for item, person in crowd.labels if item in truth)
    run = CrowdRun("crowd-gold", now=now)
    run.arrive([*truth, "waits"])
    known = Case.objects.filter(workflow=run.workflow)
    known.exclude(item__external_id="waits").update(
        status=CaseStatus.WITHDRAWN, closed_at=run.now
    )
    rows = [GoldRow(at, item, label) for at, (item, label) in enumerate(truth.items())]
    add_gold_rows(workflow=run.workflow, rows=rows, by=run.supervisor, now=run.tick())
    terms = replace(
        terms_of(suggested_plan(run.workflow)), gold_share=MAX_SHARE, coaching=False
    )
    put_plan(
        workflow=run.workflow, terms=terms, by=None, reason="proof", now=run.tick()
    )
    people = [person for person, _ in answered.most_common(n_people)]
    for person in people:
        say(f"{person} meets gold")
        _meet_all(run, crowd, person, n_gold=len(truth))
    return _measured(run, people)


def _meet_all(run: CrowdRun, crowd: CrowdFile, person: str, *, n_gold: int) -> None:
    reader, n_met = run.reader(person), 0
    for _ in range(MOST_CLAIMS):
        case = run.claimed(reader)
        held = {"case_id": case.pk, "holder": reader, "lease_token": case.lease_token}
        label = crowd.labels.get((case.item.external_id, person))
        if case.kind != CaseKind.GOLD:
            release_case(**held, now=run.tick())  # type: ignore[arg-type]
            continue
        n_met += 1
        if label is None:
            skip_case(**held, reason="never labelled", now=run.tick())  # type: ignore[arg-type]
        else:
            run.decide(case, reader, label)
        if n_met == n_gold:
            return


def _measured(run: CrowdRun, people: Sequence[str]) -> list[Measured]:
    report = reliance_report(
        run.workflow, days=366, now=run.now + timedelta(days=1), only=None
    )
    reported = {one.username: one.figures.gold for one in report.people}
    found = []
    for person in people:
        user = run.people[person]
        placed = GoldPlacement.objects.filter(reviewer=user)
        answers = Decision.objects.filter(
            reviewer=user, case_kind=CaseKind.GOLD
        ).values_list("label", "case__placement__gold__label")
        gold = reported[user.username]
        found.append(
            Measured(
                person=person,
                n_placed=placed.count(),
                n_answered=len(answers),
                n_right=sum(said == true for said, true in answers),
                reported=(gold.k, gold.n),
            )
        )
    return found
