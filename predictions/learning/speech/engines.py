"""The recognisers that there are, made from what an artifact holds."""

from collections.abc import Mapping
from typing import Any, Final

from predictions.learning.speech import pocket, words
from predictions.learning.speech.terms import Recogniser

ENGINES: Final = (words.ENGINE, pocket.ENGINE)


def recogniser_of(data: Mapping[str, Any]) -> Recogniser:
    """Make the recogniser that an artifact describes.

    Raises: ValueError naming what does not fit; Unheard where it is not installed.
    """
    engine = data.get("engine")
    if engine == words.ENGINE:
        return words.model_from_data(data)
    if engine == pocket.ENGINE:
        return pocket.recogniser(data.get("vocabulary", ()))
    raise ValueError(f"engine: one of {', '.join(ENGINES)}")
