"""Forms about gold items; the services hold the rules."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

from django import forms
from django.core.files.uploadedfile import UploadedFile

from predictions.declaration import FieldError
from reviewqueue.services.gold import MAX_NOTE_LENGTH, MAX_ROWS, GoldRow

MAX_BYTES: Final = 5_000_000
COLUMNS = ("external_id", "label", "note")
REQUIRED = ("external_id", "label")
RULES = {
    "missing": "is missing",
    "unknown": "no item has this id",
    "value": "not a label of this workflow",
    "not_routed": "the item is not scored yet",
    "not_settled": "the item has no label in force",
    "gold_already": "is gold already",
    "differs_from_before": "differs from the label it had as gold before",
    "too_long": "is too long",
    "characters": "holds characters that cannot be stored",
    "too_many": f"more than {MAX_ROWS:,}",
    "retired_already": "is retired already",
}


def sentences(errors: Sequence[FieldError]) -> list[str]:
    """Write each error with its field and value."""
    return [
        f"{one.field}: {RULES.get(one.rule, one.rule)}"
        + (f" ({str(one.value)[:100]})" if one.value else "")
        for one in errors
    ]


class GoldUploadForm(forms.Form):
    """A CSV file of external ids and known labels."""

    file = forms.FileField(
        label="CSV file",
        help_text="Columns external_id, label and, where wanted, note. "
        "The items are here already.",
        max_length=200,
    )

    def clean_file(self) -> list[GoldRow]:
        sent: UploadedFile[bytes] = self.cleaned_data["file"]
        if sent.size is not None and sent.size > MAX_BYTES:
            raise forms.ValidationError(f"The file has more than {MAX_BYTES:,} bytes.")
        try:
            text = sent.read().decode("utf-8-sig")
            return list(_rows(text))
        except UnicodeDecodeError as error:
            raise forms.ValidationError("The file is not UTF-8 text.") from error
        except csv.Error as error:
            raise forms.ValidationError(f"This is no CSV file: {error}.") from error


def _rows(text: str) -> Iterator[GoldRow]:
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="")
    names = [name.strip() for name in reader.fieldnames or ()]
    if missing := [name for name in REQUIRED if name not in names]:
        raise forms.ValidationError(f"The column {missing[0]} is missing.")
    reader.fieldnames = names
    for row in reader:
        values = {name: (row.get(name) or "").strip() for name in COLUMNS}
        if any(values.values()):
            yield GoldRow(reader.line_num, **values)


class GoldNoteForm(forms.Form):
    note = forms.CharField(required=False, max_length=MAX_NOTE_LENGTH, label="Note")


class GoldRetireForm(forms.Form):
    reason = forms.CharField(max_length=MAX_NOTE_LENGTH, label="Why is it retired?")
