"""Whose decisions are looked at again, and why they are put back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator

from predictions.declaration import FieldError
from predictions.models import Workflow
from predictions.queries.pages import InvalidCursor
from reviewqueue.forms_snapshots import EARLIEST, LATEST
from reviewqueue.queries.repair import Rank, RepairScope, read_rank
from reviewqueue.services.repair import MAX_ITEMS, MAX_REASON_LENGTH

DEFAULT_WINDOW = timedelta(days=7)
DEFAULT_N = 100
RULES = {
    "missing": "This field is required.",
    "too_long": f"At most {MAX_REASON_LENGTH} characters.",
    "too_many": f"At most {MAX_ITEMS} items at once.",
}


def _moment(label: str, help_text: str) -> forms.DateTimeField:
    return forms.DateTimeField(
        required=False,
        label=f"{label} ({settings.TIME_ZONE})",
        help_text=help_text,
        validators=[MinValueValidator(EARLIEST), MaxValueValidator(LATEST)],
        widget=forms.DateTimeInput(
            attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"
        ),
    )


class ScopeForm(forms.Form):
    """Read since when, of which segment and which version; nothing given means all."""

    since = _moment("Decided since", "")
    until = _moment("Decided before", "")
    segment = forms.TypedChoiceField(
        required=False, label="Segment", coerce=UUID, empty_value=None
    )
    version = forms.TypedChoiceField(
        required=False, label="Model version", coerce=int, empty_value=None
    )
    n = forms.IntegerField(
        required=False, min_value=1, max_value=MAX_ITEMS, label="The riskiest"
    )

    def __init__(
        self,
        data: Mapping[str, Any],
        *,
        segments: Sequence[tuple[str, str]],
        versions: Sequence[int],
    ) -> None:
        super().__init__(data)
        self.fields["segment"].choices = [("", "all"), *segments]  # type: ignore[attr-defined]
        self.fields["version"].choices = [  # type: ignore[attr-defined]
            ("", "all"),
            *((str(number), f"version {number}") for number in versions),
        ]

    def scope(self, workflow: Workflow, *, now: datetime) -> RepairScope:
        """Return what was asked for; only once the form is valid."""
        asked = self.cleaned_data
        return RepairScope(
            workflow=workflow,
            since=asked["since"] or now - DEFAULT_WINDOW,
            until=asked["until"] or now,
            segment_id=asked["segment"],
            model_number=asked["version"],
        )

    def n_wanted(self) -> int:
        """Return how many of the riskiest are to be put back."""
        n: int | None = self.cleaned_data["n"]
        return n or DEFAULT_N


class PutBackForm(forms.Form):
    """The place in the list down to which items are put back, and why."""

    last = forms.CharField(max_length=100, widget=forms.HiddenInput)
    reason = forms.CharField(
        max_length=MAX_REASON_LENGTH,
        label="Why",
        help_text="It stands on every case.",
    )

    def clean_last(self) -> Rank:
        try:
            return read_rank(self.cleaned_data["last"])
        except InvalidCursor as error:
            raise forms.ValidationError(str(error)) from error

    def refuse(self, errors: Sequence[FieldError]) -> None:
        """Show what the service refused beside its field."""
        for error in errors:
            words = RULES.get(error.rule, error.rule)
            self.add_error(error.field if error.field in self.fields else None, words)
