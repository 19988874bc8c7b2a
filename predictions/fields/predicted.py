"""What a model says of fields, held against the declaration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from predictions.declaration import FieldError
from predictions.declaration_fields import FieldSpec
from predictions.fields.values import Sizes, Values, check_fields
from predictions.intake.values import shown

MAX_EVIDENCE_BYTES: Final = 4096
_ENTRIES: Final = frozenset({"value", "confidence", "evidence"})


@dataclass(frozen=True, slots=True)
class Predicted:
    """Values by field, how sure the model is (0..1), and what it read them from."""

    values: Values = field(default_factory=dict)
    confidences: dict[str, float] = field(default_factory=dict)
    evidence: dict[str, Any] = field(default_factory=dict)

    def is_unsure(self, specs: Sequence[FieldSpec], least: float) -> bool:
        """Say whether one of these fields may not pass without a person.

        A value whose confidence is below `least` or not given, a required field that
        holds nothing, and one of which something was read that makes no value.
        """
        for one in specs:
            if one.name in self.values:
                if self.confidences.get(one.name, 0.0) < least:
                    return True
            elif one.required or one.name in self.evidence:
                return True
        return False

    def asked_with(self, specs: Sequence[FieldSpec], label: str) -> "Predicted":
        """Return what is said of the fields that a label asks for."""
        asked = {one.name for one in specs if one.is_asked_with(label)}
        return Predicted(
            *(
                {name: part[name] for name in part if name in asked}
                for part in (self.values, self.confidences, self.evidence)
            )
        )


def read_predicted(
    specs: Sequence[FieldSpec],
    given: object,
    *,
    texts: Mapping[str, object],
    sizes: Sizes | None = None,
) -> tuple[Predicted, list[FieldError]]:
    """Read `{name: {"value", "confidence", "evidence"} or null}` of one item.

    A field that is left out or null holds nothing. With an error nothing is usable.
    """
    if not isinstance(given, Mapping):
        return Predicted(), [FieldError("fields", "type", shown(given))]
    errors: list[FieldError] = []
    raw: Values = {}
    confidences: dict[str, float] = {}
    evidence: dict[str, Any] = {}
    for name, entry in given.items():
        if entry is None:
            continue
        where = f"fields.{shown(str(name))}"
        if not isinstance(entry, Mapping) or not _ENTRIES.issuperset(entry):
            errors.append(FieldError(where, "type", shown(entry)))
            continue
        raw[name] = entry.get("value")
        errors += _confidence(entry.get("confidence"), name, where, confidences)
        errors += _evidence(entry.get("evidence"), name, where, evidence)
    checked = check_fields(specs, raw, texts=texts, sizes=sizes)
    errors += checked.errors
    return Predicted(checked.values, confidences, evidence), errors


def _confidence(
    value: object, name: str, where: str, into: dict[str, float]
) -> list[FieldError]:
    if value is None:
        return []
    if isinstance(value, bool) or not isinstance(value, int | float):
        return [FieldError(f"{where}.confidence", "type", shown(value))]
    if not 0 <= value <= 1:  # NaN is not, either
        return [FieldError(f"{where}.confidence", "range", shown(value))]
    into[name] = float(value)
    return []


def _evidence(
    value: object, name: str, where: str, into: dict[str, Any]
) -> list[FieldError]:
    if value is None:
        return []
    if not isinstance(value, dict):
        return [FieldError(f"{where}.evidence", "type", shown(value))]
    try:
        written = orjson.dumps(value)
    except (TypeError, ValueError):
        return [FieldError(f"{where}.evidence", "type", shown(value))]
    if len(written) > MAX_EVIDENCE_BYTES:
        return [FieldError(f"{where}.evidence", "too_long", len(written))]
    if b"\\u0000" in written:
        return [FieldError(f"{where}.evidence", "nul")]
    into[name] = value
    return []
