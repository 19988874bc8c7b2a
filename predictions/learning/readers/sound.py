"""Measure a recording of speech: how loud, how noisy, and what is wrong with it."""

from predictions.learning.readers.terms import Reading, Unreadable
from predictions.learning.speech.sound import listen, open_sound
from predictions.learning.speech.terms import RATE
from predictions.media.terms import MediaRefused

_MOST_SHOWN = 200


def read(data: bytes) -> Reading:
    """Measure a WAV; the evidence has the pieces in ms, and the problem, if any.

    Raises: Unreadable.
    """
    try:
        sound = open_sound(data)
    except MediaRefused as error:
        raise Unreadable(error.rule) from error
    found = listen(sound)
    values = {
        "seconds": sound.seconds,
        "loudness": min(0.0, found.loudness_db),
        "noise": min(0.0, found.noise_db),
        "margin": max(0.0, found.loudness_db - found.noise_db),
        "clipped": sound.clipped,
        "pieces": float(len(found.pieces)),
    }
    pieces = [[round(at * 1000 / RATE) for at in piece] for piece in found.pieces]
    return Reading(
        {name: round(value, 4) for name, value in values.items()},
        {"problem": found.problem, "pieces": pieces[:_MOST_SHOWN]},
    )
