"""Images and sound: the files, what is made of them, and which items have them."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from predictions.enums import LIVE_MEDIA, DerivativeName, MediaKind, MediaStatus
from predictions.models.append_only import append_only
from predictions.models.item import Item
from predictions.models.workflow import Workflow

_IS_IMAGE = Q(
    kind=MediaKind.IMAGE,
    width__isnull=False,
    height__isnull=False,
    width__gt=0,
    height__gt=0,
    seconds=None,
    sample_rate=None,
    channels=None,
)
_IS_SOUND = Q(
    kind=MediaKind.AUDIO,
    width=None,
    height=None,
    seconds__isnull=False,
    sample_rate__isnull=False,
    channels__isnull=False,
    seconds__gt=0,
    sample_rate__gt=0,
    channels__gt=0,
)


class MediaFile(models.Model):
    """A file as it is kept, or what is left to say of it once it was removed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="media", db_index=False
    )
    sha256 = models.CharField(max_length=64)
    source_sha256 = models.CharField(max_length=64)
    # Where the bytes lie while it is live: empty before and after.
    file = models.FileField(max_length=150, blank=True, default="")
    kind = models.CharField(max_length=5, choices=MediaKind)
    content_type = models.CharField(max_length=20)
    n_bytes = models.PositiveIntegerField()
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    seconds = models.FloatField(null=True)
    sample_rate = models.PositiveIntegerField(null=True)
    channels = models.PositiveSmallIntegerField(null=True)
    status = models.CharField(
        max_length=7, choices=MediaStatus, default=MediaStatus.STORING
    )
    failure = models.CharField(max_length=200, blank=True, default="")
    # A worker that makes the previews counts up; only the last count may finish.
    attempts = models.PositiveSmallIntegerField(default=0)
    worked_until = models.DateTimeField(null=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    uploaded_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    removed_why = models.CharField(max_length=500, blank=True, default="")
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("workflow", "sha256"),
                condition=Q(status__in=LIVE_MEDIA),
                name="predictions_media_one_live_each",
            ),
            models.CheckConstraint(
                condition=Q(status__in=MediaStatus.values),
                name="predictions_media_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=LIVE_MEDIA) & ~Q(file="")
                | ~Q(status__in=LIVE_MEDIA) & Q(file=""),
                name="predictions_media_has_its_file_iff_live",
            ),
            models.CheckConstraint(
                condition=_IS_IMAGE | _IS_SOUND,
                name="predictions_media_measured_as_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(status=MediaStatus.REMOVED, removed_at__isnull=False)
                & ~Q(removed_why="")
                | ~Q(status=MediaStatus.REMOVED)
                & Q(removed_at=None, removed_by=None, removed_why="", erased_at=None),
                name="predictions_media_removed_iff_said_why",
            ),
            models.CheckConstraint(
                condition=Q(status=MediaStatus.FAILED) & ~Q(failure="")
                | Q(status=MediaStatus.REMOVED)
                | Q(failure="") & ~Q(status=MediaStatus.FAILED),
                name="predictions_media_failed_iff_said_why",
            ),
        )
        indexes = (
            # Whether what is sent is known.
            models.Index(
                fields=("workflow", "source_sha256"),
                condition=Q(status__in=LIVE_MEDIA),
                name="predictions_media_source",
            ),
            # Workers: what waits for its previews.
            models.Index(
                fields=("id",),
                condition=Q(status=MediaStatus.PENDING),
                name="predictions_media_pending",
            ),
            # Sweeps: what was never finished, and what is still to be erased.
            models.Index(
                fields=("uploaded_at",),
                condition=Q(status=MediaStatus.STORING)
                | Q(status=MediaStatus.REMOVED, erased_at=None),
                name="predictions_media_leftover",
            ),
            # Sweeps: what nothing refers to, and what is old.
            models.Index(
                fields=("workflow", "uploaded_at"),
                condition=Q(status__in=LIVE_MEDIA),
                name="predictions_media_oldest",
            ),
        )
        triggers = (
            pgtrigger.ReadOnly(
                name="content_is_fixed",
                fields=[
                    "id",
                    "workflow",
                    "sha256",
                    "source_sha256",
                    "kind",
                    "content_type",
                    "n_bytes",
                    "width",
                    "height",
                    "seconds",
                    "sample_rate",
                    "channels",
                    "uploaded_by",
                    "uploaded_at",
                ],
            ),
            pgtrigger.Protect(
                name="stored_stays",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Q(old__status__in=[*LIVE_MEDIA, "removed"]),
            ),
            pgtrigger.Protect(
                name="removed_is_final",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__status="removed")
                & (
                    ~pgtrigger.Q(new__status="removed")
                    | pgtrigger.Q(old__erased_at__isnull=False)
                    | pgtrigger.Q(old__removed_at__df=pgtrigger.F("new__removed_at"))
                    | pgtrigger.Q(old__removed_by__df=pgtrigger.F("new__removed_by"))
                    | pgtrigger.Q(old__removed_why__df=pgtrigger.F("new__removed_why"))
                ),
            ),
        )

    def __str__(self) -> str:
        return f"media {self.id}"

    @property
    def storage_name(self) -> str:
        """Where the bytes lie: by their hash, under a name that only this row has."""
        return f"media/{self.sha256[:2]}/{self.sha256}-{self.id.hex}"

    @property
    def is_live(self) -> bool:
        return self.status in LIVE_MEDIA

    @property
    def is_image(self) -> bool:
        return self.kind == MediaKind.IMAGE

    def derivative_name(self, name: str, attempt: int) -> str:
        """Where a smaller image lies that an attempt of a worker has made."""
        return f"{self.storage_name}-{name}-{attempt}"


class MediaDerivative(models.Model):
    """A thumbnail or preview of an image, or the peaks of a sound (in 0..1)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    media = models.ForeignKey(
        MediaFile, on_delete=models.PROTECT, related_name="derivatives", db_index=False
    )
    name = models.CharField(max_length=9, choices=DerivativeName)
    attempt = models.PositiveSmallIntegerField()
    content_type = models.CharField(max_length=20)
    n_bytes = models.PositiveIntegerField()
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    peaks = models.JSONField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("media", "name"), name="predictions_derivative_one_each"
            ),
            models.CheckConstraint(
                condition=Q(
                    name=DerivativeName.WAVEFORM,
                    peaks__isnull=False,
                    width=None,
                    height=None,
                )
                | Q(
                    name__in=(DerivativeName.THUMBNAIL, DerivativeName.PREVIEW),
                    peaks__isnull=True,
                    width__isnull=False,
                    height__isnull=False,
                    width__gt=0,
                    height__gt=0,
                ),
                name="predictions_derivative_pixels_or_peaks",
            ),
        )
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"{self.name} of media {self.media_id}"

    @property
    def storage_name(self) -> str:
        """Where the bytes lie; those of a waveform are in the row."""
        return self.media.derivative_name(self.name, self.attempt)


class ItemMedia(models.Model):
    """Which file an item has in which slot; stored together with the item."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    item = models.ForeignKey(
        Item, on_delete=models.PROTECT, related_name="media", db_index=False
    )
    slot = models.CharField(max_length=40)
    media = models.ForeignKey(
        MediaFile, on_delete=models.PROTECT, related_name="item_media"
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("item", "slot"), name="predictions_itemmedia_one_each"
            ),
        )
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"{self.slot} of item {self.item_id}"
