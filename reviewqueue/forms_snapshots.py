"""What a snapshot is to hold; the rules are the service's."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator

from predictions.declaration import FieldError, LabelSpec
from reviewqueue.enums import LabelSource
from reviewqueue.queries.snapshot_rows import SnapshotFilters

SOURCES = (
    (LabelSource.DECISION, "Decisions of reviewers"),
    (LabelSource.ADJUDICATION, "Adjudication"),
    (LabelSource.OUTCOME, "Late truth"),
)
RULES = {
    "future": "This moment is still to come.",
    "before_start": "The window ends before it begins.",
    "value": "Not known here: {value}.",
}
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2999, 12, 31, tzinfo=UTC)


def _moment(label: str, help_text: str) -> forms.DateTimeField:
    return forms.DateTimeField(
        required=False,
        label=label,
        help_text=help_text,
        validators=[MinValueValidator(EARLIEST), MaxValueValidator(LATEST)],
        widget=forms.DateTimeInput(
            attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"
        ),
    )


class SnapshotForm(forms.Form):
    """Read a window and filters; nothing given means everything labelled, as of now."""

    labelled_from = _moment("Labelled from", "The beginning counts.")
    labelled_to = _moment("Labelled before", "The end does not.")
    as_of = _moment("As of", "What came later does not exist in it. Empty: now.")
    sources = forms.MultipleChoiceField(
        required=False,
        choices=SOURCES,
        label="Where the label comes from (none chosen: all)",
        widget=forms.CheckboxSelectMultiple,
    )
    labels = forms.MultipleChoiceField(
        required=False,
        label="Label (none chosen: all)",
        widget=forms.CheckboxSelectMultiple,
    )
    only_blind = forms.BooleanField(
        required=False,
        label="Only what was decided blind",
        help_text="The reviewer had not seen the recommendation.",
    )
    only_audit = forms.BooleanField(
        required=False,
        label="Only the audit sample",
        help_text="Passed by the policy and drawn at random for people.",
    )

    unmasked = forms.BooleanField(
        required=False,
        label="With personal data, not masked",
        help_text="Noted in the access log, as is each download; nothing learns of it.",
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        labels: Sequence[LabelSpec],
        may_unmask: bool = False,
    ) -> None:
        super().__init__(data)
        if not may_unmask:
            del self.fields["unmasked"]
        self.fields["labels"].choices = [  # type: ignore[attr-defined]
            (label.key, label.name) for label in labels
        ]
        for name in ("labelled_from", "labelled_to", "as_of"):
            self.fields[name].label += f" ({settings.TIME_ZONE})"  # type: ignore[operator]

    def filters(self) -> SnapshotFilters:
        """What was asked for; only once the form is valid."""
        asked = self.cleaned_data
        return SnapshotFilters(
            labelled_from=asked["labelled_from"],
            labelled_to=asked["labelled_to"],
            sources=tuple(asked["sources"]),
            labels=tuple(asked["labels"]),
            only_blind=asked["only_blind"],
            only_audit=asked["only_audit"],
            unmasked=asked.get("unmasked", False),
        )

    def refuse(self, errors: Sequence[FieldError]) -> None:
        """Show what the service refused beside its field."""
        for error in errors:
            words = RULES.get(error.rule, error.rule).format(value=error.value)
            self.add_error(error.field if error.field in self.fields else None, words)


def query_fields(filters: SnapshotFilters, as_of: datetime) -> list[tuple[str, str]]:
    """Return a query as the pairs that the form reads back exactly."""
    moments = {
        "labelled_from": filters.labelled_from,
        "labelled_to": filters.labelled_to,
        "as_of": as_of,
    }
    pairs = [(name, at.isoformat()) for name, at in moments.items() if at]
    pairs += [("sources", source) for source in filters.sources]
    pairs += [("labels", label) for label in filters.labels]
    flags = {
        "only_blind": filters.only_blind,
        "only_audit": filters.only_audit,
        "unmasked": filters.unmasked,
    }
    return pairs + [(name, "on") for name, flag in flags.items() if flag]
