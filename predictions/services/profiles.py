"""Keep the picture of a workflow's recent items: what "unusual" is measured against."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from predictions.declaration import Feature
from predictions.models import FeatureProfile, Item, Workflow
from predictions.queries.measured import measurements_of

SAMPLE_SIZE = 5000
WINDOW_DAYS = 30
N_QUANTILES = 101
MAX_VALUES = 50


def refresh_profile(*, workflow: Workflow, now: datetime) -> FeatureProfile:
    """Summarise the newest items (at most 5,000 of the last 30 days) per feature."""
    since = now - timedelta(days=WINDOW_DAYS)
    stored = list(
        Item.objects.filter(workflow=workflow, received_at__gte=since)
        .order_by("-id")
        .values_list("pk", "features")[:SAMPLE_SIZE]
    )
    known = measurements_of(workflow.declaration, [pk for pk, _ in stored])
    rows = [
        {**sent, **known[pk].values} if pk in known else sent for pk, sent in stored
    ]
    profile = {
        feature.name: summary
        for feature in workflow.declaration.all_features
        if (summary := summarise(feature, [row.get(feature.name) for row in rows]))
    }
    kept, _ = FeatureProfile.objects.update_or_create(
        workflow=workflow,
        defaults={
            "profile": profile,
            "n_items": len(rows),
            "since": since,
            "computed_at": now,
        },
    )
    return kept


def summarise(feature: Feature, values: Sequence[object]) -> dict[str, Any] | None:
    """Return quantiles of a number, shares of a category or boolean, else None."""
    present = [value for value in values if value is not None]
    counts = {"n": len(present), "missing": len(values) - len(present)}
    if feature.type in {"number", "integer"}:
        numbers = [float(v) for v in present if isinstance(v, int | float)]
        if not numbers:
            return counts | {"quantiles": []}
        grid = np.quantile(numbers, np.linspace(0, 1, N_QUANTILES))
        return counts | {"quantiles": [float(q) for q in grid]}
    if feature.type in {"category", "boolean"}:
        names = Counter(
            str(v).lower() if isinstance(v, bool) else str(v) for v in present
        )
        shares = {
            name: count / len(present) for name, count in names.most_common(MAX_VALUES)
        }
        return counts | {"shares": shares}
    return None
