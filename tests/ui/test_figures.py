from xml.etree import ElementTree

import pytest

from ui import figures


def _parts(svg: str, tag: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter(tag))  # noqa: S314 -- our own drawing


def test_range_strip_marks_the_middle_of_the_range_in_the_middle() -> None:
    svg = figures.range_strip(at=0.5, curve=[1, 4, 2], tone="alarm", label="usual")
    mark = _parts(svg, "line")[-1]
    assert (mark.get("x1"), mark.get("class")) == ("60.0", "stroke-alarm")
    assert _parts(svg, "polyline")[0].get("points") == "2.0,13.5 60.0,3.0 118.0,10.0"
    assert ElementTree.fromstring(svg).get("aria-label") == "usual"  # noqa: S314 -- ours


def test_range_strip_of_a_missing_value_is_a_dashed_line_without_a_mark() -> None:
    svg = figures.range_strip(at=None, curve=[1, 2])
    assert [line.get("class") for line in _parts(svg, "line")] == ["line dash"]
    assert not _parts(svg, "polyline")


@pytest.mark.parametrize("curve", [[], [3], [0, 0, 0]])
def test_range_strip_without_a_distribution_draws_only_the_mark(
    curve: list[float],
) -> None:
    assert not _parts(figures.range_strip(at=2.0, curve=curve), "polyline")


def test_range_strip_escapes_its_label() -> None:
    assert "<b>" not in figures.range_strip(at=0.1, label='"><b>')


@pytest.mark.parametrize(
    ("value", "x", "width", "colour"),
    [
        (0.34, "50.0", "48.0", "fill-alarm"),
        (-0.17, "26.0", "24.0", "fill-good"),
        (0.0, "50.0", "0.8", "fill-alarm"),
    ],
)
def test_contribution_goes_right_when_it_raises_and_left_when_it_lowers(
    value: float, x: str, width: str, colour: str
) -> None:
    bar = _parts(figures.contribution_bar(value=value, largest=0.34), "rect")[0]
    assert (bar.get("x"), bar.get("width"), bar.get("class")) == (x, width, colour)


@pytest.mark.parametrize(
    ("high", "tone"), [(0.015, "stroke-good"), (0.0151, "stroke-alarm")]
)
def test_interval_mark_is_good_only_up_to_the_limit(high: float, tone: str) -> None:
    svg = figures.interval_mark(
        value=0.01, low=0.005, high=high, limit=0.015, top=0.02, label="error 1 %"
    )
    assert _parts(svg, "line")[1].get("class") == tone


def test_rungs_say_how_many_steps_were_climbed() -> None:
    drawn = figures.rungs(step=3, of=5)
    assert drawn.count('class="on"') == 3
    assert 'aria-label="step 3 of 5"' in drawn


def test_sparkline_leaves_out_what_is_not_known() -> None:
    drawn = figures.sparkline(values=[0.0, None, 2.0], label="Ages, 3 readings")

    assert 'aria-label="Ages, 3 readings"' in drawn
    # the greatest is at the top, nothing on the base line
    assert 'points="2.0,17.5 118.0,3.0"' in drawn


def test_sparkline_of_one_value_is_a_dot() -> None:
    drawn = figures.sparkline(values=[1.0], label="One")

    assert "polyline" not in drawn
    assert "<circle" in drawn
