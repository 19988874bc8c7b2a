"""What may be declared of the fields of a decision."""

from typing import Any

import pytest

from predictions.declaration import (
    Declaration,
    DeclarationError,
    parse_declaration,
)
from predictions.declaration_changes import declaration_changes
from tests.factories.predictions import DECLARATION
from tests.reviewqueue.services.field_steps import FIELDS

FIELD = '[[fields]]\nname = "it"\n'
IMAGE = '[[media]]\nname = "photo"\nkind = "image"\n'


def declared(more: str) -> Declaration:
    return parse_declaration(DECLARATION.format(slug="cards", name="Cards") + more)


def test_fields_are_read_as_written() -> None:
    found = declared(FIELDS)

    assert [one.name for one in found.fields_with("legitimate")] == [
        "torque",
        "batch",
        "tool",
        "checked",
        "defects",
    ]
    assert found.fields_with("") == ()
    assert [one.closeness for one in found.fields] == [0.05, 0, 0, 0, 0, 0.5]
    assert Declaration.model_validate(found.to_json()) == found


@pytest.mark.parametrize(
    "more",
    [
        'type = "category"',
        'type = "number"\nvalues = ["a"]',
        'type = "text"\nunit = "N"',
        'type = "text"\nminimum = 1',
        'type = "number"\nminimum = 2\nmaximum = 1',
        'type = "text"\ntolerance = 1',
        'type = "boxes"\ntolerance = 0',
        'type = "boxes"\ntolerance = 1.5',
        'type = "points"\ntolerance = -1',
        'type = "boxes"\nclasses = ["a", "a"]',
        'type = "number"\nclasses = ["a"]',
        'type = "polygons"\nmax_regions = 51',
        'type = "spans"',
        'type = "spans"\nfeature = "amount"',
        'type = "boxes"\nfeature = "customer"',
        'type = "boxes"\nmedia = "film"',
        'type = "number"\nmedia = "photo"',
        'type = "number"\nlabels = ["other"]',
        'type = "number"\nunknown = 1',
        'type = "picture"',
        f'type = "number"\n{FIELD}type = "number"',
    ],
)
def test_what_does_not_fit_is_refused(more: str) -> None:
    with pytest.raises(DeclarationError) as refusal:
        declared(f"{FIELD}{more}\n{IMAGE}")
    assert "field" in str(refusal.value)


def test_regions_and_spans_lie_in_what_is_declared() -> None:
    text = (
        f'{FIELD}type = "spans"\nfeature = "customer"\n'
        '[[fields]]\nname = "there"\ntype = "points"\nmedia = "photo"\n'
    )

    assert [one.type for one in declared(text + IMAGE).fields] == ["spans", "points"]


@pytest.mark.parametrize(
    ("before", "after", "breaking"),
    [
        ("", 'type = "number"', False),
        ('type = "number"', "", True),
        ('type = "number"', 'type = "integer"', True),
        ('type = "number"', 'type = "number"\ntolerance = 1', False),
        (
            'type = "category"\nvalues = ["a"]',
            'type = "category"\nvalues = ["a", "b"]',
            False,
        ),
        (
            'type = "category"\nvalues = ["a", "b"]',
            'type = "category"\nvalues = ["b"]',
            True,
        ),
        ('type = "boxes"', 'type = "boxes"\nclasses = ["a"]', True),
        (
            'type = "boxes"\nclasses = ["a"]',
            'type = "boxes"\nclasses = ["b", "a"]',
            False,
        ),
    ],
)
def test_change_is_breaking_when_what_was_decided_loses_its_meaning(
    before: str, after: str, breaking: bool
) -> None:
    old, new = (declared(FIELD + text if text else "") for text in (before, after))
    found: Any = declaration_changes(old, new)

    assert found.breaking is breaking
    assert len(found.changes) == 1
