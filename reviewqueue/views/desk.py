"""What the reviewer's desk shows: a case with its reasons, or why there is none."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from predictions.models import Workflow
from predictions.services.explanations import explain_prediction
from predictions.views.access import AuthenticatedRequest
from reviewqueue.enums import CaseKind, Queue
from reviewqueue.forms import SnoozeForm
from reviewqueue.models import Case
from reviewqueue.presentation import fact_groups, reasons, threshold_words
from reviewqueue.queries.desk import (
    held_case,
    last_decision,
    profile_of,
    today_of,
)
from reviewqueue.queries.history import decisions_of, notes_of, same_subject
from reviewqueue.queries.queue_state import QueueState, count_waiting, queue_state
from reviewqueue.queries.titles import item_title
from reviewqueue.queries.visibility import hidden_item_ids
from reviewqueue.services.claims import claim_next_case, open_case

TEMPLATE = "reviewqueue/review.html"
RENEW_SECONDS = 60


def show_desk(
    page: AuthenticatedRequest,
    workflow: Workflow,
    queues: list[Queue],
    *,
    wanted: UUID | None = None,
    more: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show the wanted case, the one that is held, the next one, or why there is none.

    `more` goes into the page: why something was refused, and what was sent.
    """
    now = timezone.now()
    case, state = _case_or_why(page, workflow, queues, wanted, now=now)
    context = {
        **(more or {}),
        "workflow": workflow,
        "declaration": workflow.declaration,
        "now": now,
        "n_waiting": count_waiting(workflow, queues),
        "today": today_of(workflow, page.user, now=now),
        "last": _last(page, workflow, now=now),
    }
    if case is None or case.pk != wanted:
        context.pop("sent", None)  # another case is no place for it
    if case is None:
        context["state"] = state
    else:
        context |= _case_context(page, workflow, case, now=now)
    template = f"{TEMPLATE}#desk" if page.htmx else TEMPLATE
    return render(page, template, context, status=status)


def _case_or_why(
    page: AuthenticatedRequest,
    workflow: Workflow,
    queues: list[Queue],
    wanted: UUID | None,
    *,
    now: datetime,
) -> tuple[Case | None, QueueState | None]:
    case = _current(page, workflow, queues, wanted, now=now)
    if case is not None:
        return case, None
    state = queue_state(workflow=workflow, reviewer=page.user, queues=queues, now=now)
    # What is held may be this person's own, prefetched while they decided.
    if state.n_held:
        case = _current(page, workflow, queues, wanted, now=now)
    return case, state


def _current(
    page: AuthenticatedRequest,
    workflow: Workflow,
    queues: list[Queue],
    wanted: UUID | None,
    *,
    now: datetime,
) -> Case | None:
    """Return the case to look at, opened and with a full lease."""
    case = held_case(workflow, page.user, wanted)
    if case is None:
        case = claim_next_case(
            workflow=workflow, reviewer=page.user, queues=queues, now=now
        )
    if case is None or case.lease_token is None:
        return None
    opened = open_case(
        case_id=case.pk, holder=page.user, lease_token=case.lease_token, now=now
    )
    case.lease_expires_at = opened.lease_expires_at
    case.opened_at = opened.opened_at
    return case


def _case_context(
    page: AuthenticatedRequest, workflow: Workflow, case: Case, *, now: datetime
) -> dict[str, Any]:
    declaration = workflow.declaration
    earlier = same_subject(case.item)
    context: dict[str, Any] = {
        "case": case,
        "item": case.item,
        "title": item_title(case.item, workflow),
        "groups": fact_groups(case.item.features, declaration, profile_of(workflow)),
        "labels": _label_buttons(case, workflow),
        "earlier": earlier,
        "hidden_ids": hidden_item_ids(
            page.actor, workflow.pk, [one.pk for one in earlier]
        ),
        "renew_seconds": RENEW_SECONDS,
        "lease_seconds_left": (case.lease_expires_at - now).total_seconds()
        if case.lease_expires_at
        else 0,
        "is_adjudication": case.kind == CaseKind.ADJUDICATION,
        "snoozes": SnoozeForm.base_fields["until"].choices,  # type: ignore[attr-defined]
    }
    if case.blind:
        return context
    context["notes"] = list(notes_of(case.item))
    prediction = case.route.prediction
    if prediction is not None:
        context["prediction"] = prediction
        context["recommended"] = declaration.label_name(prediction.label)
        context["threshold_words"] = threshold_words(case.route.threshold, declaration)
        found = reasons(explain_prediction(prediction, now=now), declaration)
        context["reasons"] = found
        context["largest"] = max((abs(r.effect) for r in found), default=1.0)
    if case.kind == CaseKind.ADJUDICATION:
        context["opinions"] = list(decisions_of(case.item))
    return context


def _label_buttons(case: Case, workflow: Workflow) -> list[dict[str, Any]]:
    recommended = "" if case.blind else case.route.label
    return [
        {
            "key": label.key,
            "name": label.name,
            "action": f"label-{place}" if place < 10 else "",
            "is_recommended": label.key == recommended,
        }
        for place, label in enumerate(workflow.declaration.labels, start=1)
    ]


def _last(
    page: AuthenticatedRequest, workflow: Workflow, *, now: datetime
) -> dict[str, Any] | None:
    decision = last_decision(workflow, page.user, now=now)
    if decision is None:
        return None
    declaration = workflow.declaration
    seconds = declaration.queue.undo_seconds
    left = seconds - (now - decision.decided_at).total_seconds()
    return {
        "decision": decision,
        "label": declaration.label_name(decision.label),
        "recommended": declaration.label_name(decision.recommended_label),
        "agreed": decision.label == decision.recommended_label,
        "seconds_left": int(left),
    }
