"""What people say of an alert."""

from django import forms

from lifecycle.services.alerts import MAX_NOTE


class AcknowledgeForm(forms.Form):
    note = forms.CharField(max_length=MAX_NOTE, required=False, label="Note")


class ResolveForm(forms.Form):
    note = forms.CharField(max_length=MAX_NOTE, label="What was it?")
