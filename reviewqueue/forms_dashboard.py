"""What may be asked of the dashboard: a window, and one label or model version."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django import forms

from predictions.declaration import LabelSpec
from reviewqueue.queries.tallies import MAX_DAYS, Days

WINDOWS = (7, 30, 90)
DEFAULT_DAYS = 30
EARLIEST = date(2000, 1, 1)
LATEST = date(2999, 12, 31)


class DashboardForm(forms.Form):
    """Read the query string; without `from` and `to`, the last `days`."""

    days = forms.TypedChoiceField(
        required=False,
        coerce=int,
        choices=[(n, f"{n} days") for n in WINDOWS],
        empty_value=None,
    )
    label = forms.ChoiceField(required=False, label="Recommended label")
    version = forms.TypedChoiceField(
        required=False, coerce=int, empty_value=None, label="Model version"
    )

    def __init__(
        self,
        data: Mapping[str, Any],
        *,
        labels: Sequence[LabelSpec],
        numbers: Sequence[int],
    ) -> None:
        super().__init__(data)
        for name in ("from", "to"):  # "from" cannot be an attribute
            self.fields[name] = forms.DateField(
                required=False, widget=forms.DateInput(attrs={"type": "date"})
            )
        self.fields["label"].choices = [  # type: ignore[attr-defined]
            ("", "all"),
            *((label.key, label.name) for label in labels),
        ]
        self.fields["version"].choices = [  # type: ignore[attr-defined]
            ("", "all"),
            *((number, f"v{number}") for number in numbers),
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        first, last = cleaned.get("from"), cleaned.get("to")
        for name, day in (("from", first), ("to", last)):
            if day and not EARLIEST <= day <= LATEST:
                self.add_error(name, f"Between {EARLIEST:%Y} and {LATEST:%Y}.")
        if first and last and last < first:
            self.add_error("to", "The last day is before the first one.")
        elif first and last and (last - first).days >= MAX_DAYS:
            self.add_error("from", f"At most {MAX_DAYS} days at once.")
        return cleaned

    @property
    def understood(self) -> dict[str, Any]:
        """What was asked for, without what makes no sense."""
        self.is_valid()
        return self.cleaned_data

    def window(self, *, today: date) -> Days:
        """Return the days asked for, the last 30 by default, no more than a year."""
        asked = self.understood
        first: date | None = asked.get("from")
        last: date | None = asked.get("to")
        if first is None and last is None:
            n = asked.get("days") or DEFAULT_DAYS
            return Days(today - timedelta(days=n - 1), today)
        if last is None:
            last = max(today, first or today)
        if first is None:
            first = last - timedelta(days=DEFAULT_DAYS - 1)
        return Days(max(first, last - timedelta(days=MAX_DAYS - 1)), last)
