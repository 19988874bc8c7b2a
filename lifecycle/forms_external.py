"""The form of the page on which a model that runs elsewhere is registered."""

from collections.abc import Iterable

from django import forms

from predictions.declaration import FieldError
from predictions.outbound import MAX_URL_LENGTH
from predictions.outbound import RULES as ADDRESS_RULES
from predictions.services.registry import DESCRIPTION_FIELDS, ModelDescription

MAX_DESCRIPTION = 200_000


class ExternalForm(forms.Form):
    """Where a model answers, and what it reads and says."""

    endpoint = forms.CharField(
        label="Address",
        max_length=MAX_URL_LENGTH,
        help_text="One POST a batch goes there.",
    )
    description = forms.JSONField(
        label="Description (JSON)",
        help_text="columns and label_keys; calibration, references, threshold, name, "
        "report as far as there are any.",
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false"}),
    )

    def clean_description(self) -> ModelDescription:
        """Return the description; the registry checks what is in it."""
        data = self.cleaned_data["description"]
        if not isinstance(data, dict):
            raise forms.ValidationError("An object is expected.")
        if unknown := sorted(data.keys() - set(DESCRIPTION_FIELDS)):
            raise forms.ValidationError(f"Unknown: {', '.join(unknown)}.")
        if missing := sorted({"columns", "label_keys"} - data.keys()):
            raise forms.ValidationError(f"Missing: {', '.join(missing)}.")
        return ModelDescription(**data)

    def refuse(self, errors: Iterable[FieldError]) -> None:
        """Say beside the fields what was refused."""
        for one in errors:
            if one.field == "endpoint":
                said = ADDRESS_RULES.get(one.rule, f"{one.value} ({one.rule})")
                self.add_error("endpoint", said)
            else:
                self.add_error("description", f"{one.field}: {one.rule}: {one.value}")
