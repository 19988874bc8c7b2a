"""Words that were not heard, or heard as others: such entries go to people."""

from typing import Any

import pytest

from predictions.declaration_fields import FieldSpec
from predictions.fields.predicted import read_predicted
from predictions.learning.speech.entry import read_entry
from predictions.learning.speech.terms import Word


def spec(name: str, kind: str, *, required: bool, **spoken: int) -> FieldSpec:
    declared = {"name": name, "type": kind, "required": required}
    return FieldSpec.model_validate({**declared, "spoken": {"name": name, **spoken}})


SPECS = (
    spec("batch", "text", required=True, digits=2),
    spec("torque", "number", required=True, digits=3, decimals=1),
    spec("count", "integer", required=False, digits=1),
)


def row(text: str) -> list[Word]:
    """Return sure words half a second apart; a bar is a pause that ends a field."""
    at, found = 0, []
    for one in text.split():
        if one == "|":
            at += 900
            continue
        found.append(Word(one, 0.99, at, at + 300))
        at += 500
    return found


def is_unsure(text: str) -> bool:
    said, errors = read_predicted(SPECS, read_entry(row(text), SPECS), texts={})
    assert not errors
    return said.is_unsure(SPECS, 0.9)


@pytest.mark.parametrize(
    "text",
    [
        "four seven | one two five | three",
        "four seven one two five three",
        "four seven | one two five",
        "batch four seven torque one two five count three",
        "batch four seven torque one two five",
    ],
)
def test_a_whole_entry_is_sure(text: str) -> None:
    assert not is_unsure(text)


@pytest.mark.parametrize(
    "text",
    [
        # "seven" was not heard: the digits would fit two fields, the pauses do not
        "four | one two five | three",
        # "count" was heard as "four": two words belong to no field
        "four five batch four seven torque one two five",
        # what was said after "count" was not heard at all
        "batch four seven torque one two five count",
    ],
)
def test_an_entry_with_a_missed_word_goes_to_people(text: str) -> None:
    assert is_unsure(text)


@pytest.mark.parametrize("kind", ["number", "integer"])
def test_more_digits_than_a_number_has_are_no_value(kind: str) -> None:
    specs = (spec("count", kind, required=False),)

    found: dict[str, Any] = read_entry(row("one " * 310), specs)

    assert found["count"]["value"] is None
    assert found["count"]["evidence"]["wrong"] == "more than 15 digits"
