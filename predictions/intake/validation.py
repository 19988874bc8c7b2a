"""Validate raw items against the declaration, fast where all is well.

A compiled pydantic-core validator decides the usual case; whatever it refuses is
looked at again, value by value, so that every broken rule is named. Both ways give
the same item for the same content.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import orjson
from pydantic_core import SchemaValidator, ValidationError, core_schema

from predictions.declaration import Declaration, Feature, FieldError
from predictions.intake.media_refs import ENTRY, as_payload, check_references
from predictions.intake.rows import RejectedItem, Validated, ValidItem
from predictions.intake.values import (
    EPOCH,
    MAX_EXACT_INTEGER,
    MAX_TEXT_LENGTH,
    MICROSECOND,
    check_value,
    microseconds,
    parse_moment,
    shown,
    storable_text,
)

MAX_ID_LENGTH = 200
MAX_WARNINGS = 100
SITE = "site"
MAX_SITE_LENGTH = 50
KNOWN_KEYS = frozenset({"external_id", "features", "occurred_at", SITE})
_NUL = b"\\u0000"
_FIRST = microseconds(datetime.min.replace(tzinfo=UTC))
_NEGATIVE_ZERO = re.compile(rb":-0\.0[,}]")


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
        self._subject = declaration.subject
        self._slots = declaration.media
        self._measured = frozenset(one.name for one in declaration.measured)
        self._known = KNOWN_KEYS | {ENTRY} if self._slots else KNOWN_KEYS
        self._max_bytes = declaration.intake.max_features_bytes

    def validate(self, raw_items: Sequence[object], *, now: datetime) -> Validated:
        """Sort raw items into accepted and rejected; every one is in either.

        Never raises for what an item holds.
        """
        minutes = self._declaration.intake.max_future_minutes
        latest = microseconds(now + timedelta(minutes=minutes))
        accepted: list[ValidItem] = []
        rejected: list[RejectedItem] = []
        for index, raw in enumerate(raw_items):
            item = None if self._slots else self._fast_item(index, raw, latest)
            if item is not None:
                accepted.append(item)
                continue
            try:
                accepted.append(self._looked_at(index, raw, latest))
            except _Refused as refused:
                external_id = _external_id(raw)
                kept = as_payload(raw)
                one = RejectedItem(index, external_id, kept, refused.errors)
                rejected.append(one)
        return Validated(accepted, rejected)

    def _looked_at(self, index: int, raw: object, latest: int) -> ValidItem:
        """Look at the item and at what it says of media. Raises: _Refused."""
        if not self._slots:
            return self._slow_item(index, raw, latest)
        media, errors = check_references(self._slots, raw)
        errors += self._measured_errors(raw)
        item = self._fast_item(index, raw, latest)
        if item is None:
            try:
                item = self._slow_item(index, raw, latest)
            except _Refused as refused:
                raise _Refused([*refused.errors, *errors]) from refused
        if errors:
            raise _Refused(errors)
        return item._replace(media=media)

    def _measured_errors(self, raw: object) -> list[FieldError]:
        """Refuse what only we can say: a value that is measured from media."""
        sent = raw.get("features") if isinstance(raw, dict) else None
        if not self._measured or not isinstance(sent, dict):
            return []
        return [FieldError(name, "measured") for name in sent if name in self._measured]

    def _fast_item(self, index: int, raw: object, latest: int) -> ValidItem | None:
        """Return the item, or None where anything at all needs a second look.

        One long function on purpose: this runs for every item, and calls cost.
        """
        try:
            checked = self._fast.validate_python(raw)
            features = checked["features"]
            is_declared = features.keys() <= self._names
            # The schema's fields are sorted, and so is what it returns of them.
            order = None if is_declared else orjson.OPT_SORT_KEYS
            written = orjson.dumps(features, option=order)
            if b":null" in written:
                features = self._without_missing(features)
                written = orjson.dumps(features, option=order)
            moment = datetime.fromisoformat(checked["occurred_at"])
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            micros = (moment - EPOCH) // MICROSECOND
        except (ValidationError, ValueError, TypeError, OverflowError, RecursionError):
            return None
        if not _FIRST <= micros <= latest or len(written) > self._max_bytes:
            return None
        if b"\\" in written and _NUL in written:
            return None
        if b"-0.0" in written and _NEGATIVE_ZERO.search(written):
            return None
        external_id = checked["external_id"]
        if not external_id.strip() or "\x00" in external_id:
            return None
        site = checked.get(SITE) or ""
        if site and (type(site) is not str or _site_error(site)):
            return None
        subject = features.get(self._subject) if self._subject else None
        is_plain = is_declared and checked.keys() <= self._known
        return ValidItem(
            index,
            external_id,
            written,
            with_site(_content_hash(written, micros), site),
            "" if subject is None else str(subject)[:MAX_ID_LENGTH],
            micros,
            [] if is_plain else self._warnings(checked, features),
            site=site,
        )

    def _slow_item(self, index: int, raw: object, latest: int) -> ValidItem:
        """Look at every value by itself. Raises: _Refused with every broken rule."""
        if not isinstance(raw, dict):
            raise _Refused([FieldError("item", "type", shown(raw))])
        errors = _envelope_errors(raw, latest)
        features: dict[str, object] = {}
        written = b""
        if isinstance(raw.get("features"), dict):
            features, wrong = self._checked_features(raw["features"])
            errors += wrong
            if not wrong:
                written, wrong = self._written(features)
                errors += wrong
        moment = parse_moment(raw.get("occurred_at"))
        if errors or moment is None:
            raise _Refused(errors)
        subject = features.get(self._subject) if self._subject else None
        micros = microseconds(moment)
        return ValidItem(
            index,
            raw["external_id"],
            written,
            with_site(_content_hash(written, micros), site := raw.get(SITE) or ""),
            "" if subject is None else str(subject)[:MAX_ID_LENGTH],
            micros,
            self._warnings(raw, features),
            site=site,
        )

    def _checked_features(
        self, sent: Mapping[object, object]
    ) -> tuple[dict[str, object], list[FieldError]]:
        features: dict[str, object] = {}
        errors = []
        for feature in self._declaration.features:
            if feature.name not in sent and not feature.required:
                continue
            value, error = check_value(feature, sent.get(feature.name))
            if value is not None:
                features[feature.name] = value
            if error:
                errors.append(error)
        for name, value in sent.items():
            if not isinstance(name, str):
                errors.append(FieldError("features", "name_type", shown(name)))
            elif name not in self._names:
                features[name] = value
        return features, errors

    def _without_missing(self, features: Mapping[str, object]) -> dict[str, object]:
        """Leave out what is declared and null: it is as missing as what is absent."""
        return {
            name: value
            for name, value in features.items()
            if value is not None or name not in self._names
        }

    def _written(self, features: dict[str, object]) -> tuple[bytes, list[FieldError]]:
        try:
            written = orjson.dumps(features, option=orjson.OPT_SORT_KEYS)
        except (orjson.JSONEncodeError, RecursionError):
            return b"", _unwritable(features)
        if len(written) > self._max_bytes:
            return b"", [FieldError("features", "too_large", len(written))]
        if _NUL in written and (wrong := _with_nul(features)):
            return b"", wrong
        return written, []

    def _warnings(
        self, item: Mapping[str, object], features: Mapping[str, object]
    ) -> list[str]:
        unknown = [f"unknown_field: {name}" for name in features.keys() - self._names]
        dropped = [
            f"ignored_field: {shown(name)}" for name in item.keys() - self._known
        ]
        named = sorted(unknown + dropped)[:MAX_WARNINGS]
        return [storable_text(text[:200]) for text in named]


def compile_validator(declaration: Declaration) -> ItemValidator:
    """Return the validator of a declaration, compiled once per process."""
    return _compiled(declaration.model_dump_json())


@lru_cache(maxsize=64)
def _compiled(declaration_json: str) -> ItemValidator:
    return ItemValidator(Declaration.model_validate_json(declaration_json))


def _item_schema(declaration: Declaration) -> core_schema.CoreSchema:
    names = sorted(one.name for one in declaration.features)
    by_name = {one.name: one for one in declaration.features}
    features = core_schema.typed_dict_schema(
        {name: _field(by_name[name]) for name in names},
        extra_behavior="allow",
        strict=True,
    )
    external_id = core_schema.str_schema(
        strict=True, min_length=1, max_length=MAX_ID_LENGTH
    )
    moment = core_schema.str_schema(strict=True, min_length=10, max_length=40)
    fields = {
        "external_id": core_schema.typed_dict_field(external_id),
        "occurred_at": core_schema.typed_dict_field(moment),
        "features": core_schema.typed_dict_field(features),
    }
    return core_schema.typed_dict_schema(fields, extra_behavior="allow", strict=True)


def _field(feature: Feature) -> core_schema.TypedDictField:
    schema = _value_schema(feature)
    if not feature.required:
        schema = core_schema.nullable_schema(schema)
    return core_schema.typed_dict_field(schema, required=feature.required)


def _value_schema(feature: Feature) -> core_schema.CoreSchema:
    if feature.type == "number":
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


def with_media(content_hash: bytes, sha256_by_slot: Mapping[str, str]) -> bytes:
    """Return the content hash of an item together with its files'."""
    if not sha256_by_slot:
        return content_hash
    lines = (f"{slot}:{digest}\n" for slot, digest in sorted(sha256_by_slot.items()))
    return hashlib.sha256(content_hash + "".join(lines).encode()).digest()


def with_site(content_hash: bytes, site: str) -> bytes:
    """Return the content hash of an item together with the key of its site."""
    if not site:
        return content_hash
    return hashlib.sha256(content_hash + f"site:{site}\n".encode()).digest()


def _content_hash(written: bytes, micros: int) -> bytes:
    return hashlib.sha256(written + micros.to_bytes(8, "big", signed=True)).digest()


def _envelope_errors(raw: Mapping[object, object], latest: int) -> list[FieldError]:
    errors = _id_errors(raw.get("external_id"))
    sent = raw.get("occurred_at")
    moment = parse_moment(sent)
    if sent is None:
        errors.append(FieldError("occurred_at", "missing"))
    elif moment is None:
        errors.append(FieldError("occurred_at", "type", shown(sent)))
    elif microseconds(moment) > latest:
        errors.append(FieldError("occurred_at", "future", moment.isoformat()))
    site = raw.get(SITE)
    if site is not None and site != "" and (rule := _site_error(site)):
        errors.append(FieldError(SITE, rule, shown(site)))
    features = raw.get("features")
    if features is None:
        errors.append(FieldError("features", "missing"))
    elif not isinstance(features, dict):
        errors.append(FieldError("features", "type", shown(features)))
    return errors


def _id_errors(external_id: object) -> list[FieldError]:
    if external_id is None:
        return [FieldError("external_id", "missing")]
    if not isinstance(external_id, str):
        return [FieldError("external_id", "type", shown(external_id))]
    if not 0 < len(external_id) <= MAX_ID_LENGTH:
        return [FieldError("external_id", "length", shown(external_id))]
    if not external_id.strip() or external_id != storable_text(external_id):
        return [FieldError("external_id", "value", shown(external_id))]
    return []


def _site_error(site: object) -> str:
    """Return the rule that the key of a site breaks by itself; nothing where none."""
    if not isinstance(site, str):
        return "type"
    is_key = len(site) <= MAX_SITE_LENGTH and site.strip()
    return "" if is_key and site == storable_text(site) else "value"


def _unwritable(features: Mapping[str, object]) -> list[FieldError]:
    """Name the features that are no JSON: surrogates, deep nests, huge integers."""
    errors = []
    for name, value in features.items():
        try:
            orjson.dumps({name: value})
        except (orjson.JSONEncodeError, RecursionError) as error:
            rule = "surrogates" if "surrogates" in str(error) else "not_json"
            errors.append(FieldError(storable_text(name)[:200], rule, shown(value)))
    # Each by itself may be shallow enough where all of them together are not.
    return errors or [FieldError("features", "not_json")]


def _with_nul(features: Mapping[str, object]) -> list[FieldError]:
    """Name the features that hold NUL, which PostgreSQL cannot store.

    The six characters of its escape, written out, are none: hence the second look.
    """
    return [
        FieldError(storable_text(name)[:200], "nul", shown(value))
        for name, value in features.items()
        if "\x00" in name or _holds_nul(value)
    ]


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(one) for pair in value.items() for one in pair)
    if isinstance(value, list | tuple):
        return any(_holds_nul(one) for one in value)
    return False


def _external_id(raw: object) -> str | None:
    value = raw.get("external_id") if isinstance(raw, dict) else None
    return storable_text(value) if isinstance(value, str) else None
