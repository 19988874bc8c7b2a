"""Gates: exact verdicts, data and words, and how seldom an unfit model passes."""

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom

from predictions.learning.evaluation import Confusion, clopper_pearson
from predictions.learning.gate_figures import (
    CalibrationError,
    Figures,
    Paired,
    calibration_error,
)
from predictions.learning.gate_terms import Gate
from predictions.learning.gates import GateResult, evaluate, overall
from predictions.learning.weighted_calls import WeightedSteps

RECALL = Gate("recall_at_least", 0.9)


def of(gate: Gate, figures: Figures) -> GateResult:
    (result,) = evaluate([gate], figures)
    return result


def recall_of(k: int, n: int) -> Figures:
    return Figures(calls=Confusion(k, 0, n - k, 0))


@pytest.mark.parametrize(
    ("k", "n", "verdict"),
    [
        (0, 0, "too_few"),
        (29, 29, "too_few"),
        (95, 100, "too_few"),
        (190, 200, "passed"),
        (89, 100, "failed"),
        (20, 29, "too_few"),
    ],
)
def test_recall_passes_with_its_whole_interval(k: int, n: int, verdict: str) -> None:
    result = of(RECALL, recall_of(k, n))
    assert (result.verdict, result.n) == (verdict, n)
    assert (result.more_needed is None) == (verdict != "too_few")


def test_words_say_figure_bound_and_what_is_missing() -> None:
    result = of(RECALL, recall_of(95, 100))
    assert result.says == (
        "Recall: 0.95 (0.8872 to 0.9836, n = 100); at least 0.9 asked. About 67 more"
        " positives would decide."
    )
    assert result.more_needed == 67
    assert clopper_pearson(95 * 167 // 100, 167).low >= 0.9
    assert clopper_pearson(95 * 166 // 100, 166).low < 0.9
    at_bound = of(RECALL, recall_of(90, 100))
    assert (at_bound.verdict, at_bound.more_needed) == ("too_few", None)
    assert at_bound.says.endswith("No number of positives would decide.")
    assert of(RECALL, Figures()).says == "Recall: not measured."


def test_precision_and_false_positive_rate_are_of_their_own_rows() -> None:
    calls = Figures(calls=Confusion(480, 20, 10, 990))
    precision = of(Gate("precision_at_least", 0.9), calls)
    assert (precision.value, precision.n, precision.verdict) == (0.96, 500, "passed")
    wrongly = of(Gate("false_positive_rate_at_most", 0.05), calls)
    assert wrongly.value == pytest.approx(20 / 1010)
    assert wrongly.n == 1010
    assert wrongly.verdict == "passed"
    assert of(Gate("false_positive_rate_at_most", 0.019), calls).verdict == "failed"
    assert of(Gate("false_positive_rate_at_most", 0.02), calls).verdict == "too_few"


def test_under_and_over_are_of_all_rows_and_no_answer_counts_in_both() -> None:
    steps = WeightedSteps(
        said=np.repeat([0, 1, 2, -1], [20, 460, 10, 10]),
        truth=np.ones(500, dtype=np.int64),
        weights=np.ones(500),
    )
    figures = Figures(steps=steps)
    under = of(Gate("under_rate_at_most", 0.1), figures)
    assert under.value == pytest.approx(0.06)
    assert (under.n, under.verdict) == (500, "passed")
    over = of(Gate("over_rate_at_most", 0.03), figures)
    assert over.value == pytest.approx(0.04)
    assert over.verdict == "failed"
    assert of(Gate("over_rate_at_most", 0.05), figures).verdict == "too_few"
    assert of(Gate("over_rate_at_most", 0.05), Figures()).says == (
        "Share said higher than true: not measured."
    )


def test_under_is_of_what_rows_stand_for() -> None:
    steps = WeightedSteps(
        said=np.array([0, 1] * 50),
        truth=np.ones(100, dtype=np.int64),
        weights=np.array([3.0, 1.0] * 50),
    )
    assert steps.under.value == pytest.approx(0.75)
    assert steps.under.n < 100
    assert steps.over.value == 0


def test_calibration_above_its_bound_by_chance_is_too_few() -> None:
    gate = Gate("calibration_error_at_most", 0.05)
    for found, verdict in (
        (CalibrationError(0.02, 0.01, 0.04, 900, 0.03), "passed"),
        (CalibrationError(0.04, 0.03, 0.06, 900, 0.03), "too_few"),
        (CalibrationError(0.06, 0.04, 0.08, 900, 0.03), "failed"),
        (CalibrationError(0.06, 0.04, 0.08, 90, 0.09), "too_few"),
    ):
        assert of(gate, Figures(calibration=found)).verdict == verdict
    assert result_n(gate, CalibrationError(0.04, 0.03, 0.06, 900, 0.03)) == 2700
    assert result_n(gate, CalibrationError(0.06, 0.04, 0.08, 90, 0.09)) == 113


def result_n(gate: Gate, found: CalibrationError) -> int | None:
    return of(gate, Figures(calibration=found)).more_needed


def paired(won: int, lost: int, n: int, *, n_positive: int = 0) -> Paired:
    candidate, champion = np.ones(n, bool), np.ones(n, bool)
    champion[:won] = False
    candidate[won : won + lost] = False
    is_positive = np.arange(n) < n_positive
    night = np.arange(n) >= n // 2
    return Paired(candidate, champion, is_positive, {"night": night})


def test_no_worse_is_judged_in_every_segment_on_the_same_rows() -> None:
    gate = Gate("no_worse_than_champion", 0.02, segments=("night", "nowhere"))
    rows = paired(0, 0, 1000)
    rows.candidate[700:750] = False
    night, nowhere = evaluate([gate], Figures(paired=rows))
    assert (night.segment, night.n, night.value) == ("night", 500, -0.1)
    assert night.verdict == "failed"
    assert night.says == (
        "Right answers less the champion's in night: -0.1 (-0.1294 to -0.07668,"
        " n = 500); at least -0.02 asked."
    )
    assert (nowhere.verdict, nowhere.n, nowhere.more_needed) == ("too_few", 0, 30)
    assert overall([night, nowhere]) == "failed"
    assert overall([nowhere]) == "too_few"


@pytest.mark.parametrize(
    ("won", "lost", "n", "verdict"),
    [
        (0, 0, 100, "too_few"),  # -0.037
        (0, 0, 200, "passed"),
        (30, 10, 500, "passed"),
        (13, 13, 500, "too_few"),
        (0, 11, 500, "failed"),
    ],
)
def test_no_worse_over_all_rows(won: int, lost: int, n: int, verdict: str) -> None:
    gate = Gate("no_worse_than_champion", 0.02)
    result = of(gate, Figures(paired=paired(won, lost, n)))
    assert (result.segment, result.n, result.verdict) == (None, n, verdict)


def test_no_worse_among_positives_or_others() -> None:
    rows = paired(0, 30, 1000, n_positive=300)
    for among, n, value in (("positives", 300, -0.1), ("others", 700, 0.0)):
        gate = Gate("no_worse_than_champion", 0.02, among=among)
        result = of(gate, Figures(paired=rows))
        assert (result.n, result.value) == (n, value)


def test_first_model_is_no_worse_than_nobody() -> None:
    gate = Gate("no_worse_than_champion", 0.02)
    assert of(gate, Figures(has_champion=False)).verdict == "passed"
    assert of(gate, Figures()).verdict == "too_few"


def test_latency_needs_368_values_and_their_99th_percentile() -> None:
    gate = Gate("latency_p99_ms_at_most", 50.0)
    few = of(gate, Figures(latencies_ms=np.full(367, 10.0)))
    assert (few.verdict, few.more_needed, few.high) == ("too_few", 1, math.inf)
    assert few.to_json()["high"] is None
    assert of(gate, Figures(latencies_ms=np.full(368, 10.0))).verdict == "passed"
    slow = np.where(np.arange(1000) < 20, 80.0, 10.0)
    assert of(gate, Figures(latencies_ms=slow)).verdict == "failed"
    assert of(gate, Figures(latencies_ms=np.empty(0))).verdict == "too_few"


def test_memory_schema_and_artifact_have_no_interval() -> None:
    figures = Figures(
        peak_memory_mb=300.0,
        schema_problems=(),
        artifact_problems=("types that nobody has trusted: os.system",),
    )
    results = evaluate(
        [
            Gate("memory_mb_at_most", 300.0),
            Gate("memory_mb_at_most", 299.0),
            Gate("schema_match"),
            Gate("artifact_safety"),
        ],
        figures,
    )
    assert [r.verdict for r in results] == ["passed", "failed", "passed", "failed"]
    assert results[2].says == "Schema: nothing wrong."
    assert results[3].says == "Artifact: types that nobody has trusted: os.system."
    assert evaluate([Gate("schema_match")], Figures())[0].verdict == "too_few"
    assert overall(()) == "passed"


def test_gate_survives_json() -> None:
    gate = Gate("no_worse_than_champion", 0.02, "positives", ("night",), 50)
    assert Gate.from_json(json.loads(json.dumps(gate.to_json()))) == gate
    result = of(gate, Figures(paired=paired(1, 2, 100)))
    assert json.loads(json.dumps(result.to_json(), allow_nan=False))["bound"] == 0.02


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ({"kind": "magic"}, r"^kind: must be one of"),
        ({"kind": "recall_at_least"}, r"^bound: recall_at_least needs .* 0 to 1, got"),
        ({"kind": "recall_at_least", "bound": 90}, r"0 to 1, got 90$"),
        ({"kind": "recall_at_least", "bound": True}, r"got True$"),
        ({"kind": "memory_mb_at_most", "bound": -1}, r"a number from 0, got -1$"),
        ({"kind": "schema_match", "bound": 1}, r"schema_match has none, got 1$"),
        ({"kind": "schema_match", "among": "x"}, r"^among: "),
        ({"kind": "schema_match", "segments": "x"}, r"^segments: .* got 'x'$"),
        ({"kind": "schema_match", "min_n": 0}, r"^min_n: .* got 0$"),
    ],
)
def test_gate_that_is_none_is_refused(data: dict[str, object], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Gate.from_json(data)


# What gates promise: a model that is just not good enough seldom passes.
RISK = 0.025
RUNS = 800


def n_passed(gate: Gate, figures: Callable[[np.random.Generator], Figures]) -> int:
    rng = np.random.default_rng(11)
    return sum(of(gate, figures(rng)).verdict == "passed" for _ in range(RUNS))


@pytest.mark.parametrize("n", [30, 77, 200, 1000])
@pytest.mark.parametrize("rate", [0.5, 0.9, 0.99])
def test_rate_gate_passes_an_unfit_model_as_seldom_as_stated(
    n: int, rate: float
) -> None:
    gate = Gate("recall_at_least", rate)
    chances = binom.pmf(np.arange(n + 1), n, rate)
    verdicts = [of(gate, recall_of(k, n)).verdict for k in range(n + 1)]
    passed = np.array([verdict == "passed" for verdict in verdicts])
    assert chances @ passed <= RISK
    # what the interval is for: the figure alone passes every other time
    assert chances[math.ceil(rate * n) :].sum() > 0.3


@pytest.mark.parametrize(
    ("won", "margin", "n"),
    [(0.0, 0.02, 200), (0.0, 0.05, 60), (0.05, 0.02, 400), (0.2, 0.1, 30)],
)
def test_champion_gate_passes_a_worse_model_as_seldom_as_stated(
    won: float, margin: float, n: int
) -> None:
    shares = [won, won + margin, 1 - 2 * won - margin]
    drawn = np.random.default_rng(5).multinomial(n, shares, size=4000)
    kinds, times = np.unique(drawn[:, :2], axis=0, return_counts=True)
    gate = Gate("no_worse_than_champion", margin)
    passed = np.array(
        [of(gate, Figures(paired=paired(*k, n))).verdict == "passed" for k in kinds]
    )
    most = binom.ppf(0.999, 4000, 0.03)
    assert times @ passed <= most
    # Wald's interval has no width where the two never differ
    d = (kinds[:, 0] - kinds[:, 1]) / n
    half = 1.96 * np.sqrt(np.maximum(kinds.sum(axis=1) / n - d**2, 0) / n)
    if won == 0:
        assert times @ (d - half >= -margin) > 1.5 * most


def test_calibration_gate_passes_an_unfit_model_as_seldom_as_stated() -> None:
    bound, n, runs = 0.05, 1000, 150
    gate = Gate("calibration_error_at_most", bound)
    rng = np.random.default_rng(3)
    n_passed = n_by_figure = 0
    for seed in range(runs):
        said = rng.uniform(0.1, 0.9, n)
        # said too much in one half and too little in the other
        truth = rng.random(n) < said + np.where(said < 0.5, bound, -bound)
        found = calibration_error(said, truth, seed=seed)
        n_passed += of(gate, Figures(calibration=found)).verdict == "passed"
        n_by_figure += found.value <= bound
    assert n_passed <= binom.ppf(0.999, runs, RISK)
    assert n_by_figure > 2 * binom.ppf(0.999, runs, RISK)


def test_latency_gate_passes_a_slow_model_as_seldom_as_stated() -> None:
    bound = 50.0
    gate = Gate("latency_p99_ms_at_most", bound)
    scale = bound / -math.log(0.01)  # whose 99th percentile is the bound

    def drawn(rng: np.random.Generator) -> Figures:
        return Figures(latencies_ms=rng.exponential(scale, 600))

    assert n_passed(gate, drawn) <= binom.ppf(0.999, RUNS, RISK)
    rng = np.random.default_rng(11)
    below = [np.quantile(drawn(rng).latencies_ms, 0.99) <= bound for _ in range(RUNS)]
    assert sum(below) > 0.3 * RUNS
