"""The forms of the account, member, key and user pages."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import QueryDict

from accounts.enums import Role
from accounts.key_bindings import (
    DEFAULT_KEYS,
    InvalidKeyBindingsError,
    check_keys,
    effective_keys,
)
from accounts.models import USERNAME_PATTERN, Site, User
from accounts.permissions import Permission
from ui.keys import SHORTCUTS

KEY_LIFETIMES = (
    ("90", "90 days"),
    ("30", "30 days"),
    ("365", "One year"),
    ("", "Until it is revoked"),
)


class ProfileForm(forms.Form):
    """What a person says about themselves."""

    name = forms.CharField(
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text="Shown to the people you work with. Exports never hold it.",
    )
    email = forms.EmailField(
        label="E-mail address",
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text="Where the link goes when you forget your password.",
    )
    wants_alert_mails = forms.BooleanField(
        label="Mail me about alerts",
        required=False,
        help_text="Of workflows that you supervise, engineer or own a part of.",
    )


class KeyBindingsForm(forms.Form):
    """One field for each action that has a key."""

    def __init__(self, data: QueryDict | None = None, *, own: dict[str, str]) -> None:
        super().__init__(data)
        for verb, key in effective_keys(own).items():
            self.fields[verb] = forms.CharField(
                label=SHORTCUTS[verb][1],
                max_length=1,
                initial=key,
                widget=forms.TextInput(
                    attrs={
                        "class": "short",
                        "autocomplete": "off",
                        "spellcheck": "false",
                    }
                ),
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        try:
            check_keys({verb: cleaned[verb] for verb in self.fields if verb in cleaned})
        except InvalidKeyBindingsError as error:
            for verb, why in error.errors.items():
                self.add_error(verb, why)
        return cleaned

    def own_keys(self) -> dict[str, str]:
        """Return the keys that differ from the defaults."""
        cleaned = self.cleaned_data
        return {v: cleaned[v] for v, key in DEFAULT_KEYS.items() if cleaned[v] != key}


def _verb_choices(verbs: Iterable[Permission]) -> list[tuple[str, str]]:
    return [(verb.value, verb.value) for verb in verbs]


class ApiKeyForm(forms.Form):
    """A new key: a name, what it may do, and for how long."""

    name = forms.CharField(
        max_length=100,
        help_text="Where the key will be used, so that you know it again.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    verbs = forms.MultipleChoiceField(
        label="May do",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )
    lifetime = forms.ChoiceField(
        label="Valid for", choices=KEY_LIFETIMES, required=False, initial="90"
    )
    owner = forms.CharField(
        label="Owner (username)",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="The key acts as this account. Empty: your own.",
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        verbs: Iterable[Permission],
        for_others: bool,
    ) -> None:
        super().__init__(data)
        field = self.fields["verbs"]
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = _verb_choices(verbs)
        if not for_others:
            del self.fields["owner"]

    def clean_owner(self) -> User | None:
        return _find_user(self.cleaned_data["owner"])


class RolesForm(forms.Form):
    """The roles of one member; none means no longer a member."""

    roles = forms.MultipleChoiceField(
        choices=Role.choices, required=False, widget=forms.CheckboxSelectMultiple
    )


class AddMemberForm(forms.Form):
    """An account by its username, and the roles it gets."""

    username = forms.CharField(
        max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    roles = forms.MultipleChoiceField(
        choices=Role.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one role."},
    )

    sites = forms.CharField(
        label="Only at these sites",
        required=False,
        max_length=20_000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Their keys, with commas between. Empty: all sites, or those that "
        "the account is limited to already.",
    )

    def __init__(
        self, data: QueryDict | None = None, *, sites: Iterable[Site] = ()
    ) -> None:
        super().__init__(data)
        self._sites = {site.key: site for site in sites}
        if not self._sites:
            del self.fields["sites"]

    def clean_sites(self) -> list[Site]:
        """Return the sites that are named, naming the first that is none."""
        keys = [one.strip() for one in self.cleaned_data["sites"].split(",")]
        for key in filter(None, keys):
            if key not in self._sites:
                message = f"No site has the key {key[:60]!r}."
                raise forms.ValidationError(message)
        return [self._sites[key] for key in keys if key]

    def clean_username(self) -> User:
        user = _find_user(self.cleaned_data["username"])
        if user is None:
            message = "An account needs a username."
            raise forms.ValidationError(message)
        return user


class NewUserForm(forms.Form):
    """A new account; its password is drawn and shown once."""

    username = forms.RegexField(
        USERNAME_PATTERN,
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="Lower-case letters, digits and . _ @ + -; kept in lower case.",
        error_messages={
            "invalid": "Use lower-case letters, digits and . _ @ + - only, and begin "
            "with a letter or digit."
        },
    )
    name = forms.CharField(max_length=150, required=False)
    email = forms.EmailField(label="E-mail address", required=False)
    is_service = forms.BooleanField(
        label="Service account",
        required=False,
        help_text="For another system: no password, signs in with API keys only.",
    )
    is_site_admin = forms.BooleanField(
        label="Site admin",
        required=False,
        help_text="May do everything in every workflow, and manage accounts.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("is_service") and cleaned.get("is_site_admin"):
            message = "A service account cannot be a site admin."
            self.add_error("is_site_admin", message)
        return cleaned


def _find_user(username: str) -> User | None:
    if not username:
        return None
    try:
        return User.objects.get_by_natural_key(username)
    except User.DoesNotExist as error:
        message = f"No account has the username {username!r}."
        raise forms.ValidationError(message) from error
