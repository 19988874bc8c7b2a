"""Settle an item: what its decisions amount to, and who must look next.

`settle_item` reads the live decisions and brings label and open cases in line with
them. Deciding, undoing, amending and escalating all end with it, so that the rule
stands in one place:

- an adjudicator's word is final;
- "can't tell", an escalation, or two readers who differ need an adjudicator;
- where a second opinion was drawn, two readers who agree make the label, and the
  first one's fields stand;
- else one reader does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from predictions.models import Item, Workflow
from reviewqueue.enums import (
    OPEN_STATUSES,
    QUEUE_OF_KIND,
    CaseEventKind,
    CaseKind,
    CaseStatus,
    LabelSource,
    Verdict,
)
from reviewqueue.models import Case, Decision, Label, Route
from reviewqueue.services.decided_fields import is_same_judgement
from reviewqueue.services.events import note_event
from reviewqueue.services.labels import label_in_force, write_label
from reviewqueue.services.leases import update_case


class FollowUpTaken(Exception):
    """Somebody has begun with the case that this decision led to."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the live decisions of an item amount to."""

    decision: Decision | None = None  # the one that makes the label
    needs_second: bool = False
    needs_adjudication: bool = False


def resolve(
    decisions: Iterable[Decision], *, second_opinion: bool, is_escalated: bool
) -> Resolution:
    """Apply the rule to the live decisions of one item; writes nothing."""
    by_kind = {decision.case_kind: decision for decision in decisions}
    if final := by_kind.get(CaseKind.ADJUDICATION):
        return Resolution(decision=final if final.label else None)
    first, second = by_kind.get(CaseKind.REVIEW), by_kind.get(CaseKind.SECOND)
    if is_escalated or any(one.verdict == Verdict.UNSURE for one in by_kind.values()):
        return Resolution(needs_adjudication=True)
    if first is None:
        return Resolution()
    if not second_opinion:
        return Resolution(decision=first)
    if second is None:
        return Resolution(needs_second=True)
    if not is_same_judgement(first, second):
        return Resolution(needs_adjudication=True)
    return Resolution(decision=first)


@dataclass(frozen=True, slots=True)
class Story:
    """What people did about an item so far: live decisions, cases, label in force."""

    decisions: list[Decision]
    cases: list[Case]
    label: Label | None


def settle_case(
    case: Case, *, now: datetime, decision: Decision | None = None
) -> Resolution:
    """Draw what follows from a change of a case, and from the decision just made on it.

    A gold case settles nothing: it returns what would have followed from one reader,
    which is what its reviewer is told. Else as `settle_item`. Raises: FollowUpTaken.
    """
    if case.kind == CaseKind.GOLD:
        return _as_if_alone(decision)
    is_first = decision is not None and decision.round == 1
    return settle_item(route=case.route, now=now, first=decision if is_first else None)


def _as_if_alone(decision: Decision | None) -> Resolution:
    if decision is None:
        return Resolution()
    if decision.verdict == Verdict.UNSURE:
        return Resolution(needs_adjudication=True)
    return Resolution(decision=decision)


def settle_item(
    *, route: Route, now: datetime, first: Decision | None = None
) -> Resolution:
    """Bring label and follow-up cases in line with the live decisions.

    The caller has locked the item. `first` is the decision just made where it is the
    first of its case: mostly it is the whole story. Writes labels, cases and events.
    Raises: FollowUpTaken when a case that is needed no more was begun.
    """
    if first is not None and _is_alone(first.case):
        story = Story([first], [first.case], None)
    else:
        story = _read_story(route)
    resolution = resolve(
        story.decisions,
        second_opinion=route.second_opinion,
        is_escalated=any(case.status == CaseStatus.ESCALATED for case in story.cases),
    )
    wanted = {
        CaseKind.SECOND: resolution.needs_second,
        CaseKind.ADJUDICATION: resolution.needs_adjudication,
    }
    for kind, is_needed in wanted.items():
        _follow_up(kind, is_needed, route=route, story=story, now=now)
    _settle_label(resolution, item=route.item, current=story.label, now=now)
    return resolution


_ALONE = """
SELECT NOT EXISTS (SELECT 1 FROM reviewqueue_case
                   WHERE item_id = %(item)s AND id <> %(case)s)
   AND NOT EXISTS (SELECT 1 FROM reviewqueue_label WHERE item_id = %(item)s)
"""


def _is_alone(case: Case) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_ALONE, {"item": case.item_id, "case": case.pk})
        found: tuple[bool] = cursor.fetchone()
    return found[0]


def _read_story(route: Route) -> Story:
    """Read what counts towards the truth; gold measures people and adds nothing."""
    decisions = Decision.objects.filter(item_id=route.item_id, retraction=None)
    cases = Case.objects.filter(item_id=route.item_id)
    return Story(
        list(decisions.exclude(case_kind=CaseKind.GOLD).order_by("id")),
        list(cases.exclude(kind=CaseKind.GOLD).order_by("id")),
        label_in_force(route.item),
    )


def _settle_label(
    resolution: Resolution, *, item: Item, current: Label | None, now: datetime
) -> None:
    if (decision := resolution.decision) is not None:
        is_final = decision.case_kind == CaseKind.ADJUDICATION
        source = LabelSource.ADJUDICATION if is_final else LabelSource.DECISION
        write_label(
            item=item,
            current=current,
            label=decision.label,
            source=source,
            decision=decision,
            now=now,
        )
    elif current and current.source in {LabelSource.DECISION, LabelSource.ADJUDICATION}:
        write_label(
            item=item,
            current=current,
            label="",
            source=LabelSource.RETRACTED,
            decision=current.decision,
            now=now,
        )


def _follow_up(
    kind: CaseKind,
    is_needed: bool,
    *,
    route: Route,
    story: Story,
    now: datetime,
) -> None:
    open_cases = [
        case
        for case in story.cases
        if case.kind == kind and case.status in OPEN_STATUSES
    ]
    if is_needed and not open_cases:
        _open_follow_up(kind, route=route, story=story, now=now)
    if not is_needed:
        for case in open_cases:
            _withdraw(case, now=now)


def _open_follow_up(
    kind: CaseKind,
    *,
    route: Route,
    story: Story,
    now: datetime,
) -> None:
    workflow = Workflow.objects.get(pk=route.workflow_id)
    reviews = (one for one in story.decisions if one.case_kind == CaseKind.REVIEW)
    first = next(reviews, None)
    is_second = kind == CaseKind.SECOND
    case = Case.objects.create(
        workflow=workflow,
        item_id=route.item_id,
        route=route,
        site_id=route.site_id,
        kind=kind,
        queue=QUEUE_OF_KIND[kind],
        blind=is_second,  # independent of the first reader and of the model
        priority=max(one.priority for one in story.cases),
        due_at=now + timedelta(minutes=workflow.declaration.queue.sla_minutes),
        created_at=now,
        excluded_reviewer=first.reviewer if is_second and first else None,
    )
    note_event(case, CaseEventKind.OPENED, actor=None, from_status="", now=now)


def _withdraw(case: Case, *, now: datetime) -> None:
    locked = Case.objects.select_for_update(of=("self",)).get(pk=case.pk)
    if locked.status not in {CaseStatus.PENDING, CaseStatus.SNOOZED}:
        msg = "Somebody has begun with the case that followed: amend it instead."
        raise FollowUpTaken(msg)
    before = locked.status
    update_case(locked, status=CaseStatus.WITHDRAWN, snoozed_until=None, closed_at=now)
    note_event(locked, CaseEventKind.WITHDRAWN, actor=None, from_status=before, now=now)
