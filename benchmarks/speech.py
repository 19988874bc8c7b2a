"""Spoken entries of five words: kept, measured, heard and routed, in the services.

The voice is generated, and so is what the recogniser learnt. There is no raw peer.
"""

from django.utils import timezone

from benchmarks.files import declare_shipped, seconds_to_route
from benchmarks.results import Result, timed
from predictions.enums import Stage
from predictions.learning.speech.generated import spoken_entry, spoken_word, voice
from predictions.learning.speech.terms import DIGITS, RATE, Samples
from predictions.learning.speech.training import takes_of, train_words
from predictions.media.sounds import Encoding, write_wav
from predictions.models import Workflow
from predictions.services.recognisers import register_recogniser
from predictions.services.registry import change_stage

N = 300
VOICES, TAKES = 2, 6
SLUG = "spoken-entry"
WORKER = {"worker": "w-1"}


def run(*, quick: bool = False) -> list[Result]:
    """Time from the bytes of a recording to the stored recommendation and route."""
    n = 30 if quick else N
    workflow = declare_shipped(SLUG)
    _champion(workflow)
    files = [_recording(seed) for seed in range(n + 1)]
    seconds_to_route(
        workflow, files.pop(), WORKER
    )  # the process of the models is started by the first
    return [
        timed(
            "a spoken entry, to its route",
            ours=[seconds_to_route(workflow, one, WORKER) for one in files],
        )
    ]


def _champion(workflow: Workflow) -> None:
    told = [
        (word, who, take)
        for who in range(VOICES)
        for word in DIGITS
        for take in range(TAKES)
    ]
    takes = takes_of(
        [spoken_word(word, voice(who), take) for word, who, take in told],
        [word for word, _, _ in told],
        [str(who) for _, who, _ in told],
        seed=0,
    )
    model, report = train_words(takes, seed=0)
    version = register_recogniser(
        workflow=workflow,
        data=model.to_data(),
        report={"speech": report},
        name="generated",
        by=None,
        now=timezone.now(),
    )
    change_stage(
        version=version,
        to=Stage.CHAMPION,
        by=None,
        reason="benchmark",
        now=timezone.now(),
    )


def _recording(seed: int) -> bytes:
    words = [DIGITS[(seed * 7 + n * 3) % 10] for n in range(5)]
    samples: Samples = spoken_entry(words, voice(seed % VOICES), seed=seed)
    return write_wav(Encoding(1, RATE, 2), (samples * 32_767).astype("<i2").tobytes())
