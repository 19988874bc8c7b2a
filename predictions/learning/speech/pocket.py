"""PocketSphinx as a recogniser of fluent speech in English: an optional extra.

Its acoustic model comes with its package; nothing is trained here.
"""

import importlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any, Final

import numpy as np
from scipy.signal import resample_poly

from predictions.learning.speech.sound import listen
from predictions.learning.speech.terms import RATE, Samples, Sound, Unheard, Word

ENGINE: Final = "pocketsphinx"
NOT_INSTALLED: Final = (
    "PocketSphinx is not installed: install countersign with the extra `speech`"
)
# Of a grammar it says 1 of every word, right or wrong: nothing to go by.
SURENESS: Final = 0.5
_RATE, _FRAMES = 16_000, 100  # samples and frames a second that its model wants


@dataclass(frozen=True, slots=True)
class PocketRecogniser:
    """A decoder that knows a loop over the words of the vocabulary."""

    vocabulary: tuple[str, ...]
    decoder: Any

    def hear(self, sound: Sound) -> Sequence[Word]:
        """Return the words in their order; none where nothing can be read."""
        if listen(sound).problem:
            return []
        samples = _at_its_rate(sound)
        loud = np.clip(samples * 32_767, -32_768, 32_767).astype("<i2")
        self.decoder.start_utt()
        self.decoder.process_raw(loud.tobytes(), full_utt=True)
        self.decoder.end_utt()
        return [
            _word(one)
            for one in self.decoder.seg() or ()
            if one.word.partition("(")[0] in self.vocabulary
        ]


def _at_its_rate(sound: Sound) -> Samples:
    samples = sound.samples if sound.wide is None else sound.wide
    rate = RATE if sound.wide is None else sound.wide_rate
    shared = gcd(rate, _RATE)
    return np.asarray(resample_poly(samples, _RATE // shared, rate // shared))


def _word(segment: Any) -> Word:  # noqa: ANN401 -- no stubs
    return Word(
        segment.word.partition("(")[0],
        SURENESS,
        segment.start_frame * 1000 // _FRAMES,
        (segment.end_frame + 1) * 1000 // _FRAMES,
    )


def recogniser(vocabulary: Iterable[str]) -> PocketRecogniser:
    """Make a decoder for words of its dictionary.

    Raises: Unheard where the package is not installed; ValueError for words that its
    dictionary lacks.
    """
    try:
        package = importlib.import_module(ENGINE)
    except ImportError as error:
        raise Unheard(NOT_INSTALLED) from error
    known = tuple(map(str, vocabulary))
    decoder = package.Decoder(lm=None, loglevel="FATAL")
    missing = [word for word in known if decoder.lookup_word(word) is None]
    if missing or not known:
        raise ValueError(f"vocabulary: not in its dictionary: {', '.join(missing)}")
    grammar = f"#JSGF V1.0; grammar entry; public <entry> = ( {' | '.join(known)} )+ ;"
    decoder.add_jsgf_string("entry", grammar)
    decoder.activate_search("entry")
    return PocketRecogniser(known, decoder)
