"""Items, decisions and notes with personal data masked, for whoever looks at them.

Rows are changed where they are, not to be saved: the next one to read them must ask
again.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from predictions.declaration import Declaration
from predictions.masking import (
    Marks,
    is_masking,
    masked_json,
    masked_values,
    masked_words,
    secrets_of,
)
from predictions.models import Item, QuarantinedItem, Workflow
from reviewqueue.models import CaseEvent, CaseNote, Decision, Label, Outcome

type Secrets = frozenset[str]


def marks_of(
    item_ids: Collection[UUID],
    declaration: Declaration,
    *,
    as_of: datetime | None = None,
) -> dict[UUID, Marks]:
    """Return what people marked as personal in the texts of items, while it stands.

    With a moment, what stood then.
    """
    specs = [one for one in declaration.fields if one.personal]
    if not specs or not item_ids:
        return {}
    rows = Decision.objects.filter(item_id__in=list(item_ids), fields__isnull=False)
    stands = Q(retraction=None)
    if as_of is not None:
        rows = rows.filter(decided_at__lte=as_of)
        stands |= Q(retraction__at__gt=as_of)
    rows = rows.filter(stands)
    found: dict[UUID, dict[str, list[tuple[int, int]]]] = {}
    for item_id, fields in rows.values_list("item_id", "fields"):
        for spec in specs:
            places = found.setdefault(item_id, {}).setdefault(spec.feature, [])
            said = (fields or {}).get(spec.name)
            places += [(one["start"], one["end"]) for one in said or ()]
    return {**found}


def mask_items(items: Collection[Item], workflow: Workflow) -> dict[UUID, Secrets]:
    """Mask the texts of items; return by item what was masked."""
    declaration = workflow.declaration
    if not is_masking(declaration):
        return {}
    marks = marks_of([one.pk for one in items], declaration)
    secrets = {}
    for one in items:
        known = marks.get(one.pk)
        secrets[one.pk] = secrets_of(one.features, declaration, known)
        one.features = dict(masked_values(one.features, declaration, known))
    return secrets


def mask_decisions(
    decisions: Iterable[Decision], workflow: Workflow, secrets: Secrets = frozenset()
) -> None:
    """Mask what people wrote with their decisions."""
    declaration = workflow.declaration
    if not is_masking(declaration):
        return
    for one in decisions:
        one.note = masked_words(one.note, declaration, secrets)
        one.fields = masked_fields(one.fields, declaration, secrets)
        if (retraction := getattr(one, "retraction", None)) is not None:
            retraction.reason = masked_words(retraction.reason, declaration, secrets)


def mask_said(
    rows: Iterable[Label | Outcome],
    workflow: Workflow,
    secrets: Secrets = frozenset(),
) -> None:
    """Mask the fields of labels and late truth."""
    declaration = workflow.declaration
    if is_masking(declaration):
        for one in rows:
            one.fields = masked_fields(one.fields, declaration, secrets)


def mask_labels(rows: Collection[Label], workflow: Workflow) -> None:
    """Mask the fields of labels of many items, each by what is masked in its own."""
    declaration = workflow.declaration
    typed = [one for one in rows if one.fields]
    if not typed or not is_masking(declaration):
        return
    marks = marks_of({one.item_id for one in typed}, declaration)
    for one in typed:
        known = marks.get(one.item_id)
        secrets = secrets_of(one.item.features, declaration, known)
        one.fields = masked_fields(one.fields, declaration, secrets)


def mask_notes(
    notes: Iterable[CaseNote], workflow: Workflow, secrets: Secrets = frozenset()
) -> None:
    """Mask what people wrote beside cases."""
    declaration = workflow.declaration
    if is_masking(declaration):
        for one in notes:
            one.text = masked_words(one.text, declaration, secrets)


def mask_events(
    events: Iterable[CaseEvent], workflow: Workflow, secrets: Secrets = frozenset()
) -> None:
    """Mask the reasons that people gave for what they did with a case."""
    declaration = workflow.declaration
    if is_masking(declaration):
        for one in events:
            one.reason = masked_words(one.reason, declaration, secrets)


def masked_fields(
    fields: Mapping[str, Any] | None, declaration: Declaration, secrets: Secrets
) -> dict[str, Any] | None:
    """Return the values of declared fields; what is typed as a text is masked."""
    if fields is None:
        return None
    texts = {one.name for one in declaration.fields if one.type == "text"}
    return {
        name: masked_words(value, declaration, secrets)
        if name in texts and isinstance(value, str)
        else value
        for name, value in fields.items()
    }


def mask_refused(rows: Iterable[QuarantinedItem], workflow: Workflow) -> None:
    """Mask every text in what was refused, and in the reasons."""
    declaration = workflow.declaration
    if not is_masking(declaration):
        return
    kinds = declaration.masked_kinds
    for one in rows:
        one.payload = masked_json(one.payload, kinds)
        one.errors = masked_json(one.errors, kinds)
