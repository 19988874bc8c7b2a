import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui import numbers


@pytest.mark.parametrize(
    ("value", "written"),
    [(13384, "13,384"), (0, "0"), (1240.5, "1,240.5"), (2.0, "2"), (0.126, "0.13")],
)
def test_thousands_groups_digits_and_drops_trailing_zeros(
    value: float, written: str
) -> None:
    assert numbers.thousands(value) == written


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.874, "87 %"),
        (0.096, "9.6 %"),
        (0.0046, "0.46 %"),
        (0.9964, "99.64 %"),
        (0.95, "95 %"),
        (0.05, "5 %"),
        (0.00001, "<0.01 %"),
        (0.999999, ">99.99 %"),
        (0.5, "50 %"),
    ],
)
def test_percent_shows_more_digits_near_the_ends(share: float, written: str) -> None:
    assert numbers.percent(share).replace(numbers.NBSP, " ") == written


@given(st.floats(min_value=0, max_value=1, exclude_min=True, exclude_max=True))
def test_percent_of_a_share_inside_never_reads_as_none_or_all(share: float) -> None:
    shown = numbers.percent(share).removeprefix("<").removeprefix(">")
    assert 0 < float(shown.split(numbers.NBSP)[0]) < 100


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0 s"),
        (0.018, "18 ms"),
        (0.00004, "40 µs"),
        (18.4, "18 s"),
        (71, "1 min 11 s"),
        (600, "10 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (11_400, "3 h 10 min"),
        (172_800, "2 d"),
        (190_800, "2 d 5 h"),
        (-90, "\N{MINUS SIGN}1 min 30 s"),
    ],
)
def test_duration_names_the_two_largest_units(seconds: float, written: str) -> None:
    assert numbers.duration(seconds).replace(numbers.NBSP, " ") == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0 ms"),
        (0.0002, "<1 µs"),
        (0.0371, "37 µs"),
        (0.9994, "999 µs"),
        (0.9996, "1.0 ms"),
        (2.46, "2.5 ms"),
        (9.96, "10 ms"),
        (250, "250 ms"),
        (999.7, "1.0 s"),
        (5_912, "5.9 s"),
    ],
)
def test_a_short_time_is_never_written_as_nothing(value: float, written: str) -> None:
    assert numbers.milliseconds(value).replace(numbers.NBSP, " ") == written


@pytest.mark.parametrize(
    ("seconds", "written"), [(271, "4:31"), (9.9, "0:09"), (0, "0:00"), (-5, "0:00")]
)
def test_clock_counts_down_to_zero(seconds: float, written: str) -> None:
    assert numbers.clock(seconds) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.34, "+0.34"), (-0.06, "\N{MINUS SIGN}0.06"), (0.001, "0.00"), (0, "0.00")],
)
def test_signed_shows_the_sign_of_anything_but_zero(value: float, written: str) -> None:
    assert numbers.signed(value) == written


def test_points_are_of_percentage() -> None:
    assert numbers.points(0.064) == "+6.4"


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [(0.83, 0.90, "83-90"), (0.003, 0.0241, "0.3-2.4"), (0.0038, 0.0061, "0.38-0.61")],
)
def test_interval_writes_both_ends_with_the_same_digits(
    low: float, high: float, written: str
) -> None:
    assert numbers.interval(low, high).replace("\N{EN DASH}", "-") == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (10_217.58, "10,218"),
        (2.5, "2.50"),
        (0.3, "0.30"),
        (0.00421, "0.0042"),
        (0, "0"),
    ],
)
def test_amount_has_about_four_digits(value: float, written: str) -> None:
    assert numbers.amount(value) == written
