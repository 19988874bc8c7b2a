"""What the reviewer's desk shows: a case with its reasons, or why there is none."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.access import AuthenticatedRequest
from accounts.sites import is_within
from predictions.models import Prediction, Workflow
from predictions.queries.predicted_fields import recommended_values
from predictions.services.explanations import explain_prediction
from predictions.services.moments import as_moments, moments_of
from predictions.services.novelty import oddities_of
from reviewqueue.enums import CaseKind, Queue, RouteReason
from reviewqueue.forms import SnoozeForm
from reviewqueue.models import Case, Route
from reviewqueue.passages import passages
from reviewqueue.presentation import (
    reasons,
    threshold_words,
    unlike_words,
)
from reviewqueue.queries.desk import (
    held_case,
    last_decision,
    today_of,
)
from reviewqueue.queries.disguise import seen_notes
from reviewqueue.queries.earlier import earlier_items
from reviewqueue.queries.gold import told_label
from reviewqueue.queries.good_parts import good_examples
from reviewqueue.queries.history import decisions_of, notes_of
from reviewqueue.queries.personal import mask_decisions, mask_items, mask_notes
from reviewqueue.queries.queue_state import QueueState, count_waiting, queue_state
from reviewqueue.series_figures import SeriesFigure, series_figure
from reviewqueue.services.claims import TooManyLeases, claim_next_case, open_case
from reviewqueue.services.leases import LeaseLost
from reviewqueue.standing import Earlier
from reviewqueue.views.desk_fields import compared_fields, fields_context
from reviewqueue.views.shown_item import shown_item

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
        "n_waiting": count_waiting(workflow, queues, page.actor.sites(workflow.pk)),
        "today": today_of(workflow, page.user, now=now),
        "last": _last(page, workflow, now=now),
    }
    if case is None or case.pk != wanted:
        context.pop("sent", None)  # another case is no place for it
    if case is None:
        context["state"] = state
    else:
        context |= _case_context(page, workflow, case, now=now)
        context |= fields_context(
            case,
            workflow.declaration,
            sent=context.get("sent"),
            errors=context.get("field_errors", ()),
        )
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
    state = queue_state(
        workflow=workflow,
        reviewer=page.user,
        queues=queues,
        now=now,
        sites=page.actor.sites(workflow.pk),
    )
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
    """Return the case to look at, opened and with a full lease.

    None also where the person's sites change at this moment.
    """
    sites = page.actor.sites(workflow.pk)
    case = held_case(workflow, page.user, wanted, sites)
    try:
        if case is None:
            case = claim_next_case(
                workflow=workflow,
                reviewer=page.user,
                queues=queues,
                now=now,
                sites=sites,
            )
        if case is None or case.lease_token is None:
            return None
        opened = open_case(
            case_id=case.pk, holder=page.user, lease_token=case.lease_token, now=now
        )
    except (LeaseLost, TooManyLeases):
        return None
    case.lease_expires_at = opened.lease_expires_at
    case.opened_at = opened.opened_at
    return case


def _case_context(
    page: AuthenticatedRequest, workflow: Workflow, case: Case, *, now: datetime
) -> dict[str, Any]:
    secrets = mask_items([case.item], workflow).get(case.item_id, frozenset())
    earlier = earlier_items(case.item, page.actor)
    known, context = shown_item(
        case.item,
        workflow,
        blind=case.blind,
        good=good_examples(case.item, workflow, page.actor),
        at=case.item.occurred_at,
        earlier=[Earlier(one.item.occurred_at, one.item.features) for one in earlier],
    )
    context |= {
        "case": case,
        "item": case.item,
        "series": _series(case, workflow, now=now),
        "labels": _label_buttons(case, workflow),
        "earlier": earlier,
        "renew_seconds": RENEW_SECONDS,
        "lease_seconds_left": (case.lease_expires_at - now).total_seconds()
        if case.lease_expires_at
        else 0,
        "is_adjudication": case.kind == CaseKind.ADJUDICATION,
        "snoozes": SnoozeForm.base_fields["until"].choices,  # type: ignore[attr-defined]
    }
    if case.blind:
        return context
    context["notes"] = list(seen_notes(notes_of(case.item), page.actor, workflow.pk))
    mask_notes(context["notes"], workflow, secrets)
    prediction = case.route.prediction
    if prediction is not None:
        context |= _recommendation(case.route, prediction, known, workflow, now=now)
    if case.kind == CaseKind.ADJUDICATION:
        opinions = list(decisions_of(case.item).exclude(case_kind=CaseKind.GOLD))
        mask_decisions(opinions, workflow, secrets)
        context["opinions"] = opinions
        context |= compared_fields(opinions, case, workflow.declaration)
    return context


def _recommendation(
    route: Route,
    prediction: Prediction,
    known: Mapping[str, Any],
    workflow: Workflow,
    *,
    now: datetime,
) -> dict[str, Any]:
    """Return what the model says, and why."""
    declaration = workflow.declaration
    explained = explain_prediction(prediction, now=now)
    found = reasons(explained, declaration)
    context = {
        "prediction": prediction,
        "recommended": declaration.label_name(prediction.label),
        "threshold_words": threshold_words(route.threshold, declaration),
        "passages": passages(
            known,
            declaration,
            contributions=explained,
            fields=recommended_values(prediction, declaration.fields),
        ),
        "reasons": found,
        "largest": max((abs(r.effect) for r in found), default=1.0),
    }
    if route.reason == RouteReason.UNLIKE:
        oddities = oddities_of(prediction)
        context["is_unlike"] = True
        context["unlike"] = unlike_words(oddities, known, declaration)
    return context


def _series(case: Case, workflow: Workflow, *, now: datetime) -> SeriesFigure | None:
    """Return the readings; with what moved the score, unless it is judged blind."""
    if workflow.declaration.series is None:
        return None
    said = None if case.blind else case.route.prediction
    found = as_moments(moments_of(said, now=now)) if said else []
    return series_figure(case.item, workflow, found=found)


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
    sites = page.actor.sites(workflow.pk)
    if decision is None or not is_within(decision.site_id, sites):
        return None
    declaration = workflow.declaration
    known = told_label(decision)
    seconds = declaration.queue.undo_seconds
    left = seconds - (now - decision.decided_at).total_seconds()
    return {
        "decision": decision,
        "label": declaration.label_name(decision.label),
        "recommended": declaration.label_name(decision.recommended_label),
        "agreed": decision.label == decision.recommended_label,
        "corrected": [
            one.label for one in declaration.fields if one.name in decision.corrected
        ],
        "known": declaration.label_name(known) if known else "",
        "is_known_right": decision.label == known,
        "seconds_left": int(left),
    }
