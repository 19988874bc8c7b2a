"""Train the small recogniser on labelled words, and say how well it does by speaker."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from predictions.learning.speech.features import word_features
from predictions.learning.speech.terms import RATE, Samples
from predictions.learning.speech.words import WordModel

MIN_TAKES: Final = 8  # of each word; fewer cannot be held out and learnt from
N_FOLDS: Final = 5
_PENALTY = 0.1
_BEYOND = 1.1  # times the farthest held-out word that was heard rightly

_UNSET = (np.zeros(4), np.ones(1), np.ones(1))

type Rows = NDArray[np.intp]
type Split = tuple[Rows, Rows]


class TooFewWords(ValueError):
    """There is not enough to learn from; the message says of what."""


@dataclass(frozen=True, slots=True)
class Takes:
    """Recorded words: features [n, k], what was said and by whom, row by row.

    `copies` [m, n, k] are the same words as they sound with noise around and in them;
    they are learnt from, and no figure is of them.
    """

    features: Samples
    copies: Samples
    words: Sequence[str]
    speakers: Sequence[str]


def takes_of(
    sounds: Sequence[Samples],
    words: Sequence[str],
    speakers: Sequence[str],
    *,
    seed: int,
) -> Takes:
    """Measure recordings that hold one word each, at `RATE`."""
    rng = np.random.default_rng(seed)
    features = np.array([word_features(one) for one in sounds])
    copies = [[word_features(_noisy(one, rng)) for one in sounds] for _ in range(2)]
    return Takes(features, np.array(copies), words, speakers)


def _noisy(word: Samples, rng: np.random.Generator) -> Samples:
    """Return a word with up to 100 ms before and after it, and white noise over all."""
    loudest = max(1e-6, float(np.abs(word).max(initial=0.0)))
    before, after = rng.integers(0, RATE // 10, 2)
    whole = np.pad(word * (0.5 / loudest), (before, after))
    level = 10 ** rng.uniform(-3.3, -1.9)
    return np.asarray(whole + rng.normal(0, level, len(whole)))


def train_words(takes: Takes, *, seed: int) -> tuple[WordModel, dict[str, Any]]:
    """Fit the recogniser; return it with a report of what it does on held-out words.

    Multinomial logistic regression. Its confidence is calibrated (Platt) on answers
    that it gives when takes are held out, and when each speaker is: so it is right on
    average over known and unknown voices, and what sets them apart is how far a word
    lies from those that it knows. The report has both rates, the latter by speaker.
    Raises: TooFewWords.
    """
    _check(takes)
    with threadpool_limits(limits=1):  # more threads get into each other's way
        return _trained(takes, seed=seed)


def _trained(takes: Takes, *, seed: int) -> tuple[WordModel, dict[str, Any]]:
    known = _answers(takes, _folds(takes, seed))
    unknown = _answers(takes, list(_by_speaker(takes)))
    model = _fitted(takes, np.arange(len(takes.words)))
    held_out = [one for one in (known, unknown) if len(one.right)]
    marks = np.vstack([one.marks for one in held_out])
    right = np.concatenate([one.right for one in held_out])
    reach = np.array([_BEYOND * marks[right, 2].max(initial=1.0)])
    most = np.array([1 - 1 / (len(right) + 2)])
    model = replace(model, sureness=_sureness(marks, right), reach=reach, most=most)
    report = {
        "n_takes": len(takes.words),
        "words": dict(sorted(Counter(takes.words).items())),
        "known_voices": _rate(known.right),
        "unknown_voices": _rate(unknown.right) if len(unknown.right) else None,
        "by_speaker": {
            name: _rate(unknown.right[unknown.speakers == name])
            for name in sorted(set(unknown.speakers.tolist()))
        },
        "reliability": _reliability(model, held_out),
    }
    return model, report


@dataclass(frozen=True, slots=True)
class _Answers:
    marks: Samples
    right: NDArray[np.bool_]
    speakers: NDArray[np.str_]


def _check(takes: Takes) -> None:
    if not np.isfinite(takes.features).all():
        raise TooFewWords("a recording gives features that are no numbers")
    counts = Counter(takes.words)
    if len(counts) < 2:
        raise TooFewWords(f"{len(counts)} words; two or more are needed")
    few = [f"{word} ({n})" for word, n in sorted(counts.items()) if n < MIN_TAKES]
    if few:
        raise TooFewWords(
            f"fewer than {MIN_TAKES} recordings of a word: {', '.join(few)}"
        )


def _fitted(takes: Takes, rows: Rows) -> WordModel:
    from sklearn.linear_model import (  # noqa: PLC0415 -- only who trains needs it
        LogisticRegression,
    )

    copies = takes.copies[:, rows].reshape(-1, takes.features.shape[1])
    features = np.vstack((takes.features[rows], copies))
    words = np.tile(np.array(takes.words)[rows], 1 + len(takes.copies))
    centre = features.mean(axis=0)
    scale = np.maximum(features.std(axis=0), 1e-6)
    scaled = (features - centre) / scale
    fit = LogisticRegression(C=_PENALTY, max_iter=1000).fit(scaled, words)
    vocabulary = tuple(str(word) for word in fit.classes_)
    weights, bias = fit.coef_, fit.intercept_
    if len(vocabulary) == 2:  # it keeps one row for two classes
        weights, bias = np.vstack((-weights, weights)) / 2, np.r_[-bias, bias] / 2
    means = np.array([scaled[words == word].mean(axis=0) for word in vocabulary])
    return WordModel(vocabulary, centre, scale, weights, bias, means, *_UNSET)


def _folds(takes: Takes, seed: int) -> list[Split]:
    from sklearn.model_selection import (  # noqa: PLC0415 -- only who trains needs it
        StratifiedKFold,
    )

    split = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
    return list(split.split(takes.features, np.array(takes.words)))


def _by_speaker(takes: Takes) -> Iterator[Split]:
    """Hold each speaker out in turn, where the others said every word that is left."""
    speakers, words = np.array(takes.speakers), np.array(takes.words)
    for name in sorted(set(takes.speakers)):
        rest = np.flatnonzero(speakers != name)
        known = np.isin(words, words[rest])
        test = np.flatnonzero((speakers == name) & known)
        if len(test) and len(set(words[rest])) > 1:
            yield rest, test


def _answers(takes: Takes, splits: Sequence[Split]) -> _Answers:
    marks, right, speakers = [], [], []
    for train, test in splits:
        model = _fitted(takes, train)
        chosen, told = model.marks(takes.features[test])
        said = np.array(model.vocabulary)[chosen]
        marks.append(told)
        right.append(said == np.array(takes.words)[test])
        speakers.append(np.array(takes.speakers)[test])
    if not marks:
        return _Answers(np.empty((0, 3)), np.empty(0, bool), np.empty(0, np.str_))
    return _Answers(np.vstack(marks), np.concatenate(right), np.concatenate(speakers))


def _sureness(marks: Samples, right: NDArray[np.bool_]) -> Samples:
    """Return weights and intercept of the chance that an answer is right."""
    from sklearn.linear_model import (  # noqa: PLC0415 -- only who trains needs it
        LogisticRegression,
    )

    if right.all() or not right.any():  # nothing to tell apart: one rate for all
        share = (right.sum() + 1) / (len(right) + 2)
        return np.array([0.0, 0.0, 0.0, np.log(share / (1 - share))])
    fit = LogisticRegression(C=10.0, max_iter=1000).fit(marks, right)
    return np.concatenate((fit.coef_[0], fit.intercept_))


def _rate(right: NDArray[np.bool_]) -> dict[str, Any]:
    return {"n": len(right), "right": int(right.sum())}


def _reliability(
    model: WordModel, held_out: Sequence[_Answers]
) -> list[dict[str, Any]]:
    """Return by band of confidence how many answers there were, and how many right."""
    marks = np.vstack([one.marks for one in held_out])
    right = np.concatenate([one.right for one in held_out])
    odds = marks @ model.sureness[:-1] + model.sureness[-1]
    said = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
    edges = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0)
    bands = []
    for low, high in itertools.pairwise(edges):
        inside = (said >= low) & ((said < high) | (high == 1.0))
        mean = float(said[inside].mean()) if inside.any() else None
        bands.append({"from": low, "to": high, "said": mean, **_rate(right[inside])})
    return bands
