"""What people say on the page of readiness."""

from django import forms


class RightsForm(forms.Form):
    """That somebody went through the rights as they were shown."""

    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)
    note = forms.CharField(
        max_length=300,
        required=False,
        label="Note",
        help_text="What you found or changed, if anything.",
    )
