"""Forms about failures of machines; the services hold the rules."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django import forms
from django.utils import timezone

from predictions.declaration import Declaration
from predictions.forms_readings import (
    TABLE_HELP,
    MachineColumnsForm,
    TableFileForm,
    guessed_columns,
)
from predictions.intake.columns import ColumnMap, guessed_column

KIND_NAMES = ("kind", "type", "failure", "failure_type", "cause", "label")
COMPLETE_HELP = (
    "With it, items that no failure followed by then get the other label. UTC."
)


class CompleteForm(forms.Form):
    """Until when all failures are in."""

    complete_until = forms.DateTimeField(
        label="All failures until then are in",
        help_text=COMPLETE_HELP,
        widget=forms.DateTimeInput(attrs={"placeholder": "2026-01-31 14:30"}),
    )

    def clean_complete_until(self) -> datetime | None:
        return _past(self.cleaned_data["complete_until"])


class FailureFileForm(TableFileForm):
    table = forms.FileField(
        label="File of failures", max_length=200, help_text=TABLE_HELP
    )


class FailureColumnsForm(MachineColumnsForm):
    """Which columns hold machine, moment and kind, and whether the file is complete."""

    kind = forms.CharField(label="Column of the kind", max_length=200, required=False)
    complete_until = forms.DateTimeField(
        label="All failures until then are in",
        required=False,
        help_text=COMPLETE_HELP,
        widget=forms.DateTimeInput(attrs={"placeholder": "2026-01-31 14:30"}),
    )

    def clean_complete_until(self) -> datetime | None:
        return _past(self.cleaned_data["complete_until"])

    def columns(self) -> ColumnMap:
        """Return the column map that was filled in."""
        data = self.cleaned_data
        return ColumnMap(
            external_id=data["machine"],
            occurred_at=data["at"],
            rename={data["kind"]: "kind"} if data["kind"] else {},
        )


def guessed_failure_columns(
    header: Sequence[str], declaration: Declaration
) -> Mapping[str, str]:
    """Guess which columns hold machine, moment and kind, from their names."""
    kind = guessed_column(header, KIND_NAMES)
    return {**guessed_columns(header, declaration), "kind": kind}


def _past(moment: datetime | None) -> datetime | None:
    if moment is not None and moment > timezone.now():
        raise forms.ValidationError("This moment is yet to come.")
    return moment
