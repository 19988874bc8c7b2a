"""Generated speech, a workflow of spoken entries, and a recogniser of that voice."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any

import numpy as np

from accounts.models import User
from predictions.enums import Stage
from predictions.learning.speech.generated import (
    GENERATED_WORDS,
    spoken_entry,
    spoken_word,
    voice,
)
from predictions.learning.speech.terms import RATE, Samples
from predictions.learning.speech.training import takes_of, train_words
from predictions.learning.speech.words import WordModel
from predictions.media.sounds import Encoding, write_wav
from predictions.models import Item, ModelVersion, Workflow
from predictions.services.recognisers import register_recogniser
from predictions.services.registry import change_stage
from tests.factories.shipped import make_shipped, store_with_file

SLUG = "spoken-entry"
SAID = ("batch", "four", "seven", "torque", "one", "two", "point", "five")
VOICES = 3


def wav(samples: Samples, rate: int = RATE) -> bytes:
    """Return samples in [-1, 1] as a WAV of 16 bits, one channel."""
    whole = np.clip(np.round(samples * 32_767), -32_768, 32_767).astype("<i2")
    return write_wav(Encoding(1, rate, 2), whole.tobytes())


def said(words: Sequence[str] = SAID, *, seed: int = 1, **how: Any) -> bytes:  # noqa: ANN401 -- as spoken_entry takes them
    """Return a recording of words in a generated voice that the recogniser knows."""
    return wav(spoken_entry(words, voice(seed % VOICES), seed=seed, **how))


@cache
def trained(vocabulary: tuple[str, ...] = tuple(GENERATED_WORDS)) -> WordModel:
    """Train once a process."""
    spoken = [
        (word, who, take)
        for who in range(VOICES)
        for word in vocabulary
        for take in range(4)
    ]
    takes = takes_of(
        [spoken_word(word, voice(who), take) for word, who, take in spoken],
        [word for word, _, _ in spoken],
        [f"voice {who}" for _, who, _ in spoken],
        seed=0,
    )
    return train_words(takes, seed=0)[0]


make_speech_workflow = partial(make_shipped, SLUG)


def make_speech_champion(
    workflow: Workflow, *, by: User, now: datetime
) -> ModelVersion:
    version = register_recogniser(
        workflow=workflow,
        data=trained().to_data(),
        report={},
        name="generated voices",
        by=by,
        now=now,
    )
    return change_stage(
        version=version, to=Stage.CHAMPION, by=by, reason="first", now=now
    )


def store_recording(
    workflow: Workflow, data: bytes, *, external_id: str, by: User, now: datetime
) -> Item:
    """Store an item with a recording, not yet scored."""
    return store_with_file(
        workflow,
        data,
        external_id=external_id,
        features={"worker": "w-1", "station": "A"},
        by=by,
        now=now,
    )
