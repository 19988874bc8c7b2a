"""How allauth behaves here: no public sign-up, lockout by name and address."""

from datetime import timedelta
from typing import Any, NoReturn

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts.auth_settings import LOCKOUT_SECONDS
from accounts.models import User
from accounts.services import note_lockout
from accounts.services_keys import hash_key


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Accounts are made by a site admin; failed sign-ins lock for a while."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("home")

    def send_password_reset_mail(
        self, user: User, email: str, context: dict[str, Any]
    ) -> None:
        lifetime = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
        ends = {"valid_until": timezone.now() + lifetime}
        super().send_password_reset_mail(user, email, context | ends)

    def pre_authenticate(self, request: HttpRequest, **credentials: str) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            self._lock_out(request, _login_of(credentials))

    def _get_login_attempts_cache_key(
        self, request: HttpRequest, **credentials: str
    ) -> str:
        # By address as well, else anybody could lock anybody else out from anywhere.
        return f"{self.get_client_ip(request)}:{_login_of(credentials)}"

    def _lock_out(self, request: HttpRequest, login: str) -> NoReturn:
        # One event per lockout, however often the locked door is tried.
        if cache.add(f"lockout-noted:{hash_key(login)}", 1, LOCKOUT_SECONDS):
            user = User.objects.filter(
                Q(username=login) | Q(email__iexact=login, email__gt="")
            ).first()
            note_lockout(user=user, login=login, now=timezone.now())
        response = render(
            request,
            "account/locked.html",
            {"minutes": LOCKOUT_SECONDS // 60},
            status=429,
        )
        response["Retry-After"] = str(LOCKOUT_SECONDS)
        raise ImmediateHttpResponse(response)


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """An outside identity may sign in to an account here, never make one."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: object) -> bool:
        return False


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Draws the code for the authenticator app so that it can be read on any theme."""

    def build_totp_svg(self, url: str) -> str:
        svg = str(super().build_totp_svg(url))
        # Transparent otherwise: black on black in the dark theme.
        paper = '<rect width="100%" height="100%" fill="#fff"/>'
        head, mark, body = svg.partition("<svg")
        opening, end, drawing = body.partition(">")
        return f"{head}{mark}{opening}{end}{paper}{drawing}"


def _login_of(credentials: dict[str, str]) -> str:
    return (credentials.get("email") or credentials.get("username") or "").lower()
