"""Validate raw items against the declaration, fast where all is well.

A compiled pydantic-core validator decides the usual case; whatever it refuses is
looked at again, value by value, so that every broken rule is named.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
from pydantic_core import SchemaValidator, ValidationError, core_schema

from predictions.declaration import Declaration, Feature, FieldError
from predictions.intake.rows import IndexedItem, RejectedItem, Validated, ValidItem
from predictions.intake.values import (
    MAX_EXACT_INTEGER,
    MAX_TEXT_LENGTH,
    check_value,
    parse_moment,
)

MAX_ID_LENGTH = 200
KNOWN_KEYS = frozenset({"external_id", "features", "occurred_at", "media"})
_NUL = b"\\u0000"


class _Refused(Exception):
    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__()
        self.errors = errors


class ItemValidator:
    """Validates items of one declaration; compiled once, safe to share."""

    def __init__(self, declaration: Declaration) -> None:
        self._declaration = declaration
        self._names = frozenset(one.name for one in declaration.features)
        self._fast = SchemaValidator(_item_schema(declaration))

    def validate(self, raw_items: Sequence[object], *, now: datetime) -> Validated:
        """Sort raw items into accepted and rejected; every one is in either.

        Never raises for what an item holds.
        """
        latest = now + timedelta(minutes=self._declaration.intake.max_future_minutes)
        accepted: list[IndexedItem] = []
        rejected: list[RejectedItem] = []
        for index, raw in enumerate(raw_items):
            try:
                accepted.append(IndexedItem(index, self._item(raw, latest)))
            except _Refused as refused:
                rejected.append(
                    RejectedItem(index, _external_id(raw), raw, refused.errors)
                )
        return Validated(accepted, rejected)

    def _item(self, raw: object, latest: datetime) -> ValidItem:
        try:
            checked = self._fast.validate_python(raw)
            features = checked["features"]
            written = orjson.dumps(features, option=orjson.OPT_SORT_KEYS)
        except (ValidationError, orjson.JSONEncodeError, RecursionError):
            checked, features, written = self._explain(raw)
        occurred_at = parse_moment(checked["occurred_at"])
        self._check(raw, occurred_at, written, latest)
        if occurred_at is None:  # unreachable: _check refuses it
            raise _Refused([FieldError("occurred_at", "type")])
        digest = hashlib.sha256(written)
        digest.update(occurred_at.isoformat().encode())
        return ValidItem(
            external_id=checked["external_id"],
            features_json=written.decode(),
            content_hash=digest.digest(),
            subject=self._subject(features),
            occurred_at=occurred_at,
            warnings=self._warnings(checked, features),
        )

    def _check(
        self,
        raw: object,
        occurred_at: datetime | None,
        written: bytes,
        latest: datetime,
    ) -> None:
        errors = []
        if occurred_at is None or occurred_at > latest:
            value = raw.get("occurred_at") if isinstance(raw, dict) else None
            rule = "type" if occurred_at is None else "future"
            errors.append(FieldError("occurred_at", rule, _shown(value)))
        if len(written) > self._declaration.intake.max_features_bytes:
            errors.append(FieldError("features", "too_large", len(written)))
        if _NUL in written:
            errors.append(FieldError("features", "nul", "\\u0000"))
        if errors:
            raise _Refused(errors)

    def _explain(self, raw: object) -> tuple[dict[str, Any], dict[str, object], bytes]:
        """Look at every value by itself. Raises: _Refused with every broken rule."""
        if not isinstance(raw, dict):
            raise _Refused([FieldError("item", "type", _shown(raw))])
        errors = _envelope_errors(raw)
        sent = raw.get("features")
        features: dict[str, object] = {}
        if isinstance(sent, dict):
            features, wrong = self._checked_features(sent)
            errors += wrong
        try:
            written = orjson.dumps(features, option=orjson.OPT_SORT_KEYS)
        except (orjson.JSONEncodeError, RecursionError) as error:
            errors.append(FieldError("features", "not_json", str(error)[:200]))
            written = b""
        if errors:
            raise _Refused(errors)
        return raw, features, written

    def _checked_features(
        self, sent: Mapping[object, object]
    ) -> tuple[dict[str, object], list[FieldError]]:
        features: dict[str, object] = {}
        errors = []
        for feature in self._declaration.features:
            if feature.name not in sent and not feature.required:
                continue
            value, error = check_value(feature, sent.get(feature.name))
            features[feature.name] = value
            if error:
                errors.append(error)
        for name, value in sent.items():
            if not isinstance(name, str):
                errors.append(FieldError("features", "name_type", _shown(name)))
            elif name not in self._names:
                features[name] = value
        return features, errors

    def _subject(self, features: Mapping[str, object]) -> str:
        name = self._declaration.subject
        value = features.get(name) if name else None
        return "" if value is None else str(value)[:MAX_ID_LENGTH]

    def _warnings(
        self, item: Mapping[str, object], features: Mapping[str, object]
    ) -> list[str]:
        if features.keys() <= self._names and item.keys() <= KNOWN_KEYS:
            return []
        unknown = [f"unknown_field: {name}" for name in features.keys() - self._names]
        dropped = [f"ignored_field: {name}" for name in item.keys() - KNOWN_KEYS]
        return [_storable(text)[:200] for text in sorted(unknown + dropped)[:100]]


def compile_validator(declaration: Declaration) -> ItemValidator:
    """Return the validator of a declaration, compiled once per process."""
    return _compiled(declaration.model_dump_json())


@lru_cache(maxsize=64)
def _compiled(declaration_json: str) -> ItemValidator:
    return ItemValidator(Declaration.model_validate_json(declaration_json))


def _item_schema(declaration: Declaration) -> core_schema.CoreSchema:
    text = core_schema.str_schema(strict=True, min_length=1, max_length=MAX_ID_LENGTH)
    features = core_schema.typed_dict_schema(
        {one.name: _field(one) for one in declaration.features},
        extra_behavior="allow",
        strict=True,
    )
    fields = {
        "external_id": core_schema.typed_dict_field(
            core_schema.chain_schema(
                [
                    text,
                    core_schema.no_info_plain_validator_function(_plain_id),
                ]
            )
        ),
        "occurred_at": core_schema.typed_dict_field(core_schema.any_schema()),
        "features": core_schema.typed_dict_field(features),
    }
    return core_schema.typed_dict_schema(fields, extra_behavior="allow", strict=True)


def _plain_id(value: str) -> str:
    if "\x00" in value or not value.strip():
        raise ValueError("external_id")
    value.encode()
    return value


def _field(feature: Feature) -> core_schema.TypedDictField:
    schema = _value_schema(feature)
    if not feature.required:
        schema = core_schema.nullable_schema(schema)
    return core_schema.typed_dict_field(schema, required=feature.required)


def _value_schema(feature: Feature) -> core_schema.CoreSchema:
    if feature.type == "number":
        # Integers stay integers and whole numbers exact: the slow path sees to them.
        return core_schema.float_schema(
            strict=True, ge=feature.minimum, le=feature.maximum, allow_inf_nan=False
        )
    if feature.type == "integer":
        low = -MAX_EXACT_INTEGER if feature.minimum is None else feature.minimum
        high = MAX_EXACT_INTEGER if feature.maximum is None else feature.maximum
        return core_schema.int_schema(
            strict=True,
            ge=max(-MAX_EXACT_INTEGER, int(-(-low // 1))),
            le=min(MAX_EXACT_INTEGER, int(high // 1)),
        )
    if feature.type == "category":
        return core_schema.literal_schema(list(feature.values))
    if feature.type == "boolean":
        return core_schema.bool_schema(strict=True)
    if feature.type == "text":
        return core_schema.str_schema(strict=True, max_length=MAX_TEXT_LENGTH)
    return core_schema.no_info_plain_validator_function(_moment_text)


def _moment_text(value: object) -> str:
    moment = parse_moment(value)
    if moment is None:
        raise ValueError("datetime")
    return moment.isoformat()


def _envelope_errors(raw: Mapping[str, object]) -> list[FieldError]:
    errors = []
    external_id = raw.get("external_id")
    if external_id is None:
        errors.append(FieldError("external_id", "missing"))
    elif not isinstance(external_id, str):
        errors.append(FieldError("external_id", "type", _shown(external_id)))
    elif not 0 < len(external_id) <= MAX_ID_LENGTH:
        errors.append(FieldError("external_id", "length", _shown(external_id)))
    elif not external_id.strip() or external_id != _storable(external_id):
        errors.append(FieldError("external_id", "value", _shown(external_id)))
    if raw.get("occurred_at") is None:
        errors.append(FieldError("occurred_at", "missing"))
    features = raw.get("features")
    if features is None:
        errors.append(FieldError("features", "missing"))
    elif not isinstance(features, dict):
        errors.append(FieldError("features", "type", _shown(features)))
    return errors


def _external_id(raw: object) -> str | None:
    value = raw.get("external_id") if isinstance(raw, dict) else None
    return _storable(value) if isinstance(value, str) else None


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


def _shown(value: object) -> object:
    if isinstance(value, str):
        return _storable(value[:200])
    if value is None or isinstance(value, bool | int | float):
        return value
    return _storable(repr(value)[:200])
