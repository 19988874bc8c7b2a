"""What allauth tells us about passwords, kept as access events.

Receivers of another library's signals; our own code calls services instead.
"""

from allauth.account.signals import password_changed, password_reset
from django.dispatch import receiver
from django.utils import timezone

from accounts.enums import AccessEventKind
from accounts.models import User
from accounts.services import note_own_password


@receiver(password_changed, dispatch_uid="accounts.password_changed")
def keep_password_change(*, user: User, **kwargs: object) -> None:
    note_own_password(
        user=user, kind=AccessEventKind.PASSWORD_CHANGED, now=timezone.now()
    )


@receiver(password_reset, dispatch_uid="accounts.password_reset")
def keep_password_reset(*, user: User, **kwargs: object) -> None:
    note_own_password(
        user=user, kind=AccessEventKind.PASSWORD_RESET, now=timezone.now()
    )
