"""Where a value stands, and how it has moved."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from predictions.declaration_features import Feature
from reviewqueue.standing import Earlier, standing_of, trend_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def pulse(**changes: Any) -> Feature:  # noqa: ANN401 -- entries of a workflow file
    reference = [
        {"low": 80, "high": 140, "of": "age", "maximum": 6},
        {"low": 60, "high": 100},
    ]
    known = {"name": "pulse", "type": "number", "unit": "/min", "reference": reference}
    show = {"decimals": 0, "trend": True}
    return Feature.model_validate({**known, "show": show, **changes})


@pytest.mark.parametrize(
    ("features", "side", "words"),
    [
        ({"pulse": 59.9, "age": 40}, "below", "below 60 to 100 /min"),
        ({"pulse": 60, "age": 40}, "within", "within 60 to 100 /min"),
        ({"pulse": 100}, "within", "within 60 to 100 /min"),
        ({"pulse": 101}, "above", "above 60 to 100 /min"),
        ({"pulse": 130, "age": 3}, "within", "within 80 to 140 /min"),
        ({"pulse": 70, "age": 5.9}, "below", "below 80 to 140 /min"),
    ],
)
def test_value_against_its_range(
    features: dict[str, Any], side: str, words: str
) -> None:
    found = standing_of(pulse(), features)
    assert found is not None
    assert (found.side, found.words) == (side, words)
    assert found.is_off == (side != "within")
    assert found.mark


def test_open_ends_are_said_in_words() -> None:
    for reference, value, words in (
        ({"low": 94}, 90, "below 94 /min"),
        ({"low": 94}, 95, "from 94 /min"),
        ({"high": 20}, 95, "above 20 /min"),
        ({"high": 20}, 5, "up to 20 /min"),
    ):
        found = standing_of(pulse(reference=reference), {"pulse": value})
        assert found is not None
        assert found.words == words


@pytest.mark.parametrize("value", [None, True, "60"])
def test_no_value_stands_nowhere(value: object) -> None:
    assert standing_of(pulse(), {"pulse": value}) is None
    assert standing_of(pulse(reference=[]), {"pulse": 70}) is None


def earlier(*values: object) -> list[Earlier]:
    """Return items of an hour ago, two hours ago and so on."""
    return [
        Earlier(NOW - timedelta(hours=hours), {"pulse": value})
        for hours, value in enumerate(values, start=1)
    ]


def test_trend_is_told_from_the_newest_known_value() -> None:
    found = trend_of(pulse(), 120, at=NOW, earlier=earlier(None, 90, 60))
    assert found is not None
    assert found.words.replace("\N{NO-BREAK SPACE}", " ") == "↗ up from 90, 2 h before"
    assert found.points == (0, 0.5, 1)


@pytest.mark.parametrize(("value", "begins"), [(90, "→ as 90"), (80, "↘ down from 90")])
def test_trend_may_go_down_or_nowhere(value: float, begins: str) -> None:
    found = trend_of(pulse(), value, at=NOW, earlier=earlier(90))
    assert found is not None
    assert found.words.startswith(begins)


def test_trend_of_equal_values_is_drawn_level_and_of_eight_at_most() -> None:
    found = trend_of(pulse(), 90, at=NOW, earlier=earlier(*[90] * 12))
    assert found is not None
    assert found.points == (0.5,) * 8


def test_no_trend_without_an_earlier_value_or_a_wish_for_one() -> None:
    assert trend_of(pulse(), 90, at=NOW, earlier=earlier(None)) is None
    assert trend_of(pulse(), None, at=NOW, earlier=earlier(90)) is None
    silent = pulse(show={"decimals": 0})
    assert trend_of(silent, 90, at=NOW, earlier=earlier(80)) is None
