"""What finders find, what they leave, and that a mask keeps every place."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.personal.finders import KINDS, MASK, Found, find_personal, masked


def found(text: str) -> dict[str, str]:
    return {text[one.start : one.end]: one.kind for one in find_personal(text, KINDS)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Spoke to Adaeze Mbeki today", {"Adaeze Mbeki": "person"}),
        ("Mrs O'Brien-Smith rang", {"O'Brien-Smith": "person"}),
        ("then Maria Silva came", {"Maria Silva": "person"}),
        ("the patient slipped on the Stairs", {}),
        ("Tel. 0161 496 0123.", {"0161 496 0123": "phone"}),
        ("+44 20 7946 0958", {"+44 20 7946 0958": "phone"}),
        ("call 5551234567", {"5551234567": "phone"}),
        ("on 2024-05-06 it cost 12.500 EUR", {}),
        ("a.b+c@mail.example.org", {"a.b+c@mail.example.org": "email"}),
        ("SSN 123-45-6789", {"123-45-6789": "number_id"}),
        ("NHS no. 943 476 5919", {"943 476 5919": "number_id"}),
        ("Insurance number AB123456C", {"AB123456C": "number_id"}),
        ("born 12/03/1961", {"12/03/1961": "date_of_birth"}),
        ("DOB: 3 March 1990", {"3 March 1990": "date_of_birth"}),
        ("at 12 Mill Lane", {"12 Mill Lane": "address"}),
        ("Hauptstraße 12", {"Hauptstraße 12": "address"}),
    ],
)
def test_finder_finds_what_it_says(text: str, expected: dict[str, str]) -> None:
    assert found(text) == expected


def test_unseen_and_wide_characters_hide_nothing() -> None:
    text = "\U0001f600 Jo\u200bhn Smi\u00adth, SSN \uff11\uff12\uff13-45-6789"
    assert found(text) == {
        "Jo\u200bhn Smi\u00adth": "person",
        "\uff11\uff12\uff13-45-6789": "number_id",
    }


def test_only_the_kinds_that_are_asked_for_are_found() -> None:
    text = "Anna Kovacs, anna@example.org"
    assert find_personal(text, ["email"]) == [Found(13, 29, "email")]


@given(st.text(), st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50))))
def test_mask_is_as_long_and_hides_every_place(
    text: str, places: list[tuple[int, int]]
) -> None:
    hidden = masked(text, places)
    assert len(hidden) == len(text)
    for at, (was, now) in enumerate(zip(text, hidden, strict=True)):
        inside = any(start <= at < end for start, end in places)
        assert now == (MASK if inside and not was.isspace() else was)


@given(st.text(alphabet="Aan 0123-.@+()\u200bé,/", max_size=200))
def test_finds_lie_in_the_text_and_not_over_each_other(text: str) -> None:
    reach = 0
    for one in find_personal(text, KINDS):
        assert reach <= one.start < one.end <= len(text)
        reach = one.end


@pytest.mark.parametrize(
    "piece",
    [
        "id ",
        "passport A1 ",
        "Aa ",
        "Aa'",
        "1 ",
        "0",
        "(0",
        "12 Aa ",
        "a@",
        "a.b",
        "12-",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    """A pattern that backtracks would take minutes over one of these."""
    text = piece * (10_000 // len(piece))
    started = time.process_time()
    find_personal(text, KINDS)
    assert time.process_time() - started < 5
