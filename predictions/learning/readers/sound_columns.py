"""What `sound` measures of a recording of speech, in the order of its columns."""

from typing import Final

from predictions.learning.readers.terms import Measured

RECORDING: Final = "As a whole"
SPEECH: Final = "Speech"

SOUND_COLUMNS: Final = (
    Measured("seconds", "Length", "s", minimum=0, decimals=1, group=RECORDING),
    Measured(
        "loudness",
        "Loudness",
        "dB",
        "Of the loudest hundredths of a second, against full scale.",
        maximum=0,
        decimals=0,
        group=SPEECH,
    ),
    Measured(
        "noise",
        "Noise",
        "dB",
        "Of the quietest tenth of the recording, against full scale.",
        maximum=0,
        decimals=0,
        group=RECORDING,
    ),
    Measured(
        "margin",
        "Speech over noise",
        "dB",
        "How far the one stands out from the other.",
        minimum=0,
        decimals=0,
        group=SPEECH,
        important=True,
    ),
    Measured(
        "clipped",
        "Cut off",
        "",
        "Share of the samples that are as loud as can be.",
        minimum=0,
        maximum=1,
        decimals=2,
        group=RECORDING,
        format="percent",
    ),
    Measured(
        "pieces",
        "Pieces of speech",
        "",
        "Sounds with a gap around them: words, if they were said apart.",
        minimum=0,
        decimals=0,
        group=SPEECH,
    ),
)
