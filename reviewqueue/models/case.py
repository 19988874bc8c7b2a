"""Cases: one pass of people over an item, its lease, events and notes."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7
from accounts.models import Site
from predictions.models import Item, Workflow
from predictions.models.append_only import append_only
from reviewqueue.enums import (
    CLAIMABLE_STATUSES,
    OPEN_STATUSES,
    CaseEventKind,
    CaseKind,
    CaseStatus,
    Queue,
)
from reviewqueue.models.observing import observing_cases, observing_claims
from reviewqueue.models.route import Route

_LEASE_SET = Q(
    leased_by__isnull=False,
    lease_token__isnull=False,
    leased_at__isnull=False,
    lease_expires_at__isnull=False,
    lease_slot__isnull=False,
)
_LEASE_EMPTY = Q(
    leased_by=None,
    lease_token=None,
    leased_at=None,
    lease_expires_at=None,
    lease_slot=None,
)


class Case(models.Model):
    """An item in front of people. Its lease is data, not an open transaction."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="cases", db_index=False
    )
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="cases")
    route = models.ForeignKey(
        Route, on_delete=models.PROTECT, related_name="cases", db_index=False
    )
    # The item's, and checked there.
    site = models.ForeignKey(
        Site,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    kind = models.CharField(max_length=12, choices=CaseKind)
    queue = models.CharField(max_length=12, choices=Queue)
    status = models.CharField(
        max_length=10, choices=CaseStatus, default=CaseStatus.PENDING
    )
    round = models.PositiveSmallIntegerField(default=1)
    blind = models.BooleanField()
    priority = models.FloatField()  # expected cost of a wrong call
    due_at = models.DateTimeField()
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    snoozed_until = models.DateTimeField(null=True)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="assigned_cases",
        db_index=False,
    )
    # The first reader never gives the second opinion.
    excluded_reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    leased_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="leased_cases",
        db_index=False,
    )
    lease_token = models.UUIDField(null=True)
    lease_slot = models.PositiveSmallIntegerField(null=True)
    leased_at = models.DateTimeField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)  # when its holder first saw it

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(
                    status__in=CaseStatus.values,
                    kind__in=CaseKind.values,
                    queue__in=Queue.values,
                ),
                name="reviewqueue_case_states_known",
            ),
            models.CheckConstraint(
                condition=(Q(status=CaseStatus.LEASED) & _LEASE_SET)
                | (~Q(status=CaseStatus.LEASED) & _LEASE_EMPTY),
                name="reviewqueue_case_lease_iff_leased",
            ),
            models.CheckConstraint(
                condition=Q(status=CaseStatus.SNOOZED, snoozed_until__isnull=False)
                | (~Q(status=CaseStatus.SNOOZED) & Q(snoozed_until=None)),
                name="reviewqueue_case_snoozed_until_iff_snoozed",
            ),
            models.CheckConstraint(
                condition=Q(status__in=OPEN_STATUSES, closed_at=None)
                | (~Q(status__in=OPEN_STATUSES) & Q(closed_at__isnull=False)),
                name="reviewqueue_case_closed_at_iff_closed",
            ),
            models.CheckConstraint(
                condition=Q(leased_by=None)
                | Q(excluded_reviewer=None)
                | ~Q(leased_by=F("excluded_reviewer")),
                name="reviewqueue_case_second_reader_differs",
            ),
            # A person holds a bounded number of leases in a workflow: one a slot.
            models.UniqueConstraint(
                fields=("leased_by", "workflow", "lease_slot"),
                condition=Q(status=CaseStatus.LEASED),
                name="reviewqueue_case_lease_slot_unique",
            ),
            # One open pass of a kind over an item at a time; gold has one a reviewer.
            models.UniqueConstraint(
                fields=("item", "kind"),
                condition=Q(status__in=OPEN_STATUSES) & ~Q(kind=CaseKind.GOLD),
                name="reviewqueue_case_one_open_per_kind",
            ),
        )
        indexes = (
            # Claim: the queue in its total order, expired leases in their place.
            models.Index(
                "workflow",
                "queue",
                F("priority").desc(),
                "due_at",
                "id",
                condition=Q(status__in=CLAIMABLE_STATUSES),
                name="reviewqueue_case_claimable",
            ),
            # Claim of people who are limited to sites: each site's queue in its order.
            models.Index(
                "site",
                "queue",
                F("priority").desc(),
                "due_at",
                "id",
                condition=Q(status__in=CLAIMABLE_STATUSES, site__isnull=False),
                name="reviewqueue_case_of_site",
            ),
            # Claim: what a supervisor assigned to this person comes first.
            models.Index(
                fields=("assigned_to", "workflow"),
                condition=Q(assigned_to__isnull=False, status__in=CLAIMABLE_STATUSES),
                name="reviewqueue_case_assigned",
            ),
            # Wake what was snoozed.
            models.Index(
                fields=("workflow", "snoozed_until"),
                condition=Q(status=CaseStatus.SNOOZED),
                name="reviewqueue_case_snoozed",
            ),
            # Lists: newest first, keyset by id.
            models.Index(
                fields=("workflow", "status", "-id"), name="reviewqueue_case_newest"
            ),
            models.Index(
                fields=("site", "status", "-id"),
                condition=Q(site__isnull=False),
                name="reviewqueue_case_newest_site",
            ),
            models.Index(
                fields=("lease_expires_at",),
                condition=Q(status=CaseStatus.LEASED),
                name="reviewqueue_case_expiry",
            ),
        )
        triggers = (observing_cases(),)

    def __str__(self) -> str:
        return f"case {self.id}"


class CaseSkip(models.Model):
    """A person does not want this case offered again."""

    id = models.BigAutoField(primary_key=True)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="skips")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("case", "reviewer"), name="reviewqueue_skip_once"
            ),
        )

    def __str__(self) -> str:
        return f"skip of case {self.case_id}"


class CaseEvent(models.Model):
    """One transition of a case: the audit trail."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    case = models.ForeignKey(
        Case, on_delete=models.PROTECT, related_name="events", db_index=False
    )
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=12, choices=CaseEventKind)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    from_status = models.CharField(max_length=10, blank=True, default="")
    to_status = models.CharField(max_length=10)
    reason = models.TextField(blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("case", "id"), name="reviewqueue_event_case"),)
        triggers = (append_only(), observing_claims())

    def __str__(self) -> str:
        return f"case event {self.id}"


class CaseNote(models.Model):
    """What a person wrote beside the decision; everyone on the item sees it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="notes")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    text = models.TextField(max_length=4000)
    at = models.DateTimeField()

    class Meta:
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"note {self.id}"
