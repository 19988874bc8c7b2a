"""Say when: which stretches of a window of readings moved one prediction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypedDict

from django.db import transaction

from predictions.learning.failures import ScoringFailed
from predictions.learning.features import columns_from_json, feature_matrix
from predictions.learning.series import (
    Moment,
    Stretch,
    moments,
    occluded,
    stretches,
)
from predictions.models import ItemWindow, Moments, Prediction
from predictions.services.explanations import TIME_BUDGET_SECONDS
from predictions.services.serving import served
from predictions.services.windows import as_arrays, window_rows


class StretchJson(TypedDict):
    """`start` and `end` in seconds since the window's start; `effect` in log-odds."""

    channel: str
    start: float
    end: float
    effect: float


def moments_of(prediction: Prediction, *, now: datetime) -> list[StretchJson]:
    """Return what each stretch did, largest effect first; compute and keep it once.

    Nothing for an item that was not made of readings, and where the model cannot be
    asked now: the next person to open the case asks again.
    """
    window = ItemWindow.objects.filter(item=prediction.item_id).first()
    if window is None:
        return []
    stored = Moments.objects.filter(prediction=prediction).first()
    if stored is None:
        computed = _compute(prediction, window)
        if not computed:
            return []
        with transaction.atomic():
            stored, _ = Moments.objects.get_or_create(
                prediction=prediction,
                defaults={"stretches": computed, "created_at": now},
            )
    found: list[StretchJson] = stored.stretches
    return found


def as_moments(found: Sequence[StretchJson]) -> list[Moment]:
    """Return stored stretches as they were found."""
    return [
        Moment(Stretch(one["channel"], one["start"], one["end"]), one["effect"])
        for one in found
    ]


def _compute(prediction: Prediction, window: ItemWindow) -> list[StretchJson]:
    version = prediction.model_version
    series = version.workflow.declaration.series
    if series is None:
        return []
    rows = window_rows(window)
    if len(rows) < window.n_readings:
        return []  # what was removed cannot be asked about
    seconds, channels = as_arrays(rows, series, start=window.starts_at)
    length = (window.ends_at - window.starts_at) / timedelta(seconds=1)
    features = dict(prediction.item.features)
    altered: list[dict[str, object]] = [features]
    asked: list[Stretch] = []
    for stretch in stretches(list(channels), seconds=length):
        typical = version.references.get(f"{stretch.channel}_mean")
        if not isinstance(typical, int | float):
            continue  # the model never saw this channel
        values = occluded(seconds, channels, stretch, float(typical))
        if values is not None:
            asked.append(stretch)
            altered.append({**features, **values})
    matrix = feature_matrix(altered, columns_from_json(version.columns))
    try:
        result = served(version).score(matrix, timeout_seconds=TIME_BUDGET_SECONDS)
    except ScoringFailed:
        return []
    if result.bad_rows or not asked:
        return []
    label = version.label_keys.index(prediction.label)
    return [
        {
            "channel": one.stretch.channel,
            "start": one.stretch.start,
            "end": one.stretch.end,
            "effect": one.effect,
        }
        for one in moments(asked, result.scores, [label])
    ]
