"""Answers held against the schema that the API serves."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from jsonschema import (  # type: ignore[import-untyped]  # it has no types
    Draft202012Validator,
    FormatChecker,
)
from jsonschema.exceptions import (  # type: ignore[import-untyped]  # it has no types
    best_match,
)

JSON_TYPES = ("application/json", "application/problem+json")
type Schema = Mapping[str, Any]


@cache
def document() -> Schema:
    """Return the OpenAPI document."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]  # its library's own
    found: Schema = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found


def operations() -> Iterator[tuple[str, Schema]]:
    """Yield the name and the description of every operation."""
    for methods in document()["paths"].values():
        for one in methods.values():
            yield one["operationId"], one


def broken_promises(method: str, path: str, answer: Any) -> list[str]:  # noqa: ANN401 -- a test response
    """Say where an answer is not what the schema says of the operation."""
    operation = _operation(method, path)
    promised = operation["responses"].get(str(answer.status_code))
    if promised is None:
        return [f"{answer.status_code} is not documented"]
    media_type = answer.get("Content-Type", "").partition(";")[0]
    if media_type not in JSON_TYPES:
        return []
    if media_type not in promised.get("content", {}):
        return [f"{media_type} is not documented for {answer.status_code}"]
    schema = promised["content"][media_type]["schema"]
    errors = map(_innermost, _validator(schema).iter_errors(answer.json()))
    return [f"{one.json_path}: {one.message}" for one in errors]


def _innermost(error: Any) -> Any:  # noqa: ANN401 -- jsonschema's, without types
    """Return what is wrong in the choice that fits best."""
    return best_match([error]) or error


def _validator(schema: Schema) -> Draft202012Validator:
    whole = {**schema, "components": document()["components"]}
    return Draft202012Validator(whole, format_checker=FormatChecker())


def _operation(method: str, path: str) -> Schema:
    for pattern, methods in _patterns():
        if pattern.fullmatch(path) and method.lower() in methods:
            found: Schema = methods[method.lower()]
            return found
    raise LookupError(f"{method} {path} is not in the schema")


@cache
def _patterns() -> list[tuple[re.Pattern[str], Schema]]:
    """Return a pattern for every path, those that say most first."""
    paths = sorted(document()["paths"].items(), key=lambda one: one[0].count("{"))
    return [
        (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), methods)
        for path, methods in paths
    ]
