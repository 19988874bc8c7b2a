"""What a candidate of a training run is; light to import, unlike what trains it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

ENTRY_POINT: Final = "entry_point"


@dataclass(frozen=True, slots=True)
class CandidateSpec:
    """What to train: an algorithm of ours, or code as `package.module:function`.

    `features` are the columns to learn from, in the data's order; none are all.
    """

    algorithm: str
    entry_point: str = ""
    features: tuple[str, ...] = ()
    name: str = ""

    def to_json(self) -> dict[str, object]:
        """Return JSON data that `from_json` reads; equal candidates give equal data."""
        return {
            "algorithm": self.algorithm,
            "entry_point": self.entry_point,
            "features": sorted(self.features),
            "name": self.name,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "CandidateSpec":
        """Read what `to_json` wrote."""
        return cls(
            data["algorithm"],
            data["entry_point"],
            tuple(sorted(data["features"])),
            data["name"],
        )

    @property
    def title(self) -> str:
        """What to call it, also where it has no name."""
        what = self.entry_point or self.algorithm.replace("_", " ")
        n = len(self.features)
        of = f" on {n} feature{'' if n == 1 else 's'}" if n else ""
        return self.name or what + of
