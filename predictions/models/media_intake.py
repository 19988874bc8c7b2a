"""Large things on their way in: uploads in parts, and archives of items with files."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.ids import uuid7
from predictions.enums import ArchiveStatus, UploadPurpose
from predictions.models.media import MediaFile
from predictions.models.workflow import Workflow


class MediaArchive(models.Model):
    """A ZIP of items with their files, read by a worker row by row."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="archives", db_index=False
    )
    file = models.FileField(max_length=150, blank=True, default="")
    n_bytes = models.PositiveBigIntegerField()
    status = models.CharField(
        max_length=7, choices=ArchiveStatus, default=ArchiveStatus.STORING
    )
    failure = models.CharField(max_length=300, blank=True, default="")
    n_rows = models.PositiveIntegerField(null=True)  # once the manifest was counted
    n_done = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    n_quarantined = models.PositiveIntegerField(default=0)
    refused = models.JSONField(default=list)  # the first of them, as they are answered
    attempts = models.PositiveSmallIntegerField(default=0)
    worked_until = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(
                    status__in=(ArchiveStatus.DONE, ArchiveStatus.FAILED),
                    finished_at__isnull=False,
                )
                | Q(
                    status__in=(
                        ArchiveStatus.STORING,
                        ArchiveStatus.QUEUED,
                        ArchiveStatus.READING,
                    ),
                    finished_at=None,
                ),
                name="predictions_archive_finished_iff_ended",
            ),
            models.CheckConstraint(
                condition=Q(
                    n_done=F("accepted") + F("duplicates") + F("n_quarantined")
                ),
                name="predictions_archive_counts_add_up",
            ),
        )
        indexes = (
            models.Index(fields=("workflow", "-id"), name="predictions_archive_newest"),
            models.Index(
                fields=("id",),
                condition=~Q(status__in=(ArchiveStatus.DONE, ArchiveStatus.FAILED)),
                name="predictions_archive_open",
            ),
        )

    def __str__(self) -> str:
        return f"archive {self.id}"

    @property
    def storage_name(self) -> str:
        """Where it lies until it is read."""
        return f"media-archives/{self.id.hex}"

    @property
    def is_over(self) -> bool:
        return self.status in {ArchiveStatus.DONE, ArchiveStatus.FAILED}


class MediaUpload(models.Model):
    """A large file that comes in parts; goes a day after it was begun."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="uploads"
    )
    purpose = models.CharField(max_length=7, choices=UploadPurpose)
    slot = models.CharField(max_length=40, blank=True, default="")
    n_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64, blank=True, default="")
    offset = models.PositiveBigIntegerField(default=0)
    media = models.ForeignKey(
        MediaFile, on_delete=models.PROTECT, null=True, related_name="+"
    )
    archive = models.ForeignKey(
        MediaArchive, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(purpose__in=UploadPurpose.values),
                name="predictions_upload_purpose_known",
            ),
            models.CheckConstraint(
                condition=Q(n_bytes__gt=0, offset__lte=F("n_bytes")),
                name="predictions_upload_within_its_size",
            ),
            models.CheckConstraint(
                condition=Q(media=None, archive=None)
                | Q(offset=F("n_bytes"), media__isnull=False, archive=None)
                | Q(offset=F("n_bytes"), archive__isnull=False, media=None),
                name="predictions_upload_becomes_one_when_whole",
            ),
        )

    def __str__(self) -> str:
        return f"upload {self.id}"


class MediaUploadPart(models.Model):
    """One part of an upload; it counts once it is in, and lies under its own name."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    upload = models.ForeignKey(
        MediaUpload, on_delete=models.CASCADE, related_name="parts", db_index=False
    )
    begin = models.PositiveBigIntegerField()
    n_bytes = models.PositiveIntegerField()
    is_in = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("upload", "begin"),
                condition=Q(is_in=True),
                name="predictions_uploadpart_one_each",
            ),
        )
        indexes = (
            models.Index(
                fields=("upload", "begin"), name="predictions_uploadpart_order"
            ),
        )

    def __str__(self) -> str:
        return f"part {self.id} of upload {self.upload_id}"

    @property
    def storage_name(self) -> str:
        """Where the bytes lie until the upload is whole or given up."""
        return f"media-uploads/{self.upload_id.hex}/{self.id.hex}"
