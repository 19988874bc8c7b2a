"""How the champion does on all items, reviewed or not: a block of the dashboard."""

from dataclasses import dataclass
from typing import Final

from reviewqueue.queries.estimates import AllItems, Estimate
from ui import numbers

_RATES: Final = (
    ("accuracy", "Right", "recommendations on the right side"),
    ("precision", "Precision", "truly positive, of those said to be"),
    ("recall", "Recall", "said to be positive, of those that are"),
    ("false_positive_rate", "False positives", "said to be, of those that are not"),
    ("prevalence", "Truly positive", "of all items"),
    ("under", "Said lower than true", "of all items"),
    ("over", "Said higher than true", "of all items"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One estimate in words; both empty where nothing is known."""

    value: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class MeasureRow:
    name: str
    of: str
    by_people: Cell
    by_outcomes: Cell | None = None  # readings have none


class AllItemsPart:
    """Estimates over all items that the champion routed in the window."""

    def __init__(self, figures: AllItems) -> None:
        self.figures = figures

    @property
    def has_any(self) -> bool:
        found = self.figures
        groups = found.by_people, found.by_outcomes
        return any(one.accuracy.n for one in groups) or bool(
            found.shown.n or found.blind.n
        )

    @property
    def has_outcomes(self) -> bool:
        return self.figures.by_outcomes.accuracy.n > 0

    @property
    def rows(self) -> list[MeasureRow]:
        found = self.figures
        return [
            MeasureRow("Confirmed when shown", "as readers would", _cell(found.shown)),
            MeasureRow("Agreed when blind", "as readers would", _cell(found.blind)),
            *(
                MeasureRow(
                    name,
                    of,
                    _cell(getattr(found.by_people, key)),
                    _cell(getattr(found.by_outcomes, key)),
                )
                for key, name, of in _RATES
                if getattr(found.by_people, key) is not None
            ),
        ]


def _cell(found: Estimate | None) -> Cell:
    if found is None or found.share is None or found.low is None or found.high is None:
        return Cell()
    note = (
        f"n = {numbers.thousands(found.n)}, {numbers.interval(found.low, found.high)}"
    )
    return Cell(numbers.percent(found.share), f"({note})")
