"""What a workflow can ask of a model version: the kinds of gates and their bounds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

MIN_N: Final = 30

type Kind = Literal[
    "recall_at_least",
    "precision_at_least",
    "false_positive_rate_at_most",
    "under_rate_at_most",
    "over_rate_at_most",
    "calibration_error_at_most",
    "no_worse_than_champion",
    "latency_p99_ms_at_most",
    "memory_mb_at_most",
    "no_leaking_columns",
    "schema_match",
    "artifact_safety",
]
type Among = Literal["all", "positives", "others"]

KINDS: Final[tuple[str, ...]] = get_args(Kind.__value__)
AMONG: Final[tuple[str, ...]] = get_args(Among.__value__)
WITHOUT_BOUND: Final = ("no_leaking_columns", "schema_match", "artifact_safety")
OF_ORDERED: Final = ("under_rate_at_most", "over_rate_at_most")
AMOUNTS: Final = ("latency_p99_ms_at_most", "memory_mb_at_most")


@dataclass(frozen=True, slots=True)
class Gate:
    """One demand on a model version, in its workflow's terms.

    `bound`: a share in 0..1, milliseconds, megabytes (10^6 bytes); of
    `no_worse_than_champion`, by how much the share of right answers may be lower; None
    where there is nothing to bound. `among` the rows on which to compare with the
    champion: all, those whose truth is positive (recall), or the others (false-positive
    rate). `segments` are those in which to compare; none are all rows together. Fewer
    than `min_n` rows are too few, whatever they say.
    """

    kind: Kind
    bound: float | None = None
    among: Among = "all"
    segments: tuple[str, ...] = ()
    min_n: int = MIN_N

    def key(self, segment: str | None = None) -> str:
        """Return what its result in a segment is called: kind, among and segment."""
        among = () if self.among == "all" else (self.among,)
        return ":".join([self.kind, *among, *([segment] if segment else [])])

    def result_keys(self) -> tuple[str, ...]:
        """Return what its results are called, one a segment."""
        return tuple(self.key(one) for one in self.segments) or (self.key(),)

    def to_json(self) -> dict[str, object]:
        """Return the gate as JSON data, which `from_json` reads back."""
        return {
            "kind": self.kind,
            "bound": self.bound,
            "among": self.among,
            "segments": list(self.segments),
            "min_n": self.min_n,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> "Gate":
        """Read a gate from JSON data.

        Raises: ValueError naming the field, the rule and the value.
        """
        kind, among = data.get("kind"), data.get("among", "all")
        segments, min_n = data.get("segments", []), data.get("min_n", MIN_N)
        if kind not in KINDS:
            raise ValueError(f"kind: must be one of {KINDS}, got {kind!r}")
        if among not in AMONG:
            raise ValueError(f"among: must be one of {AMONG}, got {among!r}")
        if not isinstance(segments, list) or not all(
            isinstance(one, str) for one in segments
        ):
            raise ValueError(f"segments: must be a list of texts, got {segments!r}")
        if not isinstance(min_n, int) or isinstance(min_n, bool) or min_n < 1:
            raise ValueError(f"min_n: must be a whole number from 1, got {min_n!r}")
        return cls(
            cast("Kind", kind),
            _bound_from_json(str(kind), data.get("bound")),
            cast("Among", among),
            tuple(segments),
            min_n,
        )


def _bound_from_json(kind: str, bound: object) -> float | None:
    if kind in WITHOUT_BOUND:
        if bound is not None:
            raise ValueError(f"bound: {kind} has none, got {bound!r}")
        return None
    most = math.inf if kind in AMOUNTS else 1.0
    is_number = isinstance(bound, int | float) and not isinstance(bound, bool)
    if not is_number or not 0 <= cast("float", bound) <= most:
        rule = "a number from 0" if kind in AMOUNTS else "a number from 0 to 1"
        raise ValueError(f"bound: {kind} needs {rule}, got {bound!r}")
    return float(cast("float", bound))
