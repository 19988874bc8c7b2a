"""From the upload of a part's picture to its recommendation, in one process.

Bytes in, then kept, stored as an item, measured, scored and routed: what a request with
`?wait=score` does but for HTTP, and what a worker does once it is woken.
"""

import io

import numpy as np
from django.utils import timezone
from PIL import Image

from benchmarks.files import declare_shipped, seconds_to_route
from benchmarks.results import Result, timed
from predictions.enums import Stage
from predictions.models import MediaFile, Workflow
from predictions.services import media_storage
from predictions.services.labelled_rows import LabelledRows
from predictions.services.registry import change_stage
from predictions.services.training import train_version
from reviewqueue.demo.parts import draw_parts
from reviewqueue.demo.streams import measured_parts

N = 200
LARGE = (1600, 1200)
AIM = "p99 < 2 s"
LINE = {"line": "A"}


def run(*, quick: bool = False) -> list[Result]:
    """Time parts as they are drawn, and as large as a camera's."""
    n = 30 if quick else N
    workflow = _workflow()
    small = [one.jpeg() for one in draw_parts(n, seed=1)]
    large = [_enlarged(one) for one in small[: max(n // 2, 10)]]
    seconds_to_route(workflow, large[0], LINE)  # what is loaded once
    results = [
        timed(
            "upload → recommendation, 256 by 192 pixels",
            ours=[seconds_to_route(workflow, one, LINE) for one in small],
            aim=AIM,
        ),
        timed(
            "upload → recommendation, 1,600 by 1,200 pixels",
            ours=[seconds_to_route(workflow, one, LINE) for one in large[1:]],
            aim=AIM,
        ),
    ]
    _erase(workflow)
    return results


def _workflow() -> Workflow:
    workflow = declare_shipped("surface-defects")
    now = timezone.now()
    rows = measured_parts()
    version = train_version(
        workflow=workflow,
        rows=LabelledRows(
            features=[features for features, _ in rows],
            labels=[label for _, label in rows],
            occurred_at=[now] * len(rows),
        ),
        algorithm="gradient_boosting",
        seed=1,
        by=None,
        now=now,
    )
    change_stage(version=version, to=Stage.CHAMPION, by=None, reason="bench", now=now)
    return workflow


def _enlarged(data: bytes) -> bytes:
    """Return the picture as a camera of more pixels would send it, with grain."""
    with Image.open(io.BytesIO(data)) as image:
        large = image.resize(LARGE, Image.Resampling.BICUBIC)
    grain = np.random.default_rng(len(data)).normal(0, 4, LARGE[::-1])
    levels = np.clip(np.asarray(large) + grain, 0, 255).astype(np.uint8)
    target = io.BytesIO()
    Image.fromarray(levels).save(target, "JPEG", quality=90)
    return target.getvalue()


def _erase(workflow: Workflow) -> None:
    for media in MediaFile.objects.filter(workflow=workflow).iterator():
        media_storage.erase(media.storage_name)
