"""Charts: marks where the numbers say, words for who cannot see them."""

import re
from xml.etree import ElementTree as ET

import pytest

from reviewqueue.chart_scales import BOTTOM, LEFT, RIGHT, TOP, Point, nice_step
from reviewqueue.charts import amount_chart, count_chart, dot_chart, rate_chart

DAYS = [
    Point("1 Mar", 0.5, "1 Mar: half", "/a?x=1&y=2", 0.25, 0.75),
    Point("2 Mar", None, ""),
    Point("3 Mar", 1.0, "3 Mar: all", "/b", 0.75, 1.0),
    Point("4 Mar", 0.75, "4 Mar: most", "", 0.5, 1.0),
]


def parsed(drawn: str) -> ET.Element:
    return ET.fromstring(drawn)  # noqa: S314 -- ours


def test_dots_stand_where_their_values_are() -> None:
    svg = parsed(rate_chart(DAYS, title="Confirmed", unit="% of judged, by day"))

    dots = [(float(c.get("cx", 0)), float(c.get("cy", 0))) for c in svg.iter("circle")]
    width = (RIGHT - LEFT) / 4
    middle = (TOP + BOTTOM) / 2
    places = [LEFT + (i + 0.5) * width for i in (0, 2, 3)]
    assert [x for x, _ in dots] == pytest.approx(places, abs=0.1)
    assert [y for _, y in dots] == [middle, TOP, (TOP + middle) / 2]


def test_line_breaks_where_there_is_nothing() -> None:
    svg = parsed(rate_chart(DAYS, title="Confirmed", unit="%"))

    traces = [line.get("points", "").count(",") for line in svg.iter("polyline")]
    areas = [area.get("points", "").count(",") for area in svg.iter("polygon")]
    assert (traces, areas) == ([2], [4])


def test_marks_lead_to_their_cases_outside_the_tab_order() -> None:
    svg = parsed(rate_chart(DAYS, title="Confirmed", unit="%"))

    assert [
        (a.get("href"), a.get("aria-label"), a.get("tabindex")) for a in svg.iter("a")
    ] == [("/a?x=1&y=2", "1 Mar: half", "-1"), ("/b", "3 Mar: all", "-1")]
    assert [g.get("aria-label") for g in svg.iter("g")] == ["4 Mar: most"]


def test_words_say_what_the_line_does() -> None:
    svg = parsed(rate_chart(DAYS, title="Confirmed", unit="%"))

    assert svg.get("aria-label") == (
        "Confirmed: 50 % on 1 Mar, 75 % on 4 Mar; "
        "least 50 % on 1 Mar, most 100 % on 3 Mar"
    )


def test_series_beside_has_its_own_line_and_intervals() -> None:
    blind = [
        Point("1 Mar", 0.25, "1 Mar: a quarter", "/c", 0.0, 0.5),
        *DAYS[1:3],
        Point("4 Mar", 0.5, "4 Mar: half", "/d", 0.25, 0.75),
    ]

    drawn = rate_chart(
        DAYS, title="Confirmed", unit="%", names=("shown", "blind"), beside=blind
    )

    svg = parsed(drawn)
    assert drawn.count("series-2 dot") == 3
    assert drawn.count("series-2 whisker") == 3
    assert drawn.count("series-2 trace") == 1
    assert ("/c", "1 Mar: a quarter") in [
        (a.get("href"), a.get("aria-label")) for a in svg.iter("a")
    ]
    words = svg.get("aria-label", "")
    assert words.startswith("Confirmed: shown 50 % on 1 Mar, 75 % on 4 Mar; ")
    assert "; blind 25 % on 1 Mar, 50 % on 4 Mar; least 25 % on 1 Mar" in words


@pytest.mark.parametrize(
    ("low", "first"), [(0.1, "0 %"), (0.6, "50 %"), (0.85, "80 %"), (0.95, "90 %")]
)
def test_axis_begins_below_every_interval(low: float, first: str) -> None:
    point = Point("1 Mar", 0.97, "", "", low, 0.99)

    words = re.findall(
        r">([^<]+)</text>", rate_chart([point], title="Confirmed", unit="share")
    )

    assert words[0] == first
    assert {"100 %", "share", "1 Mar"} <= set(words)


def test_bars_reach_their_counts_and_zero_has_none() -> None:
    bars = [Point("1 Mar", 0, ""), Point("2 Mar", 40, "40"), Point("3 Mar", 20, "20")]
    svg = parsed(count_chart(bars, bars, title="Decided", unit="number"))

    heights = [float(rect.get("height", 0)) for rect in svg.iter("rect")]
    assert heights == [BOTTOM - TOP, pytest.approx((BOTTOM - TOP) / 2)]


def test_two_series_stand_beside_each_other() -> None:
    svg = parsed(dot_chart(DAYS[:1], DAYS[:1], title="Shown and blind", unit="%"))

    left, right = (float(dot.get("cx", 0)) for dot in svg.iter("circle"))
    assert right - left == 14


@pytest.mark.parametrize("points", [[], [Point("1 Mar", None, "")]])
def test_nothing_is_drawn_of_nothing(points: list[Point]) -> None:
    for drawn in (
        rate_chart(points, title="Confirmed", unit="%"),
        count_chart(points, points, title="Decided", unit="n"),
        dot_chart(points, points, title="Both", unit="%"),
    ):
        assert not list(parsed(drawn).iter("circle"))


def test_words_are_escaped() -> None:
    point = Point("<b>", 1, '"><script>', 'javascript:"', None, None)

    drawn = rate_chart([point], title="<i>", unit="<u>")

    assert "<script" not in drawn
    assert "<b>" not in drawn
    parsed(drawn)


@pytest.mark.parametrize(
    ("least", "step"),
    [(0, 1), (0.2, 1), (1, 1), (1.1, 2), (2.2, 5), (6, 10), (21, 25), (24000, 25000)],
)
def test_steps_are_round_and_whole(least: float, step: float) -> None:
    assert nice_step(least) == step


def test_amounts_below_zero_have_their_place() -> None:
    points = [Point("2 Mar", -2.0, "", low=-3.0, high=1.0), Point("3 Mar", 1.0, "")]

    drawn = amount_chart(
        points, title="Difference", unit="", words=lambda value: f"{value:g} EUR"
    )

    for tick in ("-3 EUR", "-1 EUR", "0 EUR", "1 EUR"):
        assert f">{tick}</text>" in drawn


def test_amounts_begin_at_zero_and_say_their_unit() -> None:
    points = [
        Point("2 Mar", 0.31, "", low=0.1, high=0.6),
        Point("3 Mar", None, ""),
        Point("4 Mar", 0.4, "", low=0.2, high=9.0),
    ]

    drawn = amount_chart(
        points,
        title="Cost",
        unit="EUR",
        words=lambda value: f"{value:.2f} EUR",
        tick=lambda value: f"{value:.1f}",
    )

    assert "Cost: 0.31 EUR on 2 Mar, 0.40 EUR on 4 Mar; least 0.31 EUR" in drawn
    # an end far above the line does not flatten it
    assert [f">{tick}</text>" in drawn for tick in ("0.0", "0.8", "1.0")] == [
        True,
        True,
        False,
    ]
