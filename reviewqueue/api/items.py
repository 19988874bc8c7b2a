"""Items in, items out, quarantine, late truth."""

from collections.abc import Iterator
from itertools import chain
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Actor, Permission
from predictions.declaration import FieldError
from predictions.enums import IntakeSource, QuarantineStatus
from predictions.intake.values import parse_moment
from predictions.models import Item, QuarantinedItem, Workflow
from predictions.services.intake import Quarantined, store_items
from predictions.services.quarantine import discard, resubmit
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    documented,
    object_of,
)
from reviewqueue.api.bodies import read_body, read_chunks
from reviewqueue.api.lists import CURSOR, LIMIT, list_answer, listed
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.shapes import (
    case_brief,
    decision_shape,
    errors_shape,
    item_shape,
    label_shape,
    outcome_shape,
    prediction_shape,
    quarantined_shape,
    route_shape,
)
from reviewqueue.api.workflows import ANY_OBJECT, moment_parameter
from reviewqueue.queries.history import (
    cases_of,
    decisions_of,
    labels_of,
    outcomes_of,
    predictions_of,
)
from reviewqueue.queries.visibility import hidden_item_ids, is_hidden
from reviewqueue.services.intake_scored import MAX_ITEMS, ScoredAnswer, ingest_scored
from reviewqueue.services.outcomes import (
    OutcomeRow,
    RefusedOutcome,
    record_outcomes,
)


class ItemList(Operation):
    @documented(
        "item_create",
        summary="Send items: one, a list, or NDJSON; gzip is accepted",
        description=(
            "A 202 means stored. An item that breaks a rule goes to quarantine and "
            "the rest goes on. With `wait=score` at most 100 items are scored in the "
            "request."
        ),
        parameters=[SLUG, OpenApiParameter("wait", str, enum=["score"])],
        request={
            "application/json": ANY_OBJECT,
            "application/x-ndjson": OpenApiTypes.BINARY,
        },
        answers={200: ANY_OBJECT, 202: ANY_OBJECT},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.ITEMS_ADD)
        wait = request.query_params.get("wait")
        if wait not in {None, "score"}:
            raise InvalidRequest([FieldError("wait", "value", wait)])
        chunks = read_chunks(request)
        if wait:
            return self._scored(request, workflow, chunks)
        result = store_items(
            workflow=workflow,
            chunks=chunks,
            source=IntakeSource.API,
            now=timezone.now(),
        )
        body = {
            "accepted": result.accepted,
            "duplicates": result.duplicates,
            "n_quarantined": result.n_quarantined,
            "quarantined": [quarantined_answer(one) for one in result.quarantined],
        }
        return Response(body, status=202)

    def _scored(
        self, request: Request, workflow: Workflow, chunks: Iterator[list[object]]
    ) -> Response:
        raw_items = list(chain.from_iterable(chunks))
        if len(raw_items) > MAX_ITEMS:
            raise InvalidRequest([FieldError("items", "too_many", len(raw_items))])
        answers = ingest_scored(
            workflow=workflow, raw_items=raw_items, now=timezone.now()
        )
        hidden = hidden_item_ids(
            self.actor(request),
            workflow.pk,
            [one.item.pk for one in answers if one.item],
        )
        return Response(
            {
                "results": [
                    scored_answer(
                        one, hidden=one.item is not None and one.item.pk in hidden
                    )
                    for one in answers
                ]
            }
        )

    @documented(
        "item_list",
        summary="Items, newest first",
        parameters=[
            SLUG,
            LIMIT,
            CURSOR,
            OpenApiParameter("external_id", str, description="begins with"),
            OpenApiParameter("subject", str),
            OpenApiParameter("received_after", OpenApiTypes.DATETIME),
            OpenApiParameter("received_before", OpenApiTypes.DATETIME),
        ],
        answers={200: list_answer("ItemPage")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.ITEMS_VIEW)
        rows = Item.objects.filter(workflow=workflow)
        asked = request.query_params
        if prefix := asked.get("external_id"):
            rows = rows.filter(external_id__startswith=prefix.replace("\x00", ""))
        if subject := asked.get("subject"):
            rows = rows.filter(subject=subject.replace("\x00", ""))
        if after := moment_parameter(request, "received_after"):
            rows = rows.filter(received_at__gte=after)
        if before := moment_parameter(request, "received_before"):
            rows = rows.filter(received_at__lt=before)
        return listed(
            request, rows, lambda found: [item_shape(i, workflow) for i in found]
        )


class ItemDetail(Operation):
    @documented(
        "item_detail",
        summary="One item: predictions, route, cases, decisions, labels",
        parameters=[SLUG, OpenApiParameter("external_id", str, OpenApiParameter.PATH)],
        answers={200: ANY_OBJECT},
    )
    def get(self, request: Request, slug: str, external_id: str) -> Response:
        workflow = self.workflow(request, slug, Permission.ITEMS_VIEW)
        if "\x00" in external_id:
            raise Item.DoesNotExist
        item = Item.objects.get(workflow=workflow, external_id=external_id)
        return Response(item_story(item, workflow, self.actor(request)))


def item_story(item: Item, workflow: Workflow, actor: Actor) -> dict[str, Any]:
    """Tell everything about an item that the actor may know now."""
    hidden = is_hidden(actor, workflow.pk, item.pk)
    story: dict[str, Any] = {
        **item_shape(item, workflow),
        "workflow": workflow.slug,
        "recommendation_hidden": hidden,
        "cases": [case_brief(one, hidden=hidden) for one in cases_of(item)],
        "outcomes": [outcome_shape(one) for one in outcomes_of(item)],
        "labels": [],
        "decisions": [],
        "predictions": [],
        "route": None,
        "label": None,
    }
    if hidden:
        return story
    labels = [label_shape(one) for one in labels_of(item)]
    story["labels"] = labels
    story["label"] = labels[0] if labels and labels[0]["label"] else None
    story["decisions"] = [decision_shape(one) for one in decisions_of(item)]
    story["predictions"] = [prediction_shape(one) for one in predictions_of(item)]
    route = getattr(item, "route", None) if hasattr(item, "route") else None
    story["route"] = route_shape(route) if route else None
    return story


class QuarantineList(Operation):
    @documented(
        "quarantine_list",
        summary="Refused items, newest first",
        parameters=[
            SLUG,
            LIMIT,
            CURSOR,
            OpenApiParameter("status", str, enum=QuarantineStatus.values),
            OpenApiParameter("rule", str, description="a rule that was broken"),
            OpenApiParameter("field", str, description="a field that broke one"),
        ],
        answers={200: list_answer("QuarantinePage")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.QUARANTINE_VIEW)
        rows = QuarantinedItem.objects.filter(workflow=workflow)
        status = request.query_params.get("status")
        if status and status not in QuarantineStatus.values:
            raise InvalidRequest([FieldError("status", "value", status)])
        if status:
            rows = rows.filter(status=status)
        for name in ("rule", "field"):
            if value := request.query_params.get(name):
                clean = value.replace("\x00", "")
                rows = rows.filter(errors__contains=[{name: clean}])
        return listed(
            request, rows, lambda found: [quarantined_shape(one) for one in found]
        )


class QuarantineResubmit(Operation):
    @documented(
        "quarantine_resubmit",
        summary="Send a corrected item in place of a refused one",
        request=ANY_OBJECT,
        answers={200: ANY_OBJECT},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, slug: str, pk: UUID) -> Response:
        workflow = self.workflow(request, slug, Permission.QUARANTINE_RESOLVE)
        one = QuarantinedItem.objects.get(workflow=workflow, pk=pk)
        refused = resubmit(
            quarantined=one,
            payload=read_body(request),
            by=self.user(request),
            now=timezone.now(),
        )
        if refused:
            raise InvalidRequest(refused[0].errors)
        one.refresh_from_db()
        return Response(quarantined_shape(one))


class QuarantineDiscard(Operation):
    @documented(
        "quarantine_discard",
        summary="Close a refused item without storing it",
        request=None,
        answers={200: ANY_OBJECT},
        errors=[409],
    )
    def post(self, request: Request, slug: str, pk: UUID) -> Response:
        workflow = self.workflow(request, slug, Permission.QUARANTINE_RESOLVE)
        one = QuarantinedItem.objects.get(workflow=workflow, pk=pk)
        discard(quarantined=one, by=self.user(request), now=timezone.now())
        one.refresh_from_db()
        return Response(quarantined_shape(one))


class OutcomeList(Operation):
    @documented(
        "outcome_create",
        summary="Send late truth: one outcome or a list of up to 10,000",
        parameters=[SLUG],
        request=ANY_OBJECT,
        answers={
            202: object_of(
                "OutcomesRecorded",
                accepted=serializers.IntegerField(),
                duplicates=serializers.IntegerField(),
                refused=serializers.ListField(child=serializers.DictField()),
            )
        },
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.OUTCOMES_ADD)
        body = read_body(request)
        sent = body if isinstance(body, list) else [body]
        if len(sent) > 10_000:
            raise InvalidRequest([FieldError("outcomes", "too_many", len(sent))])
        rows: list[tuple[int, OutcomeRow]] = []
        refused: list[RefusedOutcome] = []
        for index, raw in enumerate(sent):
            row, errors = _outcome_row(raw)
            if row is None:
                refused.append(RefusedOutcome(index, "", errors))
            else:
                rows.append((index, row))
        result = record_outcomes(
            workflow=workflow,
            rows=[row for _, row in rows],
            by=self.user(request),
            now=timezone.now(),
        )
        refused += [
            RefusedOutcome(rows[one.index][0], one.external_id, one.errors)
            for one in result.refused
        ]
        answer = {
            "accepted": result.accepted,
            "duplicates": result.duplicates,
            "refused": [
                {
                    "index": one.index,
                    "external_id": one.external_id,
                    "errors": errors_shape(one.errors),
                }
                for one in sorted(refused, key=lambda one: one.index)
            ],
        }
        return Response(answer, status=202)


def _outcome_row(raw: object) -> tuple[OutcomeRow | None, list[FieldError]]:
    if not isinstance(raw, dict):
        return None, [FieldError("outcome", "type", type(raw).__name__)]
    errors = []
    for name in ("external_id", "label"):
        value = raw.get(name)
        if not isinstance(value, str) or "\x00" in value or not value.isprintable():
            errors.append(FieldError(name, "missing" if value is None else "type"))
    observed_at = parse_moment(raw.get("observed_at", raw.get("occurred_at")))
    if observed_at is None:
        given = raw.get("observed_at") is not None
        errors.append(FieldError("observed_at", "type" if given else "missing"))
    if errors or observed_at is None:
        return None, errors
    return OutcomeRow(raw["external_id"], raw["label"], observed_at), []


def quarantined_answer(one: Quarantined) -> dict[str, Any]:
    return {
        "index": one.index,
        "external_id": one.external_id or None,
        "errors": errors_shape(one.errors),
    }


def scored_answer(one: ScoredAnswer, *, hidden: bool) -> dict[str, Any]:
    route = None if hidden else one.route
    prediction = route.prediction if route else None
    return {
        "external_id": one.external_id or None,
        "status": one.status,
        "errors": errors_shape(one.refusal.errors) if one.refusal else [],
        "recommendation_hidden": hidden,
        "prediction": prediction_shape(prediction) if prediction else None,
        "route": route_shape(route) if route else None,
    }
