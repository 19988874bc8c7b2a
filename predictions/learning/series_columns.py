"""The columns that are measured of each channel of a window. Imports nothing heavy.

Columns stay as they are: stored values and trained models mean by them. A change of how
one is measured raises `VERSION`.
"""

from dataclasses import dataclass
from typing import Final

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class SeriesColumn:
    """One column; `is_level` where it is a value that the channel itself could have."""

    name: str
    title: str
    description: str
    unit: str = ""
    more_decimals: int = 0
    is_level: bool = False


COLUMNS: Final = (
    SeriesColumn("last", "last", "The newest reading of the window.", is_level=True),
    SeriesColumn("mean", "mean", "Mean of the window's readings.", is_level=True),
    SeriesColumn("min", "least", "The least reading of the window.", is_level=True),
    SeriesColumn("max", "most", "The greatest reading of the window.", is_level=True),
    SeriesColumn(
        "spread",
        "spread",
        "Standard deviation of the window's readings.",
        more_decimals=1,
    ),
    SeriesColumn(
        "slope",
        "slope",
        "How it rises or falls in an hour: least squares.",
        unit="/h",
        more_decimals=1,
    ),
)
