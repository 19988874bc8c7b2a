"""The sign-in form, in this product's words."""

from allauth.account.forms import LoginForm
from django.http import HttpRequest


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
