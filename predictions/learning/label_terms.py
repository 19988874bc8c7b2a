"""How the labels of a workflow stand to each other: in order, and by their costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class LabelTerms:
    """`order`: the labels from the lowest on; none where they have no order.

    `costs`: what an error costs, by the true label, then by the one that was said.
    `sensitivity`: the share of positives, below 1, that a threshold is to find.
    """

    order: tuple[str, ...] = ()
    costs: Mapping[str, Mapping[str, float]] | None = None
    sensitivity: float | None = None

    def cost_rows(
        self, truths: Sequence[str], said: Sequence[str]
    ) -> list[list[float]] | None:
        """Return the costs of saying each label, a row for each truth; None without.

        Raises: KeyError for a label that has no costs.
        """
        if self.costs is None:
            return None
        return [[self.costs[truth][one] for one in said] for truth in truths]

    def to_json(self) -> dict[str, object]:
        """Return the terms as JSON data, which `from_json` reads back."""
        return {
            "order": list(self.order),
            "costs": self.costs and {key: dict(row) for key, row in self.costs.items()},
            "sensitivity": self.sensitivity,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "LabelTerms":
        """Read what `to_json` returned."""
        return cls(tuple(data["order"]), data["costs"], data["sensitivity"])


NO_TERMS = LabelTerms()
