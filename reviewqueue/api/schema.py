"""Types as OpenAPI: answers and bodies are described by what they are made of.

An answer is a `TypedDict` or a dataclass; the function that builds it is checked
against it by mypy, and the schema is read off it. So neither can drift from the other.
"""

import re
from copy import deepcopy
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import cache
from typing import Annotated, Any, Literal, cast

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentIdentity, ResolvedComponent
from pydantic import Field, GetCoreSchemaHandler, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

REFERENCE = "#/components/schemas/"
_ENDING = re.compile("(Shape|Json|Asked|Sent)$")
Unit = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class OneOf:
    """Describes a text as a value of an enum: `Annotated[str, OneOf(CaseKind)]`.

    `name` is for enums that would come to the same name in the schema.
    """

    enum: type[Enum]
    name: str = ""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return handler.generate_schema(_renamed(self.enum, self.name))


@cache
def _renamed(enum: type[Enum], name: str) -> type[Enum]:
    if not name:
        return enum
    values = {one.name: one.value for one in enum}
    return cast("type[Enum]", StrEnum(name, values))


class ShapeSchema(GenerateJsonSchema):
    """Writes closed objects: what is not described does not come."""

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> JsonSchemaValue:
        return _closed(super().typed_dict_schema(schema))

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        return _closed(super().dataclass_schema(schema))

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Leave the default out of an answer: the field always comes."""
        if self.mode == "serialization":
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def field_is_required(
        self,
        field: core_schema.ModelField
        | core_schema.DataclassField
        | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        is_answer = self.mode == "serialization" and field["type"] != "typed-dict-field"
        return is_answer or super().field_is_required(field, total)

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


class UndefinedIsNull(ShapeSchema):
    """For figures that may be NaN, which is null in JSON."""

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        found = super().float_schema(schema)
        return {**found, "type": [found["type"], "null"]}


@dataclass(frozen=True, slots=True)
class Shape:
    """A type that describes a JSON answer or body, under a name."""

    name: str
    declared: Any
    generator: type[ShapeSchema]

    def components(self, mode: JsonSchemaMode) -> dict[str, JsonSchemaValue]:
        """Return the schemas of all types within, its own under its name."""
        found = deepcopy(_json_schema(self, mode))
        parts: dict[str, JsonSchemaValue] = found.pop("$defs", {})
        own = parts.pop(_referred(found), None) or found
        names = {
            name: component_name(name) + _suffix(part, mode)
            for name, part in parts.items()
            if _is_component(part)
        }
        named = {names[name]: parts[name] for name in names} | {self.name: own}
        for part in named.values():
            part.pop("title", None)
        return {name: _referring(one, parts, names) for name, one in named.items()}


def object_of(
    declared: Any,  # noqa: ANN401 -- a type of any kind
    name: str = "",
    *,
    generator: type[ShapeSchema] = ShapeSchema,
) -> Shape:
    """Describe JSON by a type: a TypedDict, a dataclass, an alias of several."""
    return Shape(name or component_name(declared.__name__), declared, generator)


def component_name(name: str) -> str:
    """Return the name of a type as clients meet it."""
    return _ENDING.sub("", name)


class ShapeExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]  # drf-spectacular's registration hook has no types
    """Puts the types of a shape among the components of the schema."""

    target_class = "reviewqueue.api.schema.Shape"

    def get_name(self, auto_schema: AutoSchema, direction: str) -> str:
        return cast("Shape", self.target).name

    def get_identity(self, auto_schema: AutoSchema, direction: str) -> object:
        return _identity(self._components(direction)[self.target.name])

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        parts = self._components(direction)
        own = parts.pop(self.target.name)
        for name, part in parts.items():
            component = ResolvedComponent(  # type: ignore[no-untyped-call]  # its own
                name=name,
                type=ResolvedComponent.SCHEMA,
                schema=part,
                object=_identity(part),
            )
            auto_schema.registry.register_on_missing(component)
        return own

    def _components(self, direction: str) -> dict[str, JsonSchemaValue]:
        mode: Literal["validation", "serialization"] = (
            "validation" if direction == "request" else "serialization"
        )
        return cast("Shape", self.target).components(mode)


def _identity(schema: JsonSchemaValue) -> object:
    """Make two types of one name the same where they say the same; else it warns."""
    return ComponentIdentity(deepcopy(schema))  # type: ignore[no-untyped-call]  # its own


@cache
def _json_schema(shape: Shape, mode: JsonSchemaMode) -> JsonSchemaValue:
    return TypeAdapter(shape.declared).json_schema(
        mode=mode,
        ref_template=REFERENCE + "{model}",
        schema_generator=shape.generator,
    )


def _closed(schema: JsonSchemaValue) -> JsonSchemaValue:
    schema.setdefault("additionalProperties", False)
    return schema


def _is_component(schema: JsonSchemaValue) -> bool:
    """Say whether a type is worth a name: an object or an enum is."""
    return "properties" in schema or "enum" in schema


def _suffix(schema: JsonSchemaValue, mode: JsonSchemaMode) -> str:
    """Tell objects that are asked for from those that are answered."""
    return "Request" if mode == "validation" and "properties" in schema else ""


def _referred(schema: JsonSchemaValue) -> str:
    return str(schema.get("$ref", "")).removeprefix(REFERENCE)


def _referring(
    value: Any,  # noqa: ANN401 -- any part of a schema
    parts: dict[str, JsonSchemaValue],
    names: dict[str, str],
) -> Any:  # noqa: ANN401 -- the same part
    """Refer to components by their names; write other types out in place."""
    if isinstance(value, list):
        return [_referring(one, parts, names) for one in value]
    if not isinstance(value, dict):
        return value
    if not (name := _referred(value)):
        found = {key: _referring(one, parts, names) for key, one in value.items()}
        return _folded(found)
    if name in names:
        return {**value, "$ref": REFERENCE + names[name]}
    beside = {key: one for key, one in value.items() if key != "$ref"}
    return _referring({**parts[name], **beside}, parts, names)


def _folded(schema: JsonSchemaValue) -> JsonSchemaValue:
    """Write `[string, null]` where there is nothing more to say of the choice."""
    inner, *others = schema.get("anyOf") or [{}]
    if others != [{"type": "null"}] or not isinstance(inner.get("type"), str):
        return schema
    if {"enum", "const"} & set(inner):
        return schema
    rest = {key: one for key, one in schema.items() if key != "anyOf"}
    return {**rest, **inner, "type": [inner["type"], "null"]}
