"""A workflow of readings, and a model that alarms at too much torque."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
from django.core.files.base import ContentFile

from accounts.models import User
from accounts.sites import ALL_SITES, Sites
from predictions.declaration import parse_declaration
from predictions.enums import KeptPurpose, Stage
from predictions.learning.training import TrainedModel
from predictions.models import Item, KeptFile, ModelVersion, Workflow
from predictions.services.kept_files import keep_file
from predictions.services.series import ReadingsStored, store_readings
from predictions.services.workflows import declare_workflow
from reviewqueue.services.policies import first_policy
from tests.factories.trained import register, train_on

SLUG = "mills"
SERIES = """
[series]
window_minutes = 60
step_minutes = 15
wait_minutes = 1
min_readings = 2
horizon_minutes = 120
lead_minutes = 10
stop_cost = 900
visit_cost = 60

[[series.channels]]
name = "torque"
title = "Torque"
unit = "Nm"
minimum = 0
maximum = 150
low = 15
high = 60

[[series.channels]]
name = "wear"
title = "Tool wear"
unit = "min"
minimum = 0
decimals = 0
"""
DECLARATION = (
    """
slug = "mills"
name = "Mills"
question = "Will it fail?"
subject = "machine"
title = "{machine}"

[[labels]]
key = "running"
name = "Goes on"

[[labels]]
key = "failure"
name = "Alarm"
positive = true

[[features]]
name = "machine"
type = "text"
required = true

[[features]]
name = "grade"
type = "category"
values = ["L", "M", "H"]

[costs]
false_positive = 60
false_negative = 900
review_minute = 1
currency = "EUR"
"""
    + SERIES
)


def make_series_workflow(
    *, now: datetime, more: str = "", source: str = DECLARATION
) -> Workflow:
    workflow, _ = declare_workflow(source_toml=source + more, by=None, now=now)
    first_policy(workflow=workflow, by=None, now=now)
    return workflow


def reading(
    at: datetime,
    torque: float | None = 40.0,
    *,
    machine: str = "mill-1",
    **more: object,
) -> dict[str, Any]:
    """Return a reading as it is sent; `more` goes into its values."""
    values = {"torque": torque, **more}
    return {"machine": machine, "at": at.isoformat(), "values": values}


def hour_of(
    start: datetime, torques: Sequence[float], *, machine: str = "mill-1"
) -> list[dict[str, Any]]:
    """Return readings five minutes apart."""
    return [
        reading(start + timedelta(minutes=5 * i), torque, machine=machine, wear=5.0 * i)
        for i, torque in enumerate(torques)
    ]


def send(
    workflow: Workflow,
    readings: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
    sites: Sites = ALL_SITES,
) -> ReadingsStored:
    return store_readings(
        workflow=workflow, chunks=[list(readings)], now=now, sites=sites
    )


def kept_row(
    workflow: Workflow,
    data: bytes,
    *,
    by: User,
    now: datetime,
    name: str = "a.csv",
    purpose: KeptPurpose = KeptPurpose.READINGS,
) -> KeptFile:
    """Keep a file that its sender has yet to look at."""
    content = ContentFile(data, name=name)
    return keep_file(
        workflow=workflow, purpose=purpose, content=content, by=by, now=now
    )


def items_of(workflow: Workflow) -> list[Item]:
    return list(Item.objects.filter(workflow=workflow).order_by("external_id"))


@cache
def trained() -> TrainedModel:
    """Train: a torque of more than 60 in the window is an alarm."""
    rng = np.random.default_rng(3)
    n = 800
    level, most = rng.normal(40, 3, n), rng.normal(55, 12, n)
    rows = [
        {
            "machine": "m",
            "torque_last": float(a),
            "torque_mean": float(a),
            "torque_min": float(a - 5),
            "torque_max": float(max(a, b)),
            "torque_spread": 3.0,
            "torque_slope": 0.0,
        }
        for a, b in zip(level, most, strict=True)
    ]
    labels = ["failure" if b > 60 else "running" for b in most]
    return train_on(
        parse_declaration(DECLARATION), rows, labels, algorithm="gradient_boosting"
    )


def make_series_champion(workflow: Workflow, *, now: datetime) -> ModelVersion:
    return register(workflow, trained(), now=now, stage=Stage.CHAMPION)
