"""Web-hooks over the API: add, list, disable, their deliveries, replays."""

from datetime import datetime
from typing import Annotated, Any, NotRequired, TypedDict
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from predictions.declaration import FieldError
from predictions.outbound import MAX_URL_LENGTH
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    documented,
    read_object,
    text_field,
)
from reviewqueue.api.lists import CURSOR, LIMIT, Page, listed, narrowed
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import Count, OneOf, object_of
from reviewqueue.enums import DeliveryStatus, NoticeKind
from reviewqueue.models import Delivery, Webhook
from reviewqueue.queries.notices import deliveries_of, webhooks_of
from reviewqueue.services.webhooks import (
    add_webhook,
    disable_webhook,
    replay_delivery,
)

STATUS = OpenApiParameter("status", str, enum=DeliveryStatus.values)
Kinds = list[Annotated[str, OneOf(NoticeKind)]]


class WebhookAsked(TypedDict):
    """Where notices of some kinds are to be sent; without kinds, all."""

    url: Annotated[str, Field(max_length=MAX_URL_LENGTH)]
    kinds: NotRequired[Kinds]


class WebhookShape(TypedDict):
    """Where notices are sent; no kinds are all."""

    id: UUID
    url: str
    kinds: Kinds
    created_by: str
    created_at: datetime
    disabled_at: datetime | None


class WebhookAdded(WebhookShape):
    """A new web-hook with the secret that signs what is sent, shown this once."""

    secret: str


class DeliveryShape(TypedDict):
    """A notice on its way to a web-hook."""

    id: UUID
    notice_id: UUID
    kind: Annotated[str, OneOf(NoticeKind)]
    status: Annotated[str, OneOf(DeliveryStatus)]
    attempts: Count
    next_at: datetime | None
    last_status_code: int | None
    last_error: str | None
    delivered_at: datetime | None


class WebhookList(Operation):
    @documented(
        "webhook_list",
        summary="Web-hooks, newest first, without their secrets",
        parameters=[SLUG, LIMIT, CURSOR],
        answers={200: object_of(Page[WebhookShape], "WebhookPage")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.SETTINGS_VIEW)
        rows = webhooks_of(workflow)
        return listed(
            request, rows, lambda found: [webhook_shape(one) for one in found]
        )

    @documented(
        "webhook_create",
        summary="Add a web-hook; the answer holds its secret, this once",
        parameters=[SLUG],
        request=object_of(WebhookAsked),
        answers={201: object_of(WebhookAdded)},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.SETTINGS_CHANGE)
        body = read_object(request, ("url", "kinds"))
        hook = add_webhook(
            workflow=workflow,
            url=text_field(body, "url", max_length=MAX_URL_LENGTH),
            kinds=_kinds(body),
            by=self.user(request),
            now=timezone.now(),
        )
        answer: WebhookAdded = {**webhook_shape(hook), "secret": hook.secret}
        return Response(answer, status=201, headers={"Cache-Control": "no-store"})


def _kinds(body: dict[str, Any]) -> list[str]:
    kinds = body.get("kinds") or []
    if not isinstance(kinds, list) or not all(isinstance(one, str) for one in kinds):
        raise InvalidRequest([FieldError("kinds", "type")])
    return kinds


class WebhookDisable(Operation):
    @documented(
        "webhook_disable",
        summary="End a web-hook for good; what waits for it is given up",
        request=None,
        answers={200: object_of(WebhookShape)},
    )
    def post(self, request: Request, pk: UUID) -> Response:
        hook = _visible(self, request, pk, Permission.SETTINGS_CHANGE)
        disable_webhook(webhook=hook, now=timezone.now())
        hook.refresh_from_db(fields=["disabled_at"])
        return Response(webhook_shape(hook))


class DeliveryList(Operation):
    @documented(
        "delivery_list",
        summary="What was and is to be sent to a web-hook, newest first",
        parameters=[STATUS, LIMIT, CURSOR],
        answers={200: object_of(Page[DeliveryShape], "DeliveryPage")},
        errors=[422],
    )
    def get(self, request: Request, pk: UUID) -> Response:
        hook = _visible(self, request, pk, Permission.SETTINGS_VIEW)
        rows = narrowed(request, deliveries_of(hook), "status", DeliveryStatus.values)
        return listed(
            request, rows, lambda found: [delivery_shape(one) for one in found]
        )


class DeliveryReplay(Operation):
    @documented(
        "delivery_replay",
        summary="Send a delivery again, whatever became of it",
        request=None,
        answers={200: object_of(DeliveryShape)},
        errors=[409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        rows = Delivery.objects.select_related("webhook", "notice")
        delivery = rows.get(pk=pk)
        scope_id = delivery.webhook.workflow_id
        self.actor(request).require(Permission.SETTINGS_CHANGE, scope_id)
        replay_delivery(delivery=delivery, now=timezone.now())
        return Response(delivery_shape(rows.get(pk=pk)))


def _visible(
    view: Operation, request: Request, pk: UUID, permission: Permission
) -> Webhook:
    hook = Webhook.objects.select_related("created_by").defer("secret").get(pk=pk)
    view.actor(request).require(permission, hook.workflow_id)
    return hook


def webhook_shape(hook: Webhook) -> WebhookShape:
    return {
        "id": hook.id,
        "url": hook.url,
        "kinds": hook.kinds,
        "created_by": hook.created_by.username,
        "created_at": hook.created_at,
        "disabled_at": hook.disabled_at,
    }


def delivery_shape(delivery: Delivery) -> DeliveryShape:
    return {
        "id": delivery.id,
        "notice_id": delivery.notice_id,
        "kind": delivery.notice.kind,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "next_at": delivery.next_at,
        "last_status_code": delivery.last_status_code,
        "last_error": delivery.last_error or None,
        "delivered_at": delivery.delivered_at,
    }
