"""Light, dark, or as the reader's system has it."""

from typing import Final

from django.http import HttpRequest

COOKIE: Final = "theme"
THEMES: Final = ("auto", "light", "dark")
COOKIE_SECONDS: Final = 365 * 24 * 3600


def theme_of(request: HttpRequest) -> str:
    """Return the theme chosen in this browser; "auto" when none or an unknown one."""
    chosen = request.COOKIES.get(COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"
