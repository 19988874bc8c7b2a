"""What the model of notes and the mask can and cannot do, on notes of new seeds.

The truth is known because the notes are made up: what comes of it says how the method
works, not how it works on your notes. Pure: seeds in, figures out.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from predictions.declaration import Declaration
from predictions.declaration_fields import FieldSpec
from predictions.fields.comparing import match_f1
from predictions.learning.calibration import apply_calibration
from predictions.learning.features import Matrix, feature_matrix
from predictions.learning.novelty import Novelty
from predictions.learning.pipelines import Algorithm
from predictions.learning.training import TrainedModel, TrainingData, train
from predictions.masking import masked_values
from predictions.personal.finders import KINDS, MASK, find_personal
from predictions.services.columns import model_columns
from reviewqueue.demo.notes import ROUTINE, URGENT, Note, Said, draw_notes
from reviewqueue.trust.agreement import Agreement, cohen_kappa, mean_closeness

KEEN: Final = 0.8  # of what the finders missed a reader marks
SURE: Final = 0.95  # of the notes a reader calls right

type Spans = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Called:
    """Of `n` notes, `n_urgent` were called urgent."""

    n: int
    n_urgent: int


@dataclass(frozen=True, slots=True)
class Masked:
    """Of `n` planted, `n_whole` are masked to the last character."""

    n: int
    n_whole: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What one model and the mask made of held-out notes.

    `called` by what the note is and whether it sounds otherwise; `n_unlike` would go to
    people as unlike; `n_extra` finds lie on nothing that was planted.
    """

    called: Mapping[tuple[str, bool], Called]
    masked: Mapping[str, Masked]
    n_unlike: int
    n_extra: int
    n: int


@dataclass(frozen=True, slots=True)
class Agreed:
    """How two simulated readers agree: on the label (kappa), on the spans (F1)."""

    label: Agreement
    spans: Agreement


def trained_on(
    declaration: Declaration, n: int, *, seed: int, algorithm: Algorithm
) -> TrainedModel:
    """Train on so many made-up notes of known sentences, masked as in production."""
    notes = draw_notes(n, seed=seed, said="known")
    columns = model_columns(declaration)
    data = TrainingData(
        matrix=feature_matrix(_rows(notes, declaration), columns),
        labels=[one.label for one in notes],
        times=np.arange(n, dtype=np.float64),
        columns=columns,
        label_keys=declaration.label_keys,
        positive_labels=declaration.positive_labels,
    )
    threshold = declaration.decision_threshold
    return train(data, algorithm=algorithm, seed=seed, threshold=threshold)


def judged_on(
    model: TrainedModel, declaration: Declaration, n: int, *, seed: int, said: Said
) -> Judged:
    """Hold a model, and the mask, against so many notes of another seed.

    Of sentences that it may have met, or of `new` ones.
    """
    notes = draw_notes(n, seed=seed, said=said)
    rows = _rows(notes, declaration)
    matrix = feature_matrix(rows, model.columns)
    known = Novelty.of(model.reference)
    share = declaration.model.unlike_share
    n_unlike = int((known.p_values(matrix) <= share).sum()) if known else 0
    called = _called(model, matrix)
    seen: dict[tuple[str, bool], list[bool]] = {}
    for note, is_urgent in zip(notes, called, strict=True):
        seen.setdefault((_truth(note), note.is_odd), []).append(is_urgent)
    return Judged(
        called={key: Called(len(one), sum(one)) for key, one in seen.items()},
        masked=_masked(notes, [str(row["note"]) for row in rows]),
        n_unlike=n_unlike,
        n_extra=sum(_n_extra(note) for note in notes),
        n=n,
    )


def agreed_on(spec: FieldSpec, n: int, *, seed: int) -> Agreed:
    """Let two simulated readers judge the same notes, apart from each other.

    Each begins with what the finders found, marks most of what they missed, and calls
    nearly all notes right: they stand for no people.
    """
    notes = draw_notes(n, seed=seed)
    rng = np.random.default_rng(seed)
    labels = [[_read(note, rng) for note in notes] for _ in range(2)]
    spans = [[_marked(note, rng) for note in notes] for _ in range(2)]
    near = [match_f1(spec, one, other) for one, other in zip(*spans, strict=True)]
    return Agreed(
        cohen_kappa(*(np.array(one) == URGENT for one in labels), seed=seed),
        mean_closeness(near, [2] * len(near), seed=seed),
    )


def _rows(notes: Sequence[Note], declaration: Declaration) -> list[Mapping[str, Any]]:
    return [
        masked_values(
            {"note": one.text, "channel": one.channel, "days_since": one.days},
            declaration,
        )
        for one in notes
    ]


def _called(model: TrainedModel, matrix: Matrix) -> list[bool]:
    scores = np.asarray(model.pipeline.predict_proba(matrix), dtype=np.float64)
    known = apply_calibration(model.calibration, scores)
    urgent = known[:, model.label_keys.index(URGENT)]
    return [bool(one) for one in urgent >= model.threshold]


def _truth(note: Note) -> str:
    """Return what the note is, whatever it was labelled."""
    if not note.is_wrong:
        return note.label
    return ROUTINE if note.label == URGENT else URGENT


def _masked(notes: Sequence[Note], shown: Sequence[str]) -> dict[str, Masked]:
    planted: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for note, text in zip(notes, shown, strict=True):
        for one in note.planted:
            left = text[one.start : one.end].replace(MASK, "").strip()
            planted[one.kind] += 1
            whole[one.kind] += not left
    return {kind: Masked(planted[kind], whole[kind]) for kind in KINDS}


def _n_extra(note: Note) -> int:
    return sum(
        all(one.end <= two.start or two.end <= one.start for two in note.planted)
        for one in find_personal(note.text, KINDS)
    )


def _read(note: Note, rng: np.random.Generator) -> str:
    is_right = rng.random() < SURE
    return (
        _truth(note) if is_right else {URGENT: ROUTINE, ROUTINE: URGENT}[_truth(note)]
    )


def _marked(note: Note, rng: np.random.Generator) -> Spans:
    found = find_personal(note.text, KINDS)
    missed = [
        one
        for one in note.planted
        if all(one.end <= two.start or two.end <= one.start for two in found)
    ]
    kept = [*found, *(one for one in missed if rng.random() < KEEN)]
    return [{"start": one.start, "end": one.end, "class": one.kind} for one in kept]
