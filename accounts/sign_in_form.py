"""The forms of signing in, in this product's words."""

from typing import Any

from allauth.account.forms import ChangePasswordForm, LoginForm, ResetPasswordForm
from django.http import HttpRequest

from accounts.models import User


class SignInForm(LoginForm):  # type: ignore[misc]  # allauth has no types
    """Says what each field is; the way to a new password stands below the button."""

    def __init__(
        self, *args: object, request: HttpRequest | None = None, **kwargs: object
    ) -> None:
        super().__init__(*args, request=request, **kwargs)
        self.fields["login"].label = "Username or e-mail address"
        self.fields["password"].help_text = ""
        self.fields["remember"].label = "Stay signed in on this device"
        for name in ("login", "password"):
            self.fields[name].widget.attrs.pop("placeholder", None)


class NewPasswordForm(ChangePasswordForm):  # type: ignore[misc]  # allauth has no types
    """Takes no new password that is the present one: a temporary one would stay."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = "Present password"
        self.fields["oldpassword"].help_text = ""
        self.fields["password1"].label = "New password"
        self.fields["password2"].label = "New password, again"
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if cleaned.get("password1") and (
            cleaned["password1"] == cleaned.get("oldpassword")
        ):
            self.add_error("password1", "This is the present password.")
        return cleaned


class ForgottenPasswordForm(ResetPasswordForm):  # type: ignore[misc]  # allauth has no types
    """Writes to nobody about an account whose address is another by now.

    allauth remembers every address that it was once asked about.
    """

    users: list[User]

    def clean_email(self) -> str:
        email = str(super().clean_email())
        self.users = [
            user for user in self.users if user.email.lower() == email.lower()
        ]
        return email
