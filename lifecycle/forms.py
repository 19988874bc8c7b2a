"""Forms of the pages about a model's life."""

from django import forms

from predictions.enums import Stage


class StageForm(forms.Form):
    """Move a version to another stage, with a reason; a challenger with its share."""

    to = forms.ChoiceField(choices=Stage.choices, widget=forms.HiddenInput)
    reason = forms.CharField(max_length=500, label="Reason")
    percent = forms.FloatField(required=False, label="Share of the items, in %")

    def share(self) -> float | None:
        """Return the share of a challenger in 0..1; None where another stage is meant.

        The service says which shares there are.
        """
        percent: float | None = self.cleaned_data["percent"]
        is_challenger = self.cleaned_data["to"] == Stage.CHALLENGER
        return percent / 100 if is_challenger and percent is not None else None


class RollbackForm(forms.Form):
    reason = forms.CharField(max_length=500, label="Reason")


class HoldForm(forms.Form):
    """On which snapshot to hold a version against the gates; empty leaves it to us."""

    snapshot = forms.UUIDField(required=False)


class WaiveForm(forms.Form):
    gate = forms.CharField(max_length=200)
    reason = forms.CharField(max_length=500)


class ApproveForm(forms.Form):
    """The report that the person saw, where there was one, and why they approve."""

    report = forms.UUIDField(required=False)
    reason = forms.CharField(max_length=500)
