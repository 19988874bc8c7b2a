"""The schema says what every answer and body holds, and nothing else comes."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NotRequired, TypedDict

import pytest
from django.core.management import call_command
from django.http import JsonResponse
from pydantic import Field

from predictions.services.registry import DESCRIPTION_FIELDS
from reviewqueue.api.lists import Page
from reviewqueue.api.schema import OneOf, UndefinedIsNull, object_of
from reviewqueue.services.trust_plans import TERMS
from tests.reviewqueue.api.contract import Schema, broken_promises, document, operations

REFERENCE = "#/components/schemas/"
# What is not described any further, and why.
FREE = {
    "AmendmentRequest.fields": "the workflow says which",
    "BrokenRule.value": "as it was sent, whatever that was",
    "Contribution.value": "a feature's value: the workflow says of what type",
    "Contribution.reference": "as the value beside it",
    "Decision.fields": "the workflow says which",
    "DecisionRequest.fields": "the workflow says which",
    "GateReport.evidence": "what was measured on, by kind of model",
    "Item.features": "the workflow says which",
    "ItemRequest.features": "the workflow says which",
    "ItemStory.features": "the workflow says which",
    "Label.fields": "the workflow says which",
    "ModelDescribedRequest.calibration": "as the report's library writes it",
    "ModelDescribedRequest.references": "a value for each column",
    "ModelDescribedRequest.report": "figures of whoever trained the model",
    "ModelVersion.report": "figures of whoever trained the model",
    "Outcome.fields": "the workflow says which",
    "OutcomeRequest.fields": "the workflow says which",
    "PredictedFields.evidence": "what a model read a value from",
    "PredictedFields.values": "the workflow says which",
    "Quarantined.payload": "as it was sent, whatever that was",
    "RecordedDecision.fields": "the workflow says which",
    "ReadingRequest.values": "the workflow says which",
    "RolledBack.report": "as of any version",
}
# Written down at the time of a move: what was not known then is not there.
KEPT = ("MoveEvidence.", "ShadowFound.")


def bodies(operation: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield what an operation takes and answers with 2xx as JSON, with its place."""
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        yield "body", content["application/json"]["schema"]
    for status, answer in operation["responses"].items():
        content = answer.get("content", {})
        if status.startswith("2") and "application/json" in content:
            yield status, content["application/json"]["schema"]


def undescribed(schema: Schema, place: str, seen: set[str]) -> Iterator[str]:
    """Yield the places of a schema that say nothing about what is there."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REFERENCE)
        if name not in seen:
            seen.add(name)
            yield from undescribed(
                document()["components"]["schemas"][name], name, seen
            )
        return
    if inner := schema.get("anyOf") or schema.get("oneOf"):
        for one in inner:
            yield from undescribed(one, place, seen)
        return
    kinds = schema.get("type", [])
    if "array" in kinds:
        yield from undescribed(schema.get("items", {}), place, seen)
    elif "object" in kinds:
        yield from _undescribed_object(schema, place, seen)
    elif not kinds and "enum" not in schema and "const" not in schema:
        yield place


def _undescribed_object(schema: Schema, place: str, seen: set[str]) -> Iterator[str]:
    properties = schema.get("properties", {})
    for name, one in properties.items():
        yield from undescribed(one, f"{place}.{name}", seen)
    rest = schema.get("additionalProperties", True)
    if isinstance(rest, dict):
        yield from undescribed(rest, place, seen)
    elif rest:
        yield place


@pytest.mark.parametrize("name", sorted(name for name, _ in operations()))
def test_every_answer_and_body_is_described(name: str) -> None:
    operation = dict(operations())[name]

    found = {
        place
        for where, schema in bodies(operation)
        for place in undescribed(schema, f"{name}.{where}", set())
    }

    assert found <= set(FREE)


def test_what_is_left_free_is_still_there() -> None:
    seen: set[str] = set()

    found = {
        place
        for name, operation in operations()
        for where, schema in bodies(operation)
        for place in undescribed(schema, f"{name}.{where}", seen)
    }

    assert found == set(FREE)


def test_every_property_of_an_answer_comes_or_is_known_not_to() -> None:
    optional = {
        f"{name}.{one}"
        for name, schema in document()["components"]["schemas"].items()
        if not name.endswith("Request")
        for one in set(schema.get("properties", {})) - set(schema.get("required", []))
    }

    assert {one for one in optional if not one.startswith(KEPT)} == {
        "BrokenRule.detail",
        "ClaimedCase.decisions",
        "ClaimedCase.recommendation",
        "ClaimedCase.route",
        "Contribution.is_exact",
        "Contribution.words",
        "Datasheet.media",
        "Problem.errors",
        "Problem.gate",
        "Problem.position",
        "RecordedDecision.gold",
        "RecordedDecision.reveal",
        "SnapshotFilters.unmasked",
    }


def test_terms_of_a_plan_may_all_be_sent() -> None:
    asked = document()["components"]["schemas"]["TrustPlanTermsRequest"]

    assert set(asked["properties"]) == {*TERMS, "reason", "version"}
    assert asked["required"] == ["reason"]


def test_all_that_a_model_is_described_by_may_be_sent() -> None:
    asked = document()["components"]["schemas"]["ModelDescribedRequest"]

    assert set(asked["properties"]) == set(DESCRIPTION_FIELDS)
    assert asked["required"] == ["columns", "label_keys"]


def test_enum_is_the_code_s_own() -> None:
    schemas = document()["components"]["schemas"]

    assert schemas["CaseBrief"]["properties"]["kind"]["$ref"] == f"{REFERENCE}CaseKind"
    assert schemas["CaseKind"] == {
        "type": "string",
        "enum": ["review", "second", "adjudication", "gold"],
    }


def test_schema_is_valid_and_written_without_a_warning(tmp_path: Path) -> None:
    target = tmp_path / "schema.yml"

    call_command("spectacular", validate=True, fail_on_warn=True, file=str(target))

    assert target.read_text().startswith("openapi: 3.1")


def nullable(schema: Any) -> bool:  # noqa: ANN401 -- any part of a schema
    return "null" in schema.get("type", []) or {"type": "null"} in schema.get(
        "anyOf", []
    )


def test_what_may_be_missing_is_null() -> None:
    schemas = document()["components"]["schemas"]

    case = schemas["CaseBrief"]["properties"]
    assert case["leased_by"] == {"type": ["string", "null"]}
    assert case["closed_at"] == {"type": ["string", "null"], "format": "date-time"}
    assert not nullable(case["due_at"])
    assert nullable(schemas["Decision"]["properties"]["retracted"])
    assert nullable(schemas["Share"]["properties"]["value"])  # undefined without any


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"next": 1}, ["$.next: 1 is not of type 'string', 'null'"]),
        ({"more": 1}, ["$: Additional properties are not allowed"]),
        (
            {"results": [{"slug": "a", "name": "A", "version": 1}]},
            ["$.results[0]: 'question' is a required"],
        ),
    ],
)
def test_answer_that_is_not_as_described_is_found(
    change: dict[str, Any], said: list[str]
) -> None:
    body = {"results": [], "next": None} | change
    answer = JsonResponse(body)
    answer.json = lambda: body  # type: ignore[attr-defined]  # as a test client has it

    found = broken_promises("GET", "/api/v1/workflows", answer)

    assert [one[: len(start)] for one, start in zip(found, said, strict=True)] == said


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: float
    y: float = 0.0


type Size = Annotated[int, Field(ge=1)]


class ThingShape(TypedDict):
    """A thing."""

    colour: Annotated[str, OneOf(Colour)]
    size: Size | None
    points: list[Point]
    title: NotRequired[str]


THING = {
    "type": "object",
    "description": "A thing.",
    "properties": {
        "colour": {"$ref": f"{REFERENCE}Colour"},
        "size": {"type": ["integer", "null"], "minimum": 1},
        "points": {"type": "array", "items": {"$ref": f"{REFERENCE}Point"}},
        "title": {"type": "string"},
    },
    "required": ["colour", "size", "points"],
    "additionalProperties": False,
}


def test_type_of_an_answer_is_closed_and_always_whole() -> None:
    parts = object_of(ThingShape).components("serialization")

    assert set(parts) == {"Thing", "Colour", "Point"}
    assert parts["Thing"] == THING
    assert parts["Colour"] == {"type": "string", "enum": ["red", "blue"]}
    assert parts["Point"]["required"] == ["x", "y"]


def test_types_within_a_body_are_named_as_asked_for() -> None:
    parts = object_of(ThingShape).components("validation")

    assert set(parts) == {"Thing", "Colour", "PointRequest"}
    assert parts["Thing"]["properties"]["points"]["items"] == {
        "$ref": f"{REFERENCE}PointRequest"
    }
    assert parts["PointRequest"]["required"] == ["x"]


def test_page_holds_rows_under_its_own_name() -> None:
    parts = object_of(Page[ThingShape], "ThingPage").components("serialization")

    rows = parts["ThingPage"]["properties"]["results"]
    assert rows == {"type": "array", "items": {"$ref": f"{REFERENCE}Thing"}}


def test_figures_that_may_be_undefined_are_nullable() -> None:
    shape = object_of(Point, generator=UndefinedIsNull)

    point = shape.components("serialization")["Point"]

    assert point["properties"]["x"] == {"type": ["number", "null"]}


def test_enums_of_one_name_are_told_apart() -> None:
    class Painted(TypedDict):
        colour: Annotated[str, OneOf(Colour, name="PaintColour")]

    parts = object_of(Painted).components("serialization")

    assert parts["PaintColour"]["enum"] == ["red", "blue"]
