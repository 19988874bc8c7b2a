"""The form that sends a file of items."""

from datetime import timedelta

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from predictions.intake.archives import BEGINNING
from predictions.intake.columns import Arrivals, ColumnMap
from predictions.intake.files import FORMATS, FileKind, kind_of
from predictions.intake.readers import MalformedPayload

FORMAT_CHOICES = [("", "By the name of the file"), *((one, one) for one in FORMATS)]


def within_limit(sent: "UploadedFile[bytes]") -> "UploadedFile[bytes]":
    """Return the file, unless it is too large. Raises: ValidationError."""
    limit = settings.INTAKE_MAX_UPLOAD_BYTES
    if sent.size is not None and sent.size > limit:
        raise forms.ValidationError(f"The file has more than {limit:,} bytes.")
    return sent


class RenamingForm(forms.Form):
    """Which columns of a table hold what, and which are left out."""

    rename = forms.CharField(
        label="Other column names",
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="One a line: column = feature. Same names are found by themselves.",
    )
    ignore = forms.CharField(
        label="Columns to leave out",
        required=False,
        max_length=5000,
        help_text="Separated by commas: the truth, for one, is no feature.",
    )

    def clean_rename(self) -> dict[str, str]:
        renames = {}
        for line in self.cleaned_data["rename"].splitlines():
            if not line.strip():
                continue
            column, equals, feature = (part.strip() for part in line.rpartition("="))
            if not (equals and column and feature):
                raise forms.ValidationError(f"{line[:100]}: column = feature, please.")
            renames[column] = feature
        return renames

    def clean_ignore(self) -> frozenset[str]:
        names = self.cleaned_data["ignore"].split(",")
        return frozenset(name.strip() for name in names if name.strip())


class UploadForm(RenamingForm):
    """A file, and which of its columns hold what where the names do not say."""

    file = forms.FileField(
        label="File",
        help_text=(
            "CSV, Parquet, NDJSON or JSON; CSV and JSON may be compressed (.gz). "
            "Or a ZIP of images and sound with a manifest."
        ),
        max_length=200,
    )
    format = forms.ChoiceField(
        label="Format",
        choices=FORMAT_CHOICES,
        required=False,
    )
    external_id = forms.CharField(
        label="Column of the external id", initial="external_id", max_length=200
    )
    occurred_at = forms.CharField(
        label="Column of the moment",
        initial="occurred_at",
        max_length=200,
        help_text="ISO 8601; without a zone it is UTC.",
    )
    start = forms.DateTimeField(
        label="Or: moment of the first row",
        required=False,
        help_text="For tables without moments (UTC).",
    )
    interval_seconds = forms.FloatField(
        label="Seconds between rows",
        required=False,
        initial=60,
        min_value=0,
        max_value=31_536_000,
    )

    def clean_file(self) -> "UploadedFile[bytes]":
        return within_limit(self.cleaned_data["file"])

    def clean(self) -> None:
        sent = self.cleaned_data.get("file")
        if sent is None or self.is_archive():
            return
        try:
            self.kind()
        except MalformedPayload as error:
            self.add_error("file", error.message)

    def is_archive(self) -> bool:
        """Say whether the file is a ZIP, by its content."""
        sent: UploadedFile[bytes] = self.cleaned_data["file"]
        beginning: bytes = sent.read(len(BEGINNING))
        sent.seek(0)
        return beginning == BEGINNING

    def kind(self) -> FileKind:
        """Return what the file is. Raises: MalformedPayload."""
        sent: UploadedFile[bytes] = self.cleaned_data["file"]
        return kind_of(sent.name or "", told=self.cleaned_data.get("format", ""))

    def columns(self) -> ColumnMap:
        """Return the column map that was filled in."""
        data = self.cleaned_data
        occurred_at: str | Arrivals = data["occurred_at"]
        if data["start"] is not None:
            step = timedelta(seconds=data["interval_seconds"] or 0)
            occurred_at = Arrivals(data["start"], step)
        return ColumnMap(
            external_id=data["external_id"],
            occurred_at=occurred_at,
            rename=data["rename"],
            ignore=data["ignore"],
        )
