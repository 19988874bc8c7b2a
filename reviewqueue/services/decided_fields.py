"""What a decision holds besides its label: `docs/structured-decisions.md`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from predictions.declaration import Declaration, FieldError
from predictions.declaration_fields import FieldSpec
from predictions.fields.comparing import differing_fields
from predictions.fields.values import Sizes, Values, check_fields, missing_fields
from predictions.models import Item
from predictions.queries.media import image_sizes
from predictions.queries.predicted_fields import recommended_values
from reviewqueue.models import Case, Decision


@dataclass(frozen=True, slots=True)
class Held:
    """The fields of a decision, and which of them correct the recommendation."""

    values: Values | None = None
    corrected: list[str] = field(default_factory=list)
    errors: list[FieldError] = field(default_factory=list)


def decided_fields(
    case: Case,
    *,
    label: str,
    given: Mapping[str, object] | None,
    blind: bool,
    supersedes: Decision | None,
) -> Held:
    """Put together what a person said and what they left as it was.

    What is not given stays as it was decided, in an amendment, and else as recommended;
    in a blind case there is nothing to stay at. An empty label holds no fields.
    """
    declaration = case.workflow.declaration
    if not declaration.fields:
        rule = [] if given is None else [FieldError("fields", "not_declared")]
        return Held(errors=rule)
    if not label:
        return Held(errors=[] if not given else [FieldError("fields", "not_allowed")])
    specs = declaration.fields_with(label)
    recommended = recommended_values(case.route.prediction, specs)
    base = {} if blind else {**(recommended or {})}
    if supersedes is not None and supersedes.fields:
        base |= check_fields(specs, _only(specs, supersedes.fields)).values
    said = check_fields(
        declaration.fields,
        given or {},
        texts=_texts(specs, case.item),
        sizes=_sizes(specs, case),
    )
    values = _together(specs, base, said.values, given or {})
    errors = said.errors + _not_asked(declaration, label, given or {})
    errors = errors or missing_fields(specs, values)
    if errors:
        return Held(errors=errors)
    if recommended is None:
        return Held(values)
    return Held(values, differing_fields(specs, recommended, values))


def _together(
    specs: Sequence[FieldSpec], base: Values, said: Values, given: Mapping[str, object]
) -> Values:
    """Return the values of the fields that are asked for, without empty ones."""
    values: Values = {}
    for one in specs:
        value = said.get(one.name) if one.name in given else base.get(one.name)
        if value is None and one.is_set:
            value = []
        if value is not None:
            values[one.name] = value
    return values


def _not_asked(
    declaration: Declaration, label: str, given: Mapping[str, object]
) -> list[FieldError]:
    return [
        FieldError(f"fields.{one.name}", "not_asked", given[one.name])
        for one in declaration.fields
        if given.get(one.name) not in (None, []) and not one.is_asked_with(label)
    ]


def _only(specs: Sequence[FieldSpec], values: Values) -> Values:
    return {one.name: values.get(one.name) for one in specs}


def _texts(specs: Sequence[FieldSpec], item: Item) -> Mapping[str, object]:
    """Return the texts in which spans lie; the features are read only for them."""
    return item.features if any(one.feature for one in specs) else {}


def _sizes(specs: Sequence[FieldSpec], case: Case) -> Sizes:
    """Return the sizes of the images in which regions lie."""
    if not any(one.media for one in specs):
        return {}
    return image_sizes(case.workflow, [case.item_id]).get(case.item_id, {})


def is_same_judgement(first: Decision, second: Decision) -> bool:
    """Say whether two readers agree on the label and, within tolerance, the fields."""
    if first.label != second.label:
        return False
    if not first.fields and not second.fields:
        return True
    specs = first.workflow.declaration.fields_with(first.label)
    return not differing_fields(specs, first.fields or {}, second.fields or {})
