"""What the model of part pictures can and cannot do, on drawn parts it never saw.

The truth is known to the pixel because the parts are drawn: what comes of it says how
the method works, not how it works on your parts. Pure: seeds in, figures out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from predictions.declaration_measures import measured_features
from predictions.declaration_media import MediaSlot
from predictions.fields.geometry import box_overlaps
from predictions.learning.features import Column, Matrix, feature_matrix
from predictions.learning.novelty import Novelty
from predictions.learning.pipelines import Algorithm
from predictions.learning.readers import surface
from predictions.learning.training import TrainedModel, TrainingData, train
from reviewqueue.demo.parts import DEFECTS, LABELS, Part, draw_parts

SLOT: Final = MediaSlot(name="image", kind="image", measure="surface")
COLUMNS: Final = tuple(Column(one.name, "number") for one in measured_features([SLOT]))
UNLIKE: Final = 0.02  # as the workflow says
HIT: Final = 0.3  # the overlap from which a box counts as found, as the workflow says


@dataclass(frozen=True, slots=True)
class Shares:
    """Counts of one label: of `n_true` parts `n_right` were called so, of `n_called`.

    Of the boxes drawn for it `n_found` of `n_boxes` are overlapped by 0.3 at least by a
    box of the same class; `overlap` is the sum over all of them, 0 where none is.
    """

    n_true: int
    n_called: int
    n_right: int
    n_boxes: int = 0
    n_found: int = 0
    overlap: float = 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """What one model said of n held-out parts; `n_extra` boxes lie on no defect.

    `n_unlike` of the parts would go to people as unlike what it learnt from.
    """

    n: int
    labels: Mapping[str, Shares]
    n_extra: int
    n_unlike: int


def trained_on(
    n: int, *, seed: int, algorithm: Algorithm = "gradient_boosting"
) -> TrainedModel:
    """Train on so many drawn parts."""
    parts = draw_parts(n, seed=seed)
    rows = [_named(surface.read(one.jpeg()).values) for one in parts]
    data = TrainingData(
        matrix=feature_matrix(rows, COLUMNS),
        labels=[one.label for one in parts],
        times=np.arange(n, dtype=np.float64),
        columns=COLUMNS,
        label_keys=LABELS,
        positive_labels=DEFECTS,
    )
    return train(data, algorithm=algorithm, seed=seed, threshold=0.5)


def judged_on(model: TrainedModel, n: int, *, seed: int, noise: float) -> Judged:
    """Hold a model against so many parts of another seed, with that much noise."""
    parts = draw_parts(n, seed=seed, noise=noise)
    read = [surface.read(one.jpeg()) for one in parts]
    called = _called(model, [_named(one.values) for one in read])
    boxes = _boxes(model, [one.evidence["regions"] for one in read])
    judged = [
        (part, label, found if label in DEFECTS else [])
        for part, label, found in zip(parts, called, boxes, strict=True)
    ]
    return Judged(
        n=n,
        labels={label: _shares(label, judged) for label in LABELS},
        n_extra=sum(_n_extra(part, found) for part, _, found in judged),
        n_unlike=_n_unlike(model, [_named(one.values) for one in read]),
    )


def _named(values: Mapping[str, float]) -> dict[str, object]:
    return {SLOT.column(name): value for name, value in values.items()}


def _called(model: TrainedModel, rows: Sequence[dict[str, object]]) -> list[str]:
    if not rows:
        return []
    scores: Matrix = model.pipeline.predict_proba(feature_matrix(rows, COLUMNS))
    return [model.label_keys[at] for at in scores.argmax(axis=1)]


def _boxes(
    model: TrainedModel, regions: Sequence[Sequence[Mapping[str, Any]]]
) -> list[list[Mapping[str, Any]]]:
    """Return what would be recommended: marks that the model calls a defect."""
    marks = [(at, one) for at, some in enumerate(regions) for one in some]
    names = _called(model, [_named(one["values"]) for _, one in marks])
    found: list[list[Mapping[str, Any]]] = [[] for _ in regions]
    for (at, one), name in zip(marks, names, strict=True):
        if name in DEFECTS:
            found[at].append({**one, "class": name})
    return found


def _n_unlike(model: TrainedModel, rows: Sequence[dict[str, object]]) -> int:
    known = Novelty.of(model.reference)
    if known is None:
        return 0
    return int(np.sum(known.p_values(feature_matrix(rows, COLUMNS)) <= UNLIKE))


type _Judged = tuple[Part, str, Sequence[Mapping[str, Any]]]


def _shares(label: str, judged: Sequence[_Judged]) -> Shares:
    best: list[float] = []
    for part, _, found in judged:
        if part.label == label and part.boxes:
            same = [one for one in found if one["class"] == label]
            best += _best(part.boxes, same)
    return Shares(
        n_true=sum(part.label == label for part, _, _ in judged),
        n_called=sum(called == label for _, called, _ in judged),
        n_right=sum(part.label == called == label for part, called, _ in judged),
        n_boxes=len(best),
        n_found=sum(one >= HIT for one in best),
        overlap=sum(best),
    )


def _best(
    boxes: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
) -> list[float]:
    if not found:
        return [0.0] * len(boxes)
    overlaps = box_overlaps(_corners(boxes), _corners(found))
    return [float(one) for one in overlaps.max(axis=1)]


def _n_extra(part: Part, found: Sequence[Mapping[str, Any]]) -> int:
    return sum(one == 0 for one in _best(found, part.boxes)) if found else 0


def _corners(boxes: Sequence[Mapping[str, Any]]) -> Matrix:
    edges = [
        (one["x"], one["y"], one["x"] + one["w"], one["y"] + one["h"]) for one in boxes
    ]
    return np.array(edges, dtype=np.float64)
