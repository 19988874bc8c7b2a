"""Lists of cases, decisions and items, and the page of one item."""

from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.access import AuthenticatedRequest
from accounts.permissions import Permission
from predictions.masking import is_masking
from predictions.models import Item, QuarantinedItem, Workflow
from predictions.queries.pages import InvalidCursor, Page, newest_first
from predictions.services.unmasking import note_unmasked
from predictions.views.access import get_within_sites, open_workflow
from reviewqueue.enums import CaseKind, CaseStatus, RouteKind
from reviewqueue.media_figures import thumbnails
from reviewqueue.queries.disguise import (
    as_ordinary_cases,
    as_seen_items,
    knows_gold,
    listed_cases,
    listed_decisions,
)
from reviewqueue.queries.history import refusals_of
from reviewqueue.queries.item_history import item_history
from reviewqueue.queries.lists import (
    filtered_cases,
    filtered_decisions,
    filtered_items,
    known_kind,
)
from reviewqueue.queries.personal import mask_refused
from reviewqueue.queries.sites import site_choice
from reviewqueue.queries.visibility import hidden_item_ids, is_hidden
from reviewqueue.series_figures import known_moments, series_figure
from reviewqueue.views.chips import decision_chips
from reviewqueue.views.shown_item import shown_item

PAGE_SIZE = 50


def page_of[Row: Model](
    request: HttpRequest, rows: QuerySet[Row], *, moment: str = ""
) -> Page[Row]:
    """Return the page that the query string asks for; a bad cursor is the first one."""
    cursor = request.GET.get("cursor", "")
    try:
        return newest_first(rows, cursor=cursor, limit=PAGE_SIZE, moment=moment)
    except InvalidCursor:
        return newest_first(rows, cursor="", limit=PAGE_SIZE, moment=moment)


@require_GET
def case_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List cases, newest first."""
    page, workflow = open_workflow(request, slug, Permission.CASES_VIEW, by_site=True)
    choice = site_choice(page.actor, workflow.pk, request.GET.get("site", ""))
    now = timezone.now()
    rows = page_of(
        request,
        listed_cases(
            filtered_cases(
                workflow, request.GET, viewer=page.user, now=now, sites=choice.sites
            ),
            page.actor,
            workflow.pk,
            kind=known_kind(request.GET.get("kind", "")),
        ),
    )
    knows = knows_gold(page.actor, workflow.pk)
    if not knows:
        as_ordinary_cases(rows.rows)
    hidden = hidden_item_ids(
        page.actor, workflow.pk, [case.item_id for case in rows.rows]
    )
    context = {
        "workflow": workflow,
        "page": rows,
        "hidden_ids": hidden,
        "now": now,
        "statuses": CaseStatus.choices,
        "knows_gold": knows,
        "kinds": [one for one in CaseKind.choices if knows or one[0] != CaseKind.GOLD],
        "asked": request.GET,
        "site_choice": choice,
    }
    return render(page, "reviewqueue/case_list.html", context)


@require_GET
def decision_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List the decisions behind a figure; a reviewer sees their own."""
    page, workflow = open_workflow(request, slug, Permission.CASES_VIEW, by_site=True)
    choice = site_choice(page.actor, workflow.pk, request.GET.get("site", ""))
    found = listed_decisions(
        filtered_decisions(workflow, request.GET, choice.sites),
        page.actor,
        workflow.pk,
        kind=known_kind(request.GET.get("kind", "")),
    )
    rows = page_of(request, found, moment="decided_at")
    hidden = hidden_item_ids(
        page.actor, workflow.pk, [one.item_id for one in rows.rows]
    )
    context = {
        "workflow": workflow,
        "page": rows,
        "hidden_ids": hidden,
        "chips": decision_chips(request.GET, workflow.declaration),
        "site_choice": choice,
    }
    return render(page, "reviewqueue/decision_list.html", context)


@require_GET
def item_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List items, newest first."""
    page, workflow = open_workflow(request, slug, Permission.ITEMS_VIEW, by_site=True)
    choice = site_choice(page.actor, workflow.pk, request.GET.get("site", ""))
    rows = page_of(
        request,
        filtered_items(workflow, request.GET, actor=page.actor, sites=choice.sites),
    )
    context = {
        "workflow": workflow,
        "page": rows,
        "items": as_seen_items(rows.rows, page.actor, workflow),
        "hidden_ids": hidden_item_ids(
            page.actor, workflow.pk, [item.pk for item in rows.rows]
        ),
        "thumbnails": thumbnails([item.pk for item in rows.rows], workflow),
        "routes": RouteKind.choices,
        "asked": request.GET,
        "can_add": page.actor.can(Permission.ITEMS_ADD, workflow.pk),
        "site_choice": choice,
    }
    return render(page, "reviewqueue/item_list.html", context)


@require_GET
def item_detail(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Show everything that happened to one item."""
    page, workflow = open_workflow(request, slug, Permission.ITEMS_VIEW, by_site=True)
    item = get_within_sites(page, workflow, Item.objects.all(), pk)
    return render(
        page, "reviewqueue/item_detail.html", item_story(page, workflow, item)
    )


@require_POST
def item_unmasked(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Show an item with what is masked in it, to whoever may, and note that."""
    page, workflow = open_workflow(request, slug, Permission.ITEMS_UNMASK, by_site=True)
    item = get_within_sites(page, workflow, Item.objects.all(), pk)
    note_unmasked(item=item, workflow=workflow, by=page.user, now=timezone.now())
    story = item_story(page, workflow, item, unmasked=True)
    return render(page, "reviewqueue/item_detail.html", story)


def _refusals(item: Item, workflow: Workflow) -> list[QuarantinedItem]:
    found = list(refusals_of(item))
    mask_refused(found, workflow)
    return found


def item_story(
    page: AuthenticatedRequest,
    workflow: Workflow,
    item: Item,
    *,
    unmasked: bool = False,
) -> dict[str, Any]:
    """Return what the page of an item shows: of a blind case, what came in alone."""
    hidden = is_hidden(page.actor, workflow.pk, item.pk)
    history = item_history(item, workflow, page.actor, unmasked=unmasked)
    _, story = shown_item(item, workflow, blind=hidden)
    story |= {
        "workflow": workflow,
        "item": history.item,
        "series": series_figure(
            item, workflow, found=[] if hidden else known_moments(history.route)
        ),
        "can_remove_media": page.actor.can(Permission.MEDIA_REMOVE, workflow.pk),
        "is_unmasked": unmasked,
        "may_unmask": is_masking(workflow.declaration)
        and page.actor.can(Permission.ITEMS_UNMASK, workflow.pk),
        "cases": history.cases,
        "events": history.events,
        "outcomes": history.outcomes,
        "hidden": hidden,
        # When it was first refused would tell that it came in long ago.
        "refusals": [] if history.disguise else _refusals(item, workflow),
        "sees_quarantine": page.actor.can(Permission.QUARANTINE_VIEW, workflow.pk),
        "undeclared": {
            name: value
            for name, value in item.features.items()
            if workflow.declaration.feature(name) is None
        },
    }
    if not hidden:
        newest = next(iter(history.labels), None)
        story |= {
            "gold": history.gold,
            "can_manage_gold": (
                manages := page.actor.can(Permission.CASES_MANAGE, workflow.pk)
                and page.actor.sites(workflow.pk) is None
            ),
            "may_become_gold": manages and bool(newest and newest.label),
            "route": history.route,
            "predictions": history.predictions,
            "decisions": history.decisions,
            "labels": history.labels,
            "notes": history.notes,
        }
    return story
