"""The small recogniser: one word at a time, of those that it was trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from predictions.learning.speech.features import N_FEATURES, word_features
from predictions.learning.speech.sound import listen
from predictions.learning.speech.terms import RATE, Samples, Sound, Word

ENGINE: Final = "words"
_MOST_BEYOND = 0.2
_ARRAYS: Final = {
    "centre": (N_FEATURES,),
    "scale": (N_FEATURES,),
    "weights": (-1, N_FEATURES),
    "bias": (-1,),
    "means": (-1, N_FEATURES),
    "sureness": (4,),
    "reach": (1,),
    "most": (1,),
}


@dataclass(frozen=True, slots=True)
class WordModel:
    """A linear classifier over word features, and how sure it may be of what it says.

    Features are centred and scaled, then `weights` [n words, n features] and `bias`
    give a softmax over the vocabulary. `means` are the words' own averages. The
    confidence is a logistic function of three marks of an answer (`sureness`: weights
    and intercept), fitted on answers about voices and takes that were held out; a
    sound farther than `reach` from any word is hardly one, and is never sure.
    `most`: what as many held-out words as there were can support.
    """

    vocabulary: tuple[str, ...]
    centre: Samples
    scale: Samples
    weights: Samples
    bias: Samples
    means: Samples
    sureness: Samples
    reach: Samples
    most: Samples

    def hear(self, sound: Sound) -> Sequence[Word]:
        """Return the words in their order; none where nothing can be read."""
        listened = listen(sound)
        if listened.problem:
            return []
        rows = np.array([word_features(sound.samples[a:b]) for a, b in listened.pieces])
        chosen, confidences = self.classify(rows)
        return [
            Word(self.vocabulary[word], float(sure), *_milliseconds(piece))
            for word, sure, piece in zip(
                chosen, confidences, listened.pieces, strict=True
            )
        ]

    def classify(self, rows: Samples) -> tuple[NDArray[np.intp], Samples]:
        """Return for features [n, k] the place of each word, and its confidence [n]."""
        chosen, marks = self.marks(rows)
        odds = marks @ self.sureness[:-1] + self.sureness[-1]
        sure = np.minimum(1 / (1 + np.exp(-np.clip(odds, -30, 30))), self.most[0])
        is_far = marks[:, 2] > self.reach[0]
        return chosen, np.where(is_far, np.minimum(sure, _MOST_BEYOND), sure)

    def marks(self, rows: Samples) -> tuple[NDArray[np.intp], Samples]:
        """Return the answers [n], and what tells how sure they are [n, 3].

        The lead over the second word and over all others (log-odds), and how far the
        word lies from the average of those of its kind, per feature.
        """
        scaled = (rows - self.centre) / self.scale
        scores = scaled @ self.weights.T + self.bias
        chosen = np.argmax(scores, axis=1)
        every = np.arange(len(rows))
        best = scores[every, chosen]
        others = scores.copy()
        others[every, chosen] = -np.inf
        lead = best - others.max(axis=1)
        against = others.max(axis=1)
        rest = against + np.log(np.exp(others - against[:, None]).sum(axis=1))
        distance = np.sqrt(((scaled - self.means[chosen]) ** 2).mean(axis=1))
        return chosen, np.column_stack((lead, best - rest, distance))

    def to_data(self) -> dict[str, Any]:
        """Return plain arrays and names, as an artifact holds them."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        return {"engine": ENGINE, "vocabulary": list(self.vocabulary), **arrays}


def model_from_data(data: Mapping[str, Any]) -> WordModel:
    """Read what `to_data` wrote. Raises: ValueError naming what does not fit."""
    vocabulary = tuple(map(str, data.get("vocabulary", ())))
    if len(vocabulary) < 2 or len(set(vocabulary)) != len(vocabulary):
        raise ValueError("vocabulary: two words or more, each once")
    arrays = {}
    for name, shape in _ARRAYS.items():
        wanted = tuple(len(vocabulary) if n < 0 else n for n in shape)
        array = np.asarray(data.get(name), dtype=np.float64)
        if array.shape != wanted or not np.isfinite(array).all():
            raise ValueError(f"{name}: finite numbers of the shape {wanted}")
        arrays[name] = array
    if (arrays["scale"] <= 0).any():
        raise ValueError("scale: above 0")
    return WordModel(vocabulary, **arrays)


def _milliseconds(piece: tuple[int, int]) -> tuple[int, int]:
    return round(piece[0] * 1000 / RATE), round(piece[1] * 1000 / RATE)
