"""Images of 1,600 by 1,200 pixels: kept, and their previews made, in the services.

The raw peer writes the same bytes to the same disk, flushed, and one row: no look at
what they are, no metadata out, no second statement that lets them be seen.
"""

import io
import time
from collections.abc import Callable
from uuid import uuid4

import numpy as np
from django.utils import timezone
from PIL import Image

from benchmarks.results import Result, timed
from benchmarks.world import declare_payments
from predictions.models import MediaFile, Workflow
from predictions.services import media_storage
from predictions.services.media import keep_media
from predictions.services.media_previews import make_previews
from predictions.services.workflows import declare_workflow

N = 300
WIDTH, HEIGHT = 1600, 1200
SLOT = '\n[[media]]\nname = "image"\nkind = "image"\n'


def run(*, quick: bool = False) -> list[Result]:
    """Time keeping an image and making its previews, one after the other."""
    n = 30 if quick else N
    workflow = _workflow()
    files = [_photo(seed) for seed in range(n)]
    raw = [_seconds(lambda one=one: _raw(workflow, one)) for one in files]
    kept = [_seconds(lambda one=one: _keep(workflow, one)) for one in files]
    known = [_seconds(lambda one=one: _keep(workflow, one)) for one in files]
    made = [_seconds(lambda: make_previews(clock=timezone.now)) for _ in files]
    _erase(workflow)
    return [
        timed("keep an image of 345 kB", ours=kept, raw=raw),
        timed("the same again", ours=known, raw=raw),
        timed("its thumbnail and preview", ours=made),
    ]


def _workflow() -> Workflow:
    slug = f"bench-{uuid4().hex[:8]}"
    now = timezone.now()
    plain = declare_payments(slug=slug, features="", now=now)
    source = plain.versions.latest("version").source_toml + SLOT
    workflow, _ = declare_workflow(source_toml=source, by=None, now=now)
    return workflow


def _photo(seed: int) -> bytes:
    """Return a grey surface with some grain, as a JPEG of about 345 kB."""
    rng = np.random.default_rng(seed)
    grain = 140 + 12 * rng.standard_normal((HEIGHT // 4, WIDTH // 4, 1)) * np.ones(3)
    image = Image.fromarray(grain.clip(0, 255).astype(np.uint8))
    target = io.BytesIO()
    image.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(
        target, "JPEG", quality=90
    )
    return target.getvalue()


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _keep(workflow: Workflow, data: bytes) -> None:
    keep_media(workflow=workflow, data=data, by=None, now=timezone.now())


def _raw(workflow: Workflow, data: bytes) -> None:
    row = MediaFile(
        workflow=workflow,
        sha256=uuid4().hex * 2,
        source_sha256="",
        kind="image",
        content_type="image/jpeg",
        n_bytes=len(data),
        width=WIDTH,
        height=HEIGHT,
        uploaded_at=timezone.now(),
    )
    media_storage.write(row.storage_name, data)
    row.save(force_insert=True)


def _erase(workflow: Workflow) -> None:
    for media in MediaFile.objects.filter(workflow=workflow).iterator():
        media_storage.erase(media.storage_name)
        for one in media.derivatives.all():
            media_storage.erase(one.storage_name)
