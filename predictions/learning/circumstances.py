"""Under what circumstances a model was trained: data, split, parameters, versions."""

import hashlib
import json
import math
import platform
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import scipy
import sklearn
import skops
from numpy.typing import NDArray

from predictions.learning.features import columns_to_json
from predictions.learning.splits import Indexes, Split
from predictions.learning.training_data import TrainingData

QUIET_NAN: Final = np.float64("nan")


def data_sha256(data: TrainingData) -> str:
    """Return a hash of everything that the model is trained from."""
    digest = hashlib.sha256()
    described = {
        "columns": columns_to_json(data.columns),
        "label_keys": data.label_keys,
        "positive_labels": data.positive_labels,
        "labels": list(data.labels),
        "subjects": None if data.subjects is None else list(data.subjects),
    }
    digest.update(json.dumps(described, sort_keys=True).encode())
    for array in (data.matrix, data.times, data.weights):
        if array is not None:
            # one bit pattern for NaN, whatever made it
            plain = np.where(np.isnan(array), QUIET_NAN, array)
            digest.update(np.ascontiguousarray(plain, dtype="<f8").tobytes())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of what the result depends on."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "skops": skops.__version__,
    }


def circumstances(
    pipeline: Any,  # noqa: ANN401 -- scikit-learn has no stubs
    data: TrainingData,
    split: Split,
) -> dict[str, object]:
    """Return what a report says of how a model came about, before what it can do."""
    is_positive = np.isin(np.asarray(data.labels), data.positive_labels)
    return {
        "parameters": _parameters(pipeline),
        "data_sha256": data_sha256(data),
        "versions": versions(),
        "label_counts": dict(sorted(Counter(data.labels).items())),
        "labels_left_out": sorted(set(data.label_keys) - set(pipeline.classes_)),
        "split": _described(split, data, is_positive),
    }


def _parameters(pipeline: Any) -> dict[str, object]:  # noqa: ANN401 -- no stubs
    steps = getattr(pipeline, "named_steps", {})
    model = steps.get("model", pipeline)
    given = model.get_params() if hasattr(model, "get_params") else {}
    return {name: value for name, value in given.items() if _is_plain(value)}


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return all(_is_plain(entry) for entry in value)
    if isinstance(value, float):
        return math.isfinite(value)  # JSON has no word for the others
    return value is None or isinstance(value, str | int)


def _described(
    split: Split, data: TrainingData, is_positive: NDArray[np.bool_]
) -> dict[str, object]:
    by = "time" if data.subjects is None else "subject, by its first time"
    parts: dict[str, object] = {
        name: _part(rows, data.times, is_positive)
        for name, rows in split.parts().items()
    }
    return {"by": by, **parts}


def _part(
    rows: Indexes, times: NDArray[np.float64], is_positive: NDArray[np.bool_]
) -> dict[str, object]:
    return {
        "n": len(rows),
        "n_positive": int(is_positive[rows].sum()),
        "from": _iso(times[rows].min()),
        "to": _iso(times[rows].max()),
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(float(seconds), UTC).isoformat()
