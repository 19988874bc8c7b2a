"""What a web-hook is to be, and up to where notices were read."""

from collections.abc import Sequence

from django import forms

from predictions.declaration import FieldError
from predictions.outbound import RULES as ADDRESS_RULES
from reviewqueue.enums import NoticeKind
from reviewqueue.services.webhooks import MAX_WEBHOOKS

KIND_NAMES = {
    NoticeKind.GRANTED: "autonomy granted",
    NoticeKind.WITHDRAWN: "autonomy withdrawn",
    NoticeKind.FLOOR_REACHED: "audit floor reached",
    NoticeKind.GOLD_FLOOR: "reviewer below the gold floor",
    NoticeKind.ALERT_RAISED: "alert raised",
    NoticeKind.ALERT_RESOLVED: "alert resolved",
    NoticeKind.TRAINING_ENDED: "training ended",
    NoticeKind.STAGE_CHANGED: "model promoted, rolled back or retired",
    NoticeKind.COMPARISON_DECIDED: "comparison with the champion decided",
}
RULES = {
    **ADDRESS_RULES,
    "taken": "A web-hook goes there already.",
    "too_many": f"A workflow has at most {MAX_WEBHOOKS} web-hooks.",
    "value": "Not known here: {value}.",
}


class WebhookForm(forms.Form):
    """An address, and the kinds of notices that it wants."""

    url = forms.CharField(
        label="Address",
        max_length=500,
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"}),
    )
    kinds = forms.MultipleChoiceField(
        required=False,
        choices=[(kind.value, name) for kind, name in KIND_NAMES.items()],
        label="Kinds of notices (none chosen: all)",
        widget=forms.CheckboxSelectMultiple,
    )

    def refuse(self, errors: Sequence[FieldError]) -> None:
        """Show what the service refused beside its field."""
        for error in errors:
            words = RULES.get(error.rule, error.rule).format(value=error.value)
            self.add_error(error.field if error.field in self.fields else None, words)


class NoticeReadForm(forms.Form):
    """The newest notice that the person saw."""

    upto = forms.UUIDField()
