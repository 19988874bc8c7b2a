"""Settle an item: what its decisions amount to, and who must look next.

`settle_item` reads the live decisions and brings label and open cases in line with
them. Deciding, undoing, amending and escalating all end with it, so that the rule
stands in one place:

- an adjudicator's word is final;
- "can't tell", an escalation, or two readers who differ need an adjudicator;
- where a second opinion was drawn, two readers who agree make the label;
- else one reader does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.enums import (
    OPEN_STATUSES,
    QUEUE_OF_KIND,
    CaseEventKind,
    CaseKind,
    CaseStatus,
    LabelSource,
    Verdict,
)
from reviewqueue.models import Case, Decision, Route
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
    if first.label != second.label:
        return Resolution(needs_adjudication=True)
    return Resolution(decision=first)


def settle_item(*, route: Route, actor: User, now: datetime) -> Resolution:
    """Bring label and follow-up cases in line with the live decisions.

    The caller has locked the item. Writes labels, cases and events.
    Raises: FollowUpTaken when a case that is needed no more was begun.
    """
    decisions = list(
        Decision.objects.filter(item_id=route.item_id, retraction=None).order_by("id")
    )
    cases = list(Case.objects.filter(item_id=route.item_id).order_by("id"))
    resolution = resolve(
        decisions,
        second_opinion=route.second_opinion,
        is_escalated=any(case.status == CaseStatus.ESCALATED for case in cases),
    )
    wanted = {
        CaseKind.SECOND: resolution.needs_second,
        CaseKind.ADJUDICATION: resolution.needs_adjudication,
    }
    for kind, is_needed in wanted.items():
        _follow_up(
            kind, is_needed, route=route, cases=cases, decisions=decisions, now=now
        )
    _settle_label(resolution, route=route, now=now)
    return resolution


def _settle_label(resolution: Resolution, *, route: Route, now: datetime) -> None:
    item = route.item
    if (decision := resolution.decision) is not None:
        is_final = decision.case_kind == CaseKind.ADJUDICATION
        source = LabelSource.ADJUDICATION if is_final else LabelSource.DECISION
        write_label(
            item=item, label=decision.label, source=source, decision=decision, now=now
        )
        return
    current = label_in_force(item)
    if current and current.source in {LabelSource.DECISION, LabelSource.ADJUDICATION}:
        write_label(
            item=item,
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
    cases: list[Case],
    decisions: list[Decision],
    now: datetime,
) -> None:
    open_cases = [c for c in cases if c.kind == kind and c.status in OPEN_STATUSES]
    if is_needed and not open_cases:
        _open_follow_up(kind, route=route, cases=cases, decisions=decisions, now=now)
    if not is_needed:
        for case in open_cases:
            _withdraw(case, now=now)


def _open_follow_up(
    kind: CaseKind,
    *,
    route: Route,
    cases: list[Case],
    decisions: list[Decision],
    now: datetime,
) -> None:
    workflow = Workflow.objects.get(pk=route.workflow_id)
    first = next((one for one in decisions if one.case_kind == CaseKind.REVIEW), None)
    is_second = kind == CaseKind.SECOND
    case = Case.objects.create(
        workflow=workflow,
        item_id=route.item_id,
        route=route,
        kind=kind,
        queue=QUEUE_OF_KIND[kind],
        blind=is_second,  # independent of the first reader and of the model
        priority=max(one.priority for one in cases),
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
