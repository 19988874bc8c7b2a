"""Items, labels and refusals in the words of their workflow."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django import template
from django.template import Context

from predictions.fields.wording import value_words
from predictions.intake.wording import told
from predictions.models import Item, Prediction, Workflow
from predictions.queries.predicted_fields import predicted_fields_of
from reviewqueue.models import Decision, Label, Outcome, Route, Segment
from reviewqueue.queries.titles import item_title
from reviewqueue.queries.trust import part_name

register = template.Library()

DASH = "–"  # noqa: RUF001 -- typography


@register.simple_tag(takes_context=True)
def filter_less(context: Context, name: str) -> str:
    """Return the query string without one filter, on the first page."""
    query = context["request"].GET.copy()
    for gone in (name, "cursor"):
        query.pop(gone, None)
    return f"?{query.urlencode()}"


@register.filter
def entry_of(values: Mapping[object, object], key: object) -> object:
    """Return what a mapping holds for a key; empty where it holds nothing."""
    return values.get(key, "")


@register.filter
def title_in(item: Item, workflow: Workflow) -> str:
    """Return the item's heading; its external id where the workflow states none."""
    return item_title(item, workflow)


@register.filter
def label_in(key: str, workflow: Workflow) -> str:
    """Return the name of a label; a key that is not declared any more as it is."""
    return workflow.declaration.label_name(key) if key else DASH


@register.filter
def part_in(segment: Segment, workflow: Workflow) -> str:
    """Return the name of what a segment is of: its label, or its field."""
    return part_name(segment, workflow)


@register.filter
def parts_in(route: Route, workflow: Workflow) -> list[tuple[str, float]]:
    """Return what each part of an item asked for, by name; none without fields."""
    asked = dict(zip(route.parts or (), route.part_probabilities or (), strict=True))
    segments = Segment.objects.in_bulk(list(asked)) if asked else {}
    return [(part_name(segments[pk], workflow), asked[pk]) for pk in asked]


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One field in words; `confidence` is the model's, None where it gave none."""

    title: str
    words: str
    is_corrected: bool = False
    confidence: float | None = None


@register.filter
def fields_in(row: Decision | Label | Outcome, workflow: Workflow) -> list[FieldLine]:
    """Return the fields of a decision, a label or an outcome, as they are declared."""
    return _lines(row.fields or {}, workflow, corrected=getattr(row, "corrected", ()))


@register.filter
def filled_in(prediction: Prediction, workflow: Workflow) -> list[FieldLine]:
    """Return the fields that a model filled in."""
    found = predicted_fields_of(prediction) if workflow.declaration.fields else None
    if found is None:
        return []
    return _lines(found.values, workflow, confidences=found.confidences)


def _lines(
    values: Mapping[str, object],
    workflow: Workflow,
    *,
    corrected: Collection[str] = (),
    confidences: Mapping[str, float] | None = None,
) -> list[FieldLine]:
    sure = confidences or {}
    return [
        FieldLine(
            one.label,
            value_words(one, values.get(one.name)),
            one.name in corrected,
            sure.get(one.name),
        )
        for one in workflow.declaration.fields
        if values.get(one.name) is not None or one.name in corrected
    ]


@register.filter
def told_in(error: Mapping[str, object], workflow: Workflow) -> str:
    """Return why a field was refused, in a sentence."""
    return told(error, workflow.declaration)
