"""Items in, items out, quarantine."""

from collections.abc import Iterator, Sequence
from itertools import chain
from uuid import UUID

import orjson
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from accounts.sites import within_sites
from predictions.declaration import FieldError
from predictions.enums import IntakeSource, QuarantineStatus
from predictions.intake.readers import PayloadTooLarge
from predictions.masking import unmasked_json
from predictions.models import Item, QuarantinedItem, Workflow
from predictions.queries.media import media_of
from predictions.services.intake import store_items
from predictions.services.item_files import item_with_files
from predictions.services.quarantine import discard, resubmit
from predictions.services.unmasking import note_unmasked
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    documented,
)
from reviewqueue.api.bodies import (
    Form,
    is_form,
    read_body,
    read_chunks,
    read_form,
)
from reviewqueue.api.lists import CURSOR, LIMIT, Page, listed
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import object_of
from reviewqueue.api.shapes import (
    ItemShape,
    QuarantinedShape,
    item_shape,
    quarantined_shape,
)
from reviewqueue.api.shapes_items import (
    ItemSent,
    ItemsScored,
    ItemsSent,
    ItemsStored,
    ItemStory,
    ItemWithFiles,
    item_story,
    scored_answer,
    stored_answer,
)
from reviewqueue.api.sites import SITE, asked_sites
from reviewqueue.api.workflows import moment_parameter
from reviewqueue.queries.disguise import as_seen_items
from reviewqueue.queries.lists import received_items
from reviewqueue.queries.personal import mask_refused
from reviewqueue.queries.visibility import hidden_item_ids
from reviewqueue.services.intake_scored import MAX_ITEMS, ingest_scored

ITEM = "item"


class ItemList(Operation):
    parser_classes = [MultiPartParser, JSONParser]

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
            "application/json": object_of(ItemsSent),
            "application/x-ndjson": OpenApiTypes.BINARY,
            "multipart/form-data": object_of(ItemWithFiles),
        },
        answers={200: object_of(ItemsScored), 202: object_of(ItemsStored)},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.ITEMS_ADD, by_site=True)
        wait = request.query_params.get("wait")
        if wait not in {None, "score"}:
            raise InvalidRequest([FieldError("wait", "value", wait)])
        chunks = self._sent(request, workflow)
        if wait:
            return self._scored(request, workflow, chunks)
        result = store_items(
            workflow=workflow,
            chunks=chunks,
            source=IntakeSource.API,
            now=timezone.now(),
            sites=self.actor(request).sites(workflow.pk),
        )
        return Response(stored_answer(result), status=202)

    def _sent(self, request: Request, workflow: Workflow) -> Iterator[list[object]]:
        """Return the items in chunks; of a form, one with the files that came along."""
        if not is_form(request):
            return read_chunks(request)
        form = read_form(request)
        files = dict(form.files)
        raw = item_with_files(
            workflow=workflow,
            raw=_item_part(form, files.pop(ITEM, None)),
            files=files,
            by=self.user(request),
            now=timezone.now(),
        )
        return iter([[raw]])

    def _scored(
        self, request: Request, workflow: Workflow, chunks: Iterator[list[object]]
    ) -> Response:
        raw_items = list(chain.from_iterable(chunks))
        if len(raw_items) > MAX_ITEMS:
            raise InvalidRequest([FieldError("items", "too_many", len(raw_items))])
        answers = ingest_scored(
            workflow=workflow,
            raw_items=raw_items,
            now=timezone.now(),
            sites=self.actor(request).sites(workflow.pk),
        )
        hidden = hidden_item_ids(
            self.actor(request),
            workflow.pk,
            [one.item_id for one in answers if one.item_id],
        )
        with_fields = bool(workflow.declaration.fields)
        answer: ItemsScored = {
            "results": [
                scored_answer(
                    one, hidden=one.item_id in hidden, with_fields=with_fields
                )
                for one in answers
            ]
        }
        return Response(answer)

    @documented(
        "item_list",
        summary="Items, newest first",
        parameters=[
            SLUG,
            LIMIT,
            CURSOR,
            OpenApiParameter("external_id", str, description="begins with"),
            OpenApiParameter("subject", str),
            SITE,
            OpenApiParameter("received_after", OpenApiTypes.DATETIME),
            OpenApiParameter("received_before", OpenApiTypes.DATETIME),
        ],
        answers={200: object_of(Page[ItemShape], "ItemPage")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.ITEMS_VIEW, by_site=True)
        rows = Item.objects.filter(workflow=workflow).select_related("site")
        rows = within_sites(rows, asked_sites(self, request, workflow))
        asked = request.query_params
        if prefix := asked.get("external_id"):
            rows = rows.filter(external_id__startswith=prefix.replace("\x00", ""))
        if subject := asked.get("subject"):
            rows = rows.filter(subject=subject.replace("\x00", ""))
        actor = self.actor(request)
        rows = received_items(
            rows,
            workflow,
            since=moment_parameter(request, "received_after"),
            until=moment_parameter(request, "received_before"),
            actor=actor,
        )

        def shape(found: Sequence[Item]) -> list[ItemShape]:
            seen = as_seen_items(found, actor, workflow)
            media = media_of(workflow, [one.pk for one in seen])
            return [item_shape(one, workflow, media[one.pk]) for one in seen]

        return listed(request, rows, shape)


class ItemDetail(Operation):
    @documented(
        "item_detail",
        summary="One item: predictions, route, cases, decisions, labels",
        description=(
            "Personal data in texts is masked, as the workflow declares it. With "
            "`unmasked=true`, which needs `items.unmask`, it is not, and who asked is "
            "noted in the access log."
        ),
        parameters=[
            SLUG,
            OpenApiParameter("external_id", str, OpenApiParameter.PATH),
            OpenApiParameter("unmasked", bool),
        ],
        answers={200: object_of(ItemStory)},
        errors=[422],
    )
    def get(self, request: Request, slug: str, external_id: str) -> Response:
        workflow = self.workflow(request, slug, Permission.ITEMS_VIEW, by_site=True)
        if "\x00" in external_id:
            raise Item.DoesNotExist
        found = Item.objects.filter(workflow=workflow).select_related("site")
        found = within_sites(found, self.actor(request).sites(workflow.pk))
        actor = self.actor(request)
        unmasked = asks_unmasked(request)
        if unmasked:
            actor.require(Permission.ITEMS_UNMASK, workflow.pk, by_site=True)
        item = found.get(external_id=external_id)
        if unmasked:
            by, now = self.user(request), timezone.now()
            note_unmasked(item=item, workflow=workflow, by=by, now=now)
        return Response(item_story(item, workflow, actor, unmasked=unmasked))


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
        answers={200: object_of(Page[QuarantinedShape], "QuarantinePage")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(
            request, slug, Permission.QUARANTINE_VIEW, by_site=True
        )
        rows = QuarantinedItem.objects.filter(workflow=workflow)
        rows = within_sites(rows, self.actor(request).sites(workflow.pk))
        status = request.query_params.get("status")
        if status and status not in QuarantineStatus.values:
            raise InvalidRequest([FieldError("status", "value", status)])
        if status:
            rows = rows.filter(status=status)
        for name in ("rule", "field"):
            if value := request.query_params.get(name):
                clean = value.replace("\x00", "")
                rows = rows.filter(errors__contains=[{name: clean}])

        def shape(found: Sequence[QuarantinedItem]) -> list[QuarantinedShape]:
            mask_refused(found, workflow)
            return [quarantined_shape(one) for one in found]

        return listed(request, rows, shape)


class QuarantineResubmit(Operation):
    @documented(
        "quarantine_resubmit",
        summary="Send a corrected item in place of a refused one",
        request=object_of(ItemSent),
        answers={200: object_of(QuarantinedShape)},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, slug: str, pk: UUID) -> Response:
        one, workflow = _refused_item(self, request, slug, pk)
        kinds = workflow.declaration.masked_kinds
        refused = resubmit(
            quarantined=one,
            payload=unmasked_json(read_body(request), one.payload, kinds),
            by=self.user(request),
            now=timezone.now(),
            sites=self.actor(request).sites(one.workflow_id),
        )
        if refused:
            raise InvalidRequest(refused[0].errors)
        one.refresh_from_db()
        mask_refused([one], workflow)
        return Response(quarantined_shape(one))


class QuarantineDiscard(Operation):
    @documented(
        "quarantine_discard",
        summary="Close a refused item without storing it",
        request=None,
        answers={200: object_of(QuarantinedShape)},
        errors=[409],
    )
    def post(self, request: Request, slug: str, pk: UUID) -> Response:
        one, workflow = _refused_item(self, request, slug, pk)
        discard(quarantined=one, by=self.user(request), now=timezone.now())
        one.refresh_from_db()
        mask_refused([one], workflow)
        return Response(quarantined_shape(one))


def asks_unmasked(request: Request) -> bool:
    """Say whether what is masked is asked for. Raises: InvalidRequest."""
    said = request.query_params.get("unmasked", "false")
    if said not in {"true", "false"}:
        raise InvalidRequest([FieldError("unmasked", "type", said[:100])])
    return said == "true"


def _refused_item(
    view: Operation, request: Request, slug: str, pk: UUID
) -> tuple[QuarantinedItem, Workflow]:
    """Return a refused item. Raises: QuarantinedItem.DoesNotExist; as `workflow`."""
    workflow = view.workflow(request, slug, Permission.QUARANTINE_RESOLVE, by_site=True)
    found = QuarantinedItem.objects.filter(workflow=workflow)
    found = within_sites(found, view.actor(request).sites(workflow.pk))
    return found.get(pk=pk), workflow


def _item_part(form: Form, sent: "UploadedFile[bytes] | None") -> object:
    """Return the item of a form, sent as a field or a file. Raises: InvalidRequest."""
    text = form.fields.get(ITEM)
    if sent is None and text is None:
        raise InvalidRequest([FieldError(ITEM, "missing")])
    max_bytes: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    written = sent.read(max_bytes + 1) if sent else (text or "").encode()
    if len(written) > max_bytes:
        raise PayloadTooLarge(max_bytes)
    try:
        return orjson.loads(written)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest([FieldError(ITEM, "json", error.msg)]) from error
