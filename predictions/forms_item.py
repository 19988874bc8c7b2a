"""The form that sends one item with its images and sound."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict

from accounts.models import Site
from predictions.declaration import Declaration, Feature
from predictions.declaration_media import MediaSlot
from predictions.intake.columns import cell_converter
from predictions.intake.readers import ByteStream

FEATURE, SLOT = "f_", "m_"
ACCEPTED = {
    "image": "image/png,image/jpeg,image/webp,image/tiff",
    "audio": "audio/wav,.wav",
}


class ItemForm(forms.Form):
    """A field for each declared feature and slot; rules are those of intake."""

    external_id = forms.CharField(label="External id", max_length=200)
    occurred_at = forms.CharField(
        label="When it occurred",
        max_length=40,
        help_text="ISO 8601, such as 2026-01-31T14:30:00Z; without a zone it is UTC.",
    )

    def __init__(
        self,
        declaration: Declaration,
        data: Mapping[str, Any] | None = None,
        files: "MultiValueDict[str, UploadedFile[Any]] | None" = None,
        *,
        sites: Sequence[Site] = (),
        initial: dict[str, Any] | None = None,
    ) -> None:
        # Ids of its own: another form stands on the page.
        super().__init__(data, files, initial=initial, auto_id="item_%s")
        self._declaration = declaration
        if sites:
            self.fields["site"] = forms.ChoiceField(
                label="Site",
                choices=[("", "none"), *((one.key, one.name) for one in sites)],
                required=False,
            )
        for slot in declaration.media:
            self.fields[SLOT + slot.name] = _file_field(slot)
        for feature in declaration.features:
            self.fields[FEATURE + feature.name] = _text_field(feature)

    def raw(self) -> dict[str, object]:
        """Return the item as a sender would write it; what is empty is missing."""
        data = self.cleaned_data
        features = {
            feature.name: cell_converter(feature)(text)
            for feature in self._declaration.features
            if (text := data[FEATURE + feature.name])
        }
        return {
            **({"site": data["site"]} if data.get("site") else {}),
            "external_id": data["external_id"],
            "occurred_at": data["occurred_at"],
            "features": features,
        }

    def sent_files(self) -> dict[str, ByteStream]:
        """Return the files by slot."""
        found: dict[str, ByteStream] = {}
        for slot in self._declaration.media:
            sent: UploadedFile[bytes] | None = self.cleaned_data[SLOT + slot.name]
            if sent is not None:
                found[slot.name] = sent
        return found


def _file_field(slot: MediaSlot) -> forms.FileField:
    return forms.FileField(
        label=slot.label,
        required=slot.required,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ACCEPTED[slot.kind]}),
        help_text=f"At most {slot.max_bytes / 1e6:g} MB.",
    )


def _text_field(feature: Feature) -> forms.Field:
    label = f"{feature.label} ({feature.unit})" if feature.unit else feature.label
    if feature.type in {"category", "boolean"}:
        values = feature.values or ("true", "false")
        choices = [("", "not given"), *((value, value) for value in values)]
        return forms.ChoiceField(
            label=label, choices=choices, required=feature.required
        )
    return forms.CharField(label=label, required=feature.required, max_length=10_000)
