"""Forms of the pages about workflows."""

from django import forms

ANOTHER_VERSION = (
    "Another version was put in force meanwhile. What you wrote is still here and "
    "changed nothing: look at the newest version, then put yours in force again."
)


class SeenVersionForm(forms.Form):
    """What is written over a version; it says which one the person saw."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def overtaken(self, version: int) -> None:
        """Say that this version came first; sent again, the form replaces it."""
        sent = {name: self.data[name] for name in self.data}
        self.data = {**sent, "version": str(version)}
        self.add_error(None, ANOTHER_VERSION)


class DeclarationForm(forms.Form):
    """The workflow file as text; the service checks it."""

    source = forms.CharField(
        label="Declaration (TOML)",
        widget=forms.Textarea(attrs={"rows": 30, "spellcheck": "false"}),
        max_length=200_000,
        strip=False,
    )


class SettingsForm(SeenVersionForm, DeclarationForm):
    """The workflow file of a workflow that is there."""
