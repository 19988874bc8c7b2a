"""Forms of tables of machines: a file, and which of its columns hold what."""

from collections.abc import Mapping, Sequence

from django import forms
from django.core.files.uploadedfile import UploadedFile

from predictions.declaration import Declaration
from predictions.forms_upload import FORMAT_CHOICES, RenamingForm, within_limit
from predictions.intake.columns import ColumnMap, guessed_column
from predictions.intake.files import FileKind, kind_of
from predictions.intake.readers import MalformedPayload

MACHINE_NAMES = (
    "machine",
    "machine_id",
    "machine_name",
    "asset",
    "asset_id",
    "equipment",
    "equipment_id",
    "device",
    "device_id",
    "unit",
    "mill",
)
AT_NAMES = (
    "at",
    "timestamp",
    "time",
    "datetime",
    "date_time",
    "moment",
    "occurred_at",
    "measured_at",
    "failed_at",
    "when",
    "ts",
    "date",
)

TABLE_HELP = "CSV, Parquet, NDJSON or JSON; CSV and JSON may be compressed (.gz)."


class TableFileForm(forms.Form):
    """A file that is looked at before anything of it is stored."""

    table = forms.FileField(
        label="File of readings",
        max_length=200,
        help_text=TABLE_HELP,
    )

    def clean_table(self) -> "UploadedFile[bytes]":
        return within_limit(self.cleaned_data["table"])


class MachineColumnsForm(RenamingForm):
    """Which columns hold the machine and the moment."""

    machine = forms.CharField(label="Column of the machine", max_length=200)
    at = forms.CharField(
        label="Column of the moment",
        max_length=200,
        help_text="ISO 8601; without a zone it is UTC.",
    )
    format = forms.ChoiceField(label="Format", choices=FORMAT_CHOICES, required=False)

    def __init__(self, data: Mapping[str, object], *, name: str) -> None:
        super().__init__(dict(data))
        self._name = name

    def clean(self) -> None:
        try:
            self.file_kind()
        except MalformedPayload as error:
            self.add_error("format", error.message)

    def file_kind(self) -> FileKind:
        """Return what the file is. Raises: MalformedPayload."""
        return kind_of(self._name, told=self.cleaned_data.get("format", ""))

    def columns(self) -> ColumnMap:
        """Return the column map that was filled in."""
        data = self.cleaned_data
        return ColumnMap(
            external_id=data["machine"],
            occurred_at=data["at"],
            rename=data["rename"],
            ignore=data["ignore"],
        )


def guessed_columns(header: Sequence[str], declaration: Declaration) -> dict[str, str]:
    """Guess which columns hold the machine and the moment, from their names."""
    names = (declaration.subject or "", *MACHINE_NAMES)
    machine = guessed_column(header, [name for name in names if name])
    at = guessed_column(header, AT_NAMES)
    return {"machine": machine or "machine", "at": at or "at"}
