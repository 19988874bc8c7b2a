"""Images, sounds, and workflows that take them, for tests."""

import hashlib
import io
from datetime import datetime
from typing import Any

import numpy as np
from PIL import Image

from accounts.ids import uuid7
from accounts.models import User
from predictions.enums import MediaStatus, UploadPurpose
from predictions.media.cleaning import cleaned, kind_of
from predictions.media.sounds import Encoding, write_wav
from predictions.media.terms import Limits
from predictions.models import MediaArchive, MediaFile, MediaUpload, Workflow
from predictions.services.media import keep_media
from predictions.services.media_previews import make_previews
from predictions.services.media_storage import write
from predictions.services.media_uploads import UploadTerms, begin_upload
from predictions.services.workflows import declare_workflow
from reviewqueue.services.policies import first_policy
from tests.factories.predictions import DECLARATION

SECRET = b"Taken at 52.52 N 13.40 E by Ada"
MAKE, DESCRIPTION, ORIENTATION, USER_COMMENT = 0x010F, 0x010E, 0x0112, 0x9286
SLOTS = """
[[media]]
name = "image"
title = "Part"
kind = "image"
max_bytes = 200000
max_pixels = 40000

[[media]]
name = "voice"
kind = "audio"
max_seconds = 2.0
"""


def make_media_workflow(
    *, now: datetime, slug: str = "parts", name: str = "Parts", slots: str = SLOTS
) -> Workflow:
    text = DECLARATION.format(slug=slug, name=name) + slots
    workflow, _ = declare_workflow(source_toml=text, by=None, now=now)
    first_policy(workflow=workflow, by=None, now=now)
    return workflow


def picture(seed: int = 1, *, width: int = 32, height: int = 20) -> Image.Image:
    """Return a smooth, coloured image that no other seed gives."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def image_file(
    kind: str = "PNG",
    seed: int = 1,
    *,
    width: int = 32,
    height: int = 20,
    orientation: int = 1,
    **options: Any,  # noqa: ANN401 -- for Pillow
) -> bytes:
    """Return a file as a camera writes it: with place, person and orientation."""
    image = picture(seed, width=width, height=height)
    exif = image.getexif()
    exif[DESCRIPTION] = SECRET.decode()
    exif[MAKE] = "Camera"
    exif[ORIENTATION] = orientation
    target = io.BytesIO()
    image.save(target, kind, exif=exif, **options)
    return target.getvalue()


def sound_file(
    seconds: float = 0.5,
    *,
    rate: int = 8000,
    channels: int = 1,
    bits: int = 16,
    hertz: float = 440.0,
) -> bytes:
    """Return a WAV of a tone at half of the full level."""
    times = np.arange(round(seconds * rate)) / rate
    level = 0.5 * np.sin(2 * np.pi * hertz * times)
    wide = np.repeat((level * (2**31 - 1)).astype("<i4"), channels)
    raw = wide.view(np.uint8).reshape(-1, 4)[:, 4 - bits // 8 :]
    if bits == 8:
        raw = raw + np.uint8(128)
    return write_wav(Encoding(channels, rate, bits // 8), raw.tobytes())


def media_row(
    workflow: Workflow, data: bytes | None = None, *, now: datetime
) -> MediaFile:
    """Keep a file within a transaction that somebody else ends, previews and all."""
    data = image_file() if data is None else data
    limits = Limits("image" if kind_of(data) == "image" else "audio", 10**7, 10**7, 60)
    clean = cleaned(data, limits)
    pk = uuid7()
    digest = hashlib.sha256(clean.data).hexdigest()
    media = MediaFile.objects.create(
        id=pk,
        file=MediaFile(id=pk, sha256=digest).storage_name,
        workflow=workflow,
        sha256=digest,
        source_sha256=hashlib.sha256(data).hexdigest(),
        kind=clean.kind,
        content_type=clean.content_type,
        n_bytes=len(clean.data),
        width=clean.width,
        height=clean.height,
        seconds=clean.seconds,
        sample_rate=clean.sample_rate,
        channels=clean.channels,
        status=MediaStatus.PENDING,
        uploaded_at=now,
    )
    write(media.storage_name, clean.data)
    while make_previews(clock=lambda: now):
        pass
    media.refresh_from_db()
    return media


def stored(
    workflow: Workflow,
    data: bytes | None = None,
    *,
    now: datetime,
    by: User | None = None,
) -> MediaFile:
    data = image_file() if data is None else data
    return keep_media(workflow=workflow, data=data, by=by, now=now).media


def read_archive_row(workflow: Workflow, *, now: datetime) -> MediaArchive:
    """Return an archive that a worker has read, two of its three rows well."""
    refused = {
        "index": 2,
        "external_id": "p-3",
        "errors": [
            {
                "field": "media.image",
                "rule": "no_file",
                "value": "p-3.png",
                "detail": "media.image: “p-3.png” is not in the archive",
            }
        ],
    }
    return MediaArchive.objects.create(
        workflow=workflow,
        n_bytes=1234,
        status="done",
        n_rows=3,
        n_done=3,
        accepted=2,
        n_quarantined=1,
        refused=[refused],
        created_at=now,
        finished_at=now,
    )


def upload_row(workflow: Workflow, *, now: datetime) -> MediaUpload:
    """Return an upload of ten bytes of which none has come."""
    terms = UploadTerms(UploadPurpose.MEDIA, 10)
    return begin_upload(workflow=workflow, terms=terms, by=None, now=now)
