"""Forms of the reviewer's and the supervisor's pages; the services hold the rules."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

SNOOZES = (("60", "1 hour"), ("240", "4 hours"), ("tomorrow", "tomorrow, 8:00"))


class LeaseForm(forms.Form):
    """What every action of a holder carries."""

    lease_token = forms.UUIDField(widget=forms.HiddenInput)


class DecideForm(LeaseForm):
    verdict = forms.CharField(required=False, max_length=20)
    label = forms.CharField(required=False, max_length=50)
    reason_code = forms.CharField(required=False, max_length=50)
    note = forms.CharField(required=False, max_length=4000, widget=forms.Textarea)


class ReasonForm(LeaseForm):
    reason = forms.CharField(required=False, max_length=500)

    def terms(self, _now: datetime) -> dict[str, Any]:
        """Return what the service is told besides who, when and which case."""
        return {"reason": self.cleaned_data["reason"]}


class SkipForm(ReasonForm):
    reason = forms.CharField(max_length=500, label="Why do you skip it?")


class SnoozeForm(LeaseForm):
    """Put off for a while, until tomorrow, or until a chosen moment."""

    until = forms.ChoiceField(choices=SNOOZES, required=False)
    at = forms.DateTimeField(
        required=False,
        label="or until",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )

    def terms(self, now: datetime) -> dict[str, Any]:
        """Return what the service is told besides who, when and which case."""
        return {"until": self.moment(now), "reason": ""}

    def moment(self, now: datetime) -> datetime:
        """Return the moment that was chosen."""
        if chosen := self.cleaned_data.get("at"):
            return chosen  # type: ignore[no-any-return]
        until = self.cleaned_data.get("until") or "60"
        if until != "tomorrow":
            return now + timedelta(minutes=int(until))
        local = timezone.localtime(now) + timedelta(days=1)
        return local.replace(hour=8, minute=0, second=0, microsecond=0)


class AmendForm(forms.Form):
    label = forms.ChoiceField(label="Label")
    reason_code = forms.ChoiceField(required=False, label="Reason code")
    reason = forms.CharField(max_length=1000, label="Why is it amended?")


class AssignForm(forms.Form):
    username = forms.CharField(required=False, max_length=150, label="Reserve for")
    reason = forms.CharField(required=False, max_length=500, label="Reason")


class NoteForm(forms.Form):
    text = forms.CharField(
        max_length=4000, label="Note", widget=forms.Textarea(attrs={"rows": 3})
    )
