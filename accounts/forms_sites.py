"""The forms of the sites' pages."""

import re
from typing import Any

from django import forms

from accounts.models import SITE_KEY_PATTERN, Site

MAX_LINES = 1000
_SPLIT = re.compile(r"[,;\t]")


class AddSitesForm(forms.Form):
    """Sites, one a line: the key, and after a comma the name."""

    lines = forms.CharField(
        label="One a line",
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        help_text="The key, a comma, the name: north, North hospital. A key that is "
        "there already is left as it is.",
    )

    def clean_lines(self) -> dict[str, str]:
        """Return the names by key, naming the first line that is none."""
        lines = [one.strip() for one in self.cleaned_data["lines"].splitlines()]
        found: dict[str, str] = {}
        for number, line in enumerate(lines, start=1):
            if not line:
                continue
            key, *rest = (part.strip() for part in _SPLIT.split(line, maxsplit=1))
            name = rest[0] if rest else ""
            if not re.fullmatch(SITE_KEY_PATTERN, key) or len(name) > 200:
                message = (
                    f"Line {number}: “{line[:60]}” begins with no key of letters, "
                    "digits and . _ - (50 at most), or its name is too long."
                )
                raise forms.ValidationError(message)
            found[key] = name
        if not 0 < len(found) <= MAX_LINES:
            message = f"Between 1 and {MAX_LINES:,} sites at once."
            raise forms.ValidationError(message)
        return found


class SiteForm(forms.Form):
    """What a site is called, and whether it is closed to new items."""

    name = forms.CharField(max_length=200)
    archived = forms.BooleanField(required=False)


class MemberSitesForm(forms.Form):
    """All sites, or only those that are ticked."""

    limit = forms.ChoiceField(choices=[("all", "all"), ("some", "some")])
    sites = forms.MultipleChoiceField(required=False)

    def __init__(self, data: Any, *, sites: list[Site]) -> None:  # noqa: ANN401 -- a query dict
        super().__init__(data)
        self._sites = {one.key: one for one in sites}
        self.fields["sites"].choices = [  # type: ignore[attr-defined]
            (key, key) for key in self._sites
        ]

    def chosen(self) -> list[Site] | None:
        """Return the sites that were ticked, None for all."""
        if self.cleaned_data["limit"] == "all":
            return None
        return [self._sites[key] for key in self.cleaned_data["sites"]]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("limit") == "some" and not cleaned.get("sites"):
            self.add_error(
                None, "Tick at least one site, or take the person's roles away."
            )
        return cleaned
