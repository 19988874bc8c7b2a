"""Ways to break what the database guards of media, with the rule that refuses each."""

from collections.abc import Callable
from datetime import datetime

from predictions.models import (
    Item,
    ItemMedia,
    MediaArchive,
    MediaDerivative,
    MediaFile,
    MediaUpload,
    Workflow,
)
from tests.factories.media import image_file, media_row, sound_file
from tests.reviewqueue.models.constraint_world import copy


class MediaWorld:
    """An image with its previews, in a slot of an item, and a sound."""

    def __init__(self, workflow: Workflow, item: Item, now: datetime) -> None:
        self.now = now
        self.image = media_row(workflow, image_file(), now=now)
        self.sound = media_row(workflow, sound_file(), now=now)
        self.row = ItemMedia.objects.create(item=item, slot="image", media=self.image)

    def archive(self, **columns: object) -> MediaArchive:
        return MediaArchive.objects.create(
            workflow=self.image.workflow, n_bytes=1, created_at=self.now, **columns
        )

    def upload(self, **columns: object) -> MediaUpload:
        known = {"purpose": "media", "n_bytes": 9, "expires_at": self.now}
        return MediaUpload.objects.create(
            workflow=self.image.workflow, created_at=self.now, **(known | columns)
        )

    def parts(self, n: int) -> None:
        upload = self.upload()
        for _ in range(n):
            upload.parts.create(begin=0, n_bytes=1, is_in=True)

    def another(self, **columns: object) -> None:
        copy(self.image, **({"sha256": "b" * 64} | columns))

    def another_sound(self, **columns: object) -> None:
        copy(self.sound, **({"sha256": "c" * 64} | columns))

    def made(self, which: str, **columns: object) -> None:
        media = self.image if which != "waveform" else self.sound
        row = MediaDerivative.objects.get(media=media, name=which)
        copy(row, **columns)

    def remove(self, **columns: object) -> None:
        self.change(status="removed", file="", **columns)

    def change(self, **columns: object) -> None:
        MediaFile.objects.filter(pk=self.image.pk).update(**columns)


REFUSED: list[tuple[str, Callable[[MediaWorld], object]]] = [
    ("predictions_media_one_live_each", lambda w: w.another(sha256=w.image.sha256)),
    ("predictions_media_status_known", lambda w: w.another(status="other", file="")),
    ("predictions_media_measured_as_its_kind", lambda w: w.another(width=None)),
    ("predictions_media_measured_as_its_kind", lambda w: w.another(height=0)),
    ("predictions_media_measured_as_its_kind", lambda w: w.another(seconds=1.0)),
    ("predictions_media_measured_as_its_kind", lambda w: w.another(kind="other")),
    (
        "predictions_media_measured_as_its_kind",
        lambda w: w.another_sound(seconds=None),
    ),
    (
        "predictions_media_measured_as_its_kind",
        lambda w: w.another_sound(width=1, height=1),
    ),
    ("predictions_media_removed_iff_said_why", lambda w: w.remove()),
    (
        "predictions_media_removed_iff_said_why",
        lambda w: w.remove(removed_at=w.now),
    ),
    (
        "predictions_media_removed_iff_said_why",
        lambda w: w.change(removed_at=w.now, removed_why="why"),
    ),
    ("predictions_media_removed_iff_said_why", lambda w: w.change(erased_at=w.now)),
    ("predictions_media_failed_iff_said_why", lambda w: w.change(status="failed")),
    ("predictions_media_failed_iff_said_why", lambda w: w.change(failure="why")),
    ("predictions_media_has_its_file_iff_live", lambda w: w.change(file="")),
    (
        "predictions_media_has_its_file_iff_live",
        lambda w: w.change(status="removed", removed_at=w.now, removed_why="why"),
    ),
    ("predictions_derivative_one_each", lambda w: w.made("preview")),
    ("predictions_derivative_pixels_or_peaks", lambda w: w.made("preview", width=None)),
    ("predictions_derivative_pixels_or_peaks", lambda w: w.made("preview", peaks=[1])),
    ("predictions_derivative_pixels_or_peaks", lambda w: w.made("preview", name="x")),
    ("predictions_derivative_pixels_or_peaks", lambda w: w.made("waveform", width=1)),
    ("predictions_archive_finished_iff_ended", lambda w: w.archive(status="other")),
    ("predictions_archive_finished_iff_ended", lambda w: w.archive(status="done")),
    ("predictions_archive_finished_iff_ended", lambda w: w.archive(finished_at=w.now)),
    ("predictions_archive_counts_add_up", lambda w: w.archive(accepted=1)),
    ("predictions_upload_purpose_known", lambda w: w.upload(purpose="other")),
    ("predictions_upload_within_its_size", lambda w: w.upload(n_bytes=0)),
    ("predictions_upload_within_its_size", lambda w: w.upload(offset=10)),
    (
        "predictions_upload_becomes_one_when_whole",
        lambda w: w.upload(media=w.image, offset=8),
    ),
    (
        "predictions_upload_becomes_one_when_whole",
        lambda w: w.upload(media=w.image, archive=w.archive(), offset=9),
    ),
    ("predictions_uploadpart_one_each", lambda w: w.parts(2)),
    ("predictions_itemmedia_one_each", lambda w: copy(w.row, media=w.sound)),
]
