"""What a model version must show before it may go on: gates and their verdicts.

A gate passes when its figure is on the right side of its bound with its whole 95 %
interval: a model that is just not good enough passes with a chance of at most 2.5 %
(under 3 % against the champion, whose interval is not exact). As all gates must pass,
the chance for all of them is no higher, and nothing needs to be shared out over them
(intersection-union test, Berger 1982).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from predictions.learning.evaluation import (
    Difference,
    Rate,
    clopper_pearson,
)
from predictions.learning.gate_figures import (
    Figures,
    Paired,
    order_numbers,
    paired_difference,
    quantile_interval,
)
from predictions.learning.gate_terms import Gate, Kind

LATENCY_QUANTILE: Final = 0.99
MAX_N: Final = 10_000_000

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]
type Verdict = Literal["passed", "failed", "too_few"]


@dataclass(frozen=True, slots=True)
class GateResult:
    """What one gate, in one segment, found; `value`, `low`, `high` NaN without any.

    `failed`: the figure is on the wrong side of the bound. `too_few`: it is not, but
    its interval reaches across, or there are fewer rows than the gate asks for;
    `more_needed` rows would decide if they found the same, None when no number would.
    """

    gate: Gate
    segment: str | None
    value: float
    low: float
    high: float
    n: int
    verdict: Verdict
    more_needed: int | None
    says: str

    def to_json(self) -> dict[str, object]:
        """Return the result as JSON data, with null for what is not a number."""
        return {
            "key": self.gate.key(self.segment),
            **self.gate.to_json(),
            "segment": self.segment,
            "value": _or_null(self.value),
            "low": _or_null(self.low),
            "high": _or_null(self.high),
            "n": self.n,
            "verdict": self.verdict,
            "more_needed": self.more_needed,
            "says": self.says,
        }


def evaluate(gates: Sequence[Gate], figures: Figures) -> tuple[GateResult, ...]:
    """Return each gate's result, in order; one for each segment that a gate names.

    Rates: Clopper-Pearson intervals, so that the promise above holds at every n.
    Calibration: as `calibration_error`; a figure above the bound that a perfect model
    would show at this n is `too_few`. No worse than the champion: as
    `paired_difference`. Latency: as `quantile_interval`. Memory, schema and artifact
    have no interval. What was not measured is `too_few`, or failed where the model gave
    no scores.
    Source: own.
    """
    return tuple(
        result for gate in gates for result in _JUDGES[gate.kind](gate, figures)
    )


def overall(results: Sequence[GateResult]) -> Verdict:
    """Return `failed` when any gate did, else `too_few` when any had, else `passed`."""
    verdicts = {result.verdict for result in results}
    if "failed" in verdicts:
        return "failed"
    return "too_few" if "too_few" in verdicts else "passed"


def _rate(gate: Gate, figures: Figures) -> list[GateResult]:
    what, rows, counted = _RATES[gate.kind]
    found = counted(figures)
    if found is None:
        return [_not_measured(gate, what, figures)]
    bound, at_least, k, n = _bound(gate), gate.kind.endswith("least"), found.k, found.n

    def passes(total: int) -> bool:
        # as many as asked, of as many more rows; in doubt one fewer right
        right = k * total // n if at_least else -(-k * total // n)
        low, high = clopper_pearson(right, total)
        return low >= bound if at_least else high <= bound

    figure = Difference(found.value, *clopper_pearson(k, n))
    is_wrong = found.value < bound if at_least else found.value > bound
    words = (what, rows, f"at {'least' if at_least else 'most'} {bound:g}")
    return [_judged(gate, words, figure, n, is_wrong, passes)]


def _calibration(gate: Gate, figures: Figures) -> list[GateResult]:
    what, found = "calibration error", figures.calibration
    if found is None:
        return [_not_measured(gate, what, figures)]
    bound = _bound(gate)
    # what a perfect model shows at this n is no failure
    is_wrong = found.value > max(bound, found.by_chance)

    def passes(total: int) -> bool:
        shrunk = math.sqrt(found.n / total)
        if found.value > bound:  # too high, but so would be a perfect model's
            return found.by_chance * shrunk < found.value
        return found.value + (found.high - found.value) * shrunk <= bound

    figure = Difference(found.value, found.low, found.high)
    words = (what, "rows", f"at most {bound:g}")
    return [_judged(gate, words, figure, found.n, is_wrong, passes)]


def _no_worse(gate: Gate, figures: Figures) -> list[GateResult]:
    if not figures.has_champion:
        says = "There is no champion to be worse than."
        return [_plain(gate, "passed", math.nan, 0, says)]
    paired = figures.paired
    if paired is None:
        what = "the difference to the champion"
        return [_not_measured(gate, what, figures)]
    nobody = np.zeros(paired.is_positive.size, dtype=np.bool_)
    inside: dict[str | None, Flags] = {None: ~nobody}
    if gate.segments:
        inside = {name: paired.segments.get(name, nobody) for name in gate.segments}
    among = {
        "all": ~nobody,
        "positives": paired.is_positive,
        "others": ~paired.is_positive,
    }[gate.among]
    return [
        _compared(gate, name, paired.of(rows & among)) for name, rows in inside.items()
    ]


def _compared(gate: Gate, segment: str | None, paired: Paired) -> GateResult:
    margin = _bound(gate)
    won, lost, n = paired.counts()

    def passes(total: int) -> bool:
        figure = paired_difference(won * total // n, -(-lost * total // n), total)
        return figure.low >= -margin

    figure = paired_difference(won, lost, n)
    what = "right answers less the champion's" + (f" in {segment}" if segment else "")
    words = (what, "rows", f"at least {0 - margin:g}")
    is_wrong = figure.value < -margin
    return _judged(gate, words, figure, n, is_wrong, passes, segment)


def _latency(gate: Gate, figures: Figures) -> list[GateResult]:
    what, values = "99th percentile of latency in ms", figures.latencies_ms
    if values is None:
        return [_not_measured(gate, what, figures)]
    bound, n, ordered = _bound(gate), values.size, np.sort(values)
    value = math.nan
    if n:
        value = float(np.quantile(ordered, LATENCY_QUANTILE, method="inverted_cdf"))

    def passes(total: int) -> bool:
        at = order_numbers(total, LATENCY_QUANTILE)[1]
        return at <= total and ordered[-(-at * n // total) - 1] <= bound

    figure = Difference(value, *quantile_interval(ordered, LATENCY_QUANTILE))
    words = (what, "latencies", f"at most {bound:g}")
    return [_judged(gate, words, figure, n, value > bound, passes)]


def _memory(gate: Gate, figures: Figures) -> list[GateResult]:
    peak, bound = figures.peak_memory_mb, _bound(gate)
    if peak is None:
        return [_not_measured(gate, "memory", figures)]
    verdict: Verdict = "passed" if peak <= bound else "failed"
    says = f"Memory in MB: {peak:.1f}; at most {bound:g} asked."
    return [_plain(gate, verdict, peak, 1, says)]


def _schema(gate: Gate, figures: Figures) -> list[GateResult]:
    return [_listed(gate, "schema", figures.schema_problems)]


def _leaks(gate: Gate, figures: Figures) -> list[GateResult]:
    return [_listed(gate, "leaking columns", figures.leaks)]


def _artifact(gate: Gate, figures: Figures) -> list[GateResult]:
    return [_listed(gate, "artifact", figures.artifact_problems)]


def _listed(gate: Gate, what: str, problems: Sequence[str] | None) -> GateResult:
    if problems is None:
        return _not_measured(gate, what, Figures())
    verdict: Verdict = "failed" if problems else "passed"
    says = f"{what.capitalize()}: {'; '.join(problems) or 'nothing wrong'}"
    says += "" if says.endswith("?") else "."
    return _plain(gate, verdict, float(len(problems)), 1, says)


def _judged(
    gate: Gate,
    words: tuple[str, str, str],
    figure: Difference,
    n: int,
    is_wrong: bool,
    passes: Callable[[int], bool],
    segment: str | None = None,
) -> GateResult:
    """Judge a figure with its interval; `passes` says it of the same at any n."""
    what, rows, asked = words
    verdict: Verdict = "too_few"
    if n >= gate.min_n and (is_wrong or passes(n)):
        verdict = "failed" if is_wrong else "passed"
    more = None
    if verdict == "too_few":
        more = gate.min_n - n if n == 0 or is_wrong else _more(n, gate.min_n, passes)
    says = f"{what[0].upper()}{what[1:]}: {_in_numbers(figure, n)}; {asked} asked."
    if verdict == "too_few":
        about = "No number of" if more is None else f"About {more} more"
        says += f" {about} {rows} would decide."
    return GateResult(gate, segment, *figure, n, verdict, more, says)


def _more(n: int, min_n: int, passes: Callable[[int], bool]) -> int | None:
    """Return how many more rows with the same figure pass; None beyond ten million."""
    high = max(n, min_n)
    low = high - 1
    while not passes(high):
        if high >= MAX_N:
            return None
        low, high = high, min(2 * high, MAX_N)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high - n


def _not_measured(gate: Gate, what: str, figures: Figures) -> GateResult:
    """Say that there is no figure; a model that gave none has failed."""
    says = f"{what[0].upper()}{what[1:]}: not measured"
    if figures.failure:
        return _plain(gate, "failed", math.nan, 0, f"{says}: {figures.failure}.")
    return _plain(gate, "too_few", math.nan, 0, f"{says}.")


def _plain(gate: Gate, verdict: Verdict, value: float, n: int, says: str) -> GateResult:
    return GateResult(gate, None, value, math.nan, math.nan, n, verdict, None, says)


def _in_numbers(figure: Difference, n: int) -> str:
    if n == 0:
        return "no rows"
    value, low, high = (
        "no end" if math.isinf(number) else f"{number:.4g}" for number in figure
    )
    return f"{value} ({low} to {high}, n = {n})"


def _bound(gate: Gate) -> float:
    if gate.bound is None:
        raise ValueError(f"bound: {gate.kind} needs one")
    return gate.bound


def _or_null(value: float) -> float | None:
    return value if math.isfinite(value) else None


_RATES: Final[dict[Kind, tuple[str, str, Callable[[Figures], Rate | None]]]] = {
    "recall_at_least": (
        "recall",
        "positives",
        lambda one: one.calls.recall if one.calls else None,
    ),
    "precision_at_least": (
        "precision",
        "positive calls",
        lambda one: one.calls.precision if one.calls else None,
    ),
    "false_positive_rate_at_most": (
        "false-positive rate",
        "negatives",
        lambda one: one.calls.false_positive_rate if one.calls else None,
    ),
    "under_rate_at_most": (
        "share said lower than true",
        "rows",
        lambda one: one.steps.under if one.steps else None,
    ),
    "over_rate_at_most": (
        "share said higher than true",
        "rows",
        lambda one: one.steps.over if one.steps else None,
    ),
}
_JUDGES: Final[dict[Kind, Callable[[Gate, Figures], list[GateResult]]]] = {
    "recall_at_least": _rate,
    "precision_at_least": _rate,
    "false_positive_rate_at_most": _rate,
    "under_rate_at_most": _rate,
    "over_rate_at_most": _rate,
    "calibration_error_at_most": _calibration,
    "no_worse_than_champion": _no_worse,
    "latency_p99_ms_at_most": _latency,
    "memory_mb_at_most": _memory,
    "no_leaking_columns": _leaks,
    "schema_match": _schema,
    "artifact_safety": _artifact,
}
