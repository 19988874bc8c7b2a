"""Notices of a workflow, what a person has not read, and what became of deliveries."""

from uuid import UUID

from django.db.models import QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.models import Delivery, Notice, NoticeRead, Webhook

MAX_UNREAD = 99  # counted no further
NEVER = Value(UUID(int=0))


def notices_of(workflow: Workflow) -> QuerySet[Notice]:
    """Return a workflow's notices."""
    return Notice.objects.filter(workflow=workflow)


def read_upto(workflow_pk: UUID, reader: User) -> UUID | None:
    """Return the newest notice that the person has read."""
    marks = NoticeRead.objects.filter(workflow_id=workflow_pk, reader=reader)
    return marks.values_list("upto", flat=True).first()


def n_unread(workflow_pk: UUID, reader: User) -> int:
    """Count the notices that a person has not read, to one more than `MAX_UNREAD`."""
    marks = NoticeRead.objects.filter(workflow_id=workflow_pk, reader=reader)
    upto = Coalesce(Subquery(marks.values("upto")), NEVER)
    rows = Notice.objects.filter(workflow_id=workflow_pk, pk__gt=upto)
    return rows.order_by("-pk")[: MAX_UNREAD + 1].count()


def webhooks_of(workflow: Workflow) -> QuerySet[Webhook]:
    """Return a workflow's web-hooks without their secrets."""
    rows = Webhook.objects.filter(workflow=workflow).select_related("created_by")
    return rows.defer("secret")


def deliveries_of(webhook: Webhook) -> QuerySet[Delivery]:
    """Return what was or is to be sent to a web-hook."""
    return Delivery.objects.filter(webhook=webhook).select_related("notice")
