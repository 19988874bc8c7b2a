"""A workflow of part pictures, drawn ones, and a model that has seen some."""

from datetime import datetime, timedelta
from functools import cache, partial

import numpy as np

from accounts.models import User
from predictions.enums import Stage
from predictions.learning.readers import surface
from predictions.models import Item, ModelVersion, Workflow
from predictions.services.labelled_rows import LabelledRows
from predictions.services.registry import change_stage
from predictions.services.training import train_version
from reviewqueue.demo.parts import Part, draw_part, draw_parts
from tests.factories.shipped import make_shipped, store_with_file

SLUG = "surface-defects"


make_parts_workflow = partial(make_shipped, SLUG)


def part(label: str, seed: int) -> Part:
    return draw_part(label, np.random.default_rng(seed))


@cache
def measured_history(n: int = 160) -> tuple[tuple[dict[str, object], str], ...]:
    """Measure drawn parts once a process: training on them is quick."""
    return tuple(
        (
            {f"image_{k}": v for k, v in surface.read(one.jpeg()).values.items()},
            one.label,
        )
        for one in draw_parts(n, seed=77)
    )


def make_parts_champion(workflow: Workflow, *, by: User, now: datetime) -> ModelVersion:
    rows = measured_history()
    first = now - timedelta(minutes=len(rows))
    version = train_version(
        workflow=workflow,
        rows=LabelledRows(
            features=[features for features, _ in rows],
            labels=[label for _, label in rows],
            occurred_at=[first + timedelta(minutes=i) for i in range(len(rows))],
        ),
        algorithm="gradient_boosting",
        seed=1,
        by=by,
        now=now,
    )
    change_stage(version=version, to=Stage.CHAMPION, by=by, reason="first", now=now)
    return version


def store_part(
    workflow: Workflow,
    data: bytes,
    *,
    external_id: str,
    by: User,
    now: datetime,
    more: dict[str, object] | None = None,
) -> Item:
    """Store an item with a picture, not yet scored."""
    return store_with_file(
        workflow,
        data,
        external_id=external_id,
        features={"line": "A", **(more or {})},
        by=by,
        now=now,
    )
