"""The fields of a decision on the desk: shown, read back, compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import QueryDict
from django.utils import timezone

from predictions.declaration import Declaration, FieldError
from predictions.declaration_fields import FieldSpec
from predictions.fields.comparing import differing_fields, same_value
from predictions.fields.values import check_fields
from predictions.fields.wording import value_words
from predictions.models import Item, Workflow
from predictions.queries.predicted_fields import (
    predicted_fields_of,
    recommended_values,
)
from reviewqueue.enums import CaseKind, Verdict
from reviewqueue.field_drawings import overlays_of
from reviewqueue.field_forms import (
    MARK,
    FieldInput,
    Shown,
    field_inputs,
    read_fields,
)
from reviewqueue.models import Case, Decision
from reviewqueue.services.judging import Judgement

RECOMMENDED: Final = "Recommended"


def fields_context(
    case: Case,
    declaration: Declaration,
    *,
    sent: Mapping[str, str] | None,
    errors: Sequence[FieldError],
) -> dict[str, Any]:
    """Return what the form of the fields needs; nothing where none are declared."""
    if not declaration.fields:
        return {}
    shown = _shown(case, declaration)
    inputs = _inputs(shown, case.item, declaration, sent=sent, errors=errors)
    return {
        "fields": inputs,
        "fields_recommended": bool(shown.label),
        "fields_ranked": bool(shown.confidences),
        "overlays": overlays_of(declaration.fields, shown.values),
    }


def _inputs(
    shown: Shown,
    item: Item,
    declaration: Declaration,
    *,
    sent: Mapping[str, str] | None,
    errors: Sequence[FieldError],
) -> list[FieldInput]:
    return field_inputs(
        declaration.fields,
        shown,
        features=item.features,
        zone=timezone.get_current_timezone(),
        label_names={one.key: one.name for one in declaration.labels},
        sent=sent if sent and MARK in sent else None,
        errors=errors,
    )


def _shown(case: Case, declaration: Declaration) -> Shown:
    if case.blind:
        return Shown()
    prediction = case.route.prediction
    values = recommended_values(prediction, declaration.fields)
    found = predicted_fields_of(prediction)
    if values is None or found is None:
        return Shown()
    return Shown(values, found.confidences, found.evidence, case.route.label)


def amend_context(
    decision: Decision,
    declaration: Declaration,
    *,
    sent: Mapping[str, str] | None,
    errors: Sequence[FieldError],
) -> dict[str, Any]:
    """Return what the form that amends a decision needs for its fields."""
    if not declaration.fields:
        return {}
    shown = Shown(decision.fields or {})
    inputs = _inputs(shown, decision.item, declaration, sent=sent, errors=errors)
    return {
        "pk": decision.pk,
        "inputs": inputs,
        "form": f"amend-form-{decision.pk}",
    }


def amended_fields(
    decision: Decision, label: str, sent: QueryDict, declaration: Declaration
) -> dict[str, object] | None:
    """Return what the form that amends says of the fields that the label asks for."""
    if MARK not in sent or not declaration.fields:
        return None
    return _read(sent, declaration.fields_with(label), decision.fields or {})


def form_judgement(
    data: Mapping[str, Any], sent: QueryDict, case: Case, workflow: Workflow
) -> Judgement:
    """Return what a form says, its fields as far as the chosen label asks for them.

    Confirming with another value in a field is a correction: what was pressed says
    that the label stands.
    """
    declaration = workflow.declaration
    verdict, label = data["verdict"], data["label"]
    fields = None
    if declaration.fields and MARK in sent and verdict != Verdict.UNSURE:
        if verdict == Verdict.CONFIRM and not label and not case.blind:
            verdict, label = "", case.route.label
        specs = declaration.fields_with(label)
        fields = _read(sent, specs, _shown(case, declaration).values)
    return Judgement(
        verdict=verdict,
        label=label,
        reason_code=data["reason_code"],
        note=data["note"],
        fields=fields,
    )


def _read(
    sent: QueryDict, specs: Sequence[FieldSpec], base: Mapping[str, Any]
) -> dict[str, object]:
    zone = timezone.get_current_timezone()
    texts = {name: str(value) for name, value in sent.items()}
    return read_fields(specs, texts, base=base, zone=zone)


def typed_fields(
    case: Case | None, sent: QueryDict, workflow: Workflow
) -> list[tuple[str, str]]:
    """Return what was typed otherwise than it was filled in, with the titles."""
    specs = workflow.declaration.fields
    if MARK not in sent or not specs or case is None:
        return []
    base = _shown(case, workflow.declaration).values
    typed = _read(sent, specs, base)
    return [
        (one.label, _as_typed(one, typed[one.name]))
        for one in specs
        if typed[one.name] not in (None, [], base.get(one.name))
    ]


def _as_typed(spec: FieldSpec, value: object) -> str:
    if isinstance(value, list):
        rows = (" ".join(map(str, one.values())) for one in value)
        return "; ".join(rows)
    return value_words(spec, value) if spec.type == "boolean" else str(value)


@dataclass(frozen=True, slots=True)
class Compared:
    """One field as several people filled it in."""

    title: str
    cells: tuple[str, ...]
    differs: bool


def compared_fields(
    readings: Sequence[Decision], case: Case, declaration: Declaration
) -> dict[str, Any]:
    """Put the live readings of an item side by side, beside what was recommended."""
    specs = declaration.fields
    live = [
        one
        for one in readings
        if one.label
        and not hasattr(one, "retraction")
        and one.case_kind != CaseKind.ADJUDICATION
    ]
    if not specs or not live:
        return {}
    recommended = recommended_values(case.route.prediction, specs)
    columns = [one.fields or {} for one in live]
    names = [one.reviewer.display_name for one in live]
    if recommended is not None:
        columns, names = [recommended, *columns], [RECOMMENDED, *names]
    said = [one.fields or {} for one in live]
    rows = [
        Compared(
            one.label,
            tuple(value_words(one, column.get(one.name)) for column in columns),
            any(
                not same_value(one, said[0].get(one.name), other.get(one.name))
                for other in said[1:]
            ),
        )
        for one in specs
    ]
    return {"compared": rows, "compared_by": names}


def is_same_call(own: Decision, judgement: Judgement, declaration: Declaration) -> bool:
    """Say whether a decision is what a repeated form says."""
    if judgement.verdict == Verdict.UNSURE or not judgement.label:
        return own.verdict == judgement.verdict
    if own.label != judgement.label:
        return False
    if judgement.fields is None:
        return True
    specs = declaration.fields_with(own.label)
    said = check_fields(specs, judgement.fields).values
    return not differing_fields(specs, own.fields or {}, said)
