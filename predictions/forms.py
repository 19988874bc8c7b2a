"""Forms of the pages about models and workflows."""

from django import forms

from predictions.enums import Stage


class StageForm(forms.Form):
    """Move a version to another stage, with a reason."""

    to = forms.ChoiceField(choices=Stage.choices, widget=forms.HiddenInput)
    reason = forms.CharField(max_length=500, label="Reason")


class RollbackForm(forms.Form):
    reason = forms.CharField(max_length=500, label="Reason")


class DeclarationForm(forms.Form):
    """The workflow file as text; the service checks it."""

    source = forms.CharField(
        label="Declaration (TOML)",
        widget=forms.Textarea(attrs={"rows": 30, "spellcheck": "false"}),
        max_length=200_000,
        strip=False,
    )
