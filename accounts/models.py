"""Users, what their roles and keys are limited to, and the log of changes."""

import secrets
from datetime import datetime
from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.enums import AccessEventKind, Role
from accounts.ids import uuid7

USERNAME_PATTERN = r"^[a-z0-9][a-z0-9._@+-]{0,149}$"
SITE_KEY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$"
PSEUDONYM_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that looks alike


def new_pseudonym() -> str:
    """Draw the code that stands for a person in exports."""
    return "p-" + "".join(secrets.choice(PSEUDONYM_ALPHABET) for _ in range(10))


class UserManager(BaseUserManager["User"]):
    """Finds people whatever the case in which the username was typed."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username=(username or "").lower())

    async def aget_by_natural_key(self, username: str | None) -> "User":
        return await self.aget(username=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person, or the account of another system (`is_service`)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Stored in lower case, which makes "unique" mean "unique whatever the case".
    username = models.CharField(
        max_length=150,
        unique=True,
        validators=[
            RegexValidator(
                USERNAME_PATTERN,
                "Use lower-case letters, digits and . _ @ + - only, and begin with a "
                "letter or digit.",
            )
        ],
    )
    email = models.EmailField(blank=True, default="")
    name = models.CharField(max_length=150, blank=True, default="")
    is_service = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    # An admin knows the password: until it is changed, no page but that opens.
    must_change_password = models.BooleanField(default=False)
    key_bindings = models.JSONField(default=dict, blank=True)
    wants_alert_mails = models.BooleanField(default=True)
    pseudonym = models.CharField(
        max_length=20, unique=True, default=new_pseudonym, editable=False
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(username=Lower("username")),
                name="accounts_user_username_lower",
            ),
            models.UniqueConstraint(
                Lower("email"),
                condition=~Q(email=""),
                name="accounts_user_email_unique",
                violation_error_message="Another account has this e-mail address.",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.username

    @property
    def display_name(self) -> str:
        return self.name or self.username


class Scope(models.Model):
    """What a role or key is limited to: one for each workflow."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)

    def __str__(self) -> str:
        return f"{self.slug} ({self.id})"


class Site(models.Model):
    """A place that items of a workflow come from. Never deleted; its key stays."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    scope = models.ForeignKey(Scope, on_delete=models.PROTECT, related_name="sites")
    key = models.CharField(
        max_length=50,
        validators=[
            RegexValidator(
                SITE_KEY_PATTERN,
                "Use letters, digits and . _ - only, and begin with a letter or digit.",
            )
        ],
    )
    name = models.CharField(max_length=200)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["scope", "key"], name="accounts_site_key_unique"
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.id})"


class Membership(models.Model):
    """One role of one user in one scope."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    scope = models.ForeignKey(
        Scope, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=20, choices=Role)
    # Null: all sites. Sites are never deleted, so no id points nowhere.
    site_ids = ArrayField(models.UUIDField(), null=True, blank=True)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            # Also serves "the roles of this user", asked on every request.
            models.UniqueConstraint(
                fields=["user", "scope", "role"], name="accounts_membership_unique"
            ),
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="accounts_membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.user_id} in {self.scope_id} ({self.id})"


class ApiKey(models.Model):
    """A key that acts as its owner, in one scope, with the verbs it was given."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="api_keys"
    )
    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=20, unique=True, editable=False)
    # A plain SHA-256 is enough: the key has 256 bits of entropy, nobody can guess it.
    secret_hash = models.CharField(max_length=64, editable=False)
    verbs = ArrayField(models.CharField(max_length=40))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(expires_at=None) | Q(expires_at__gt=F("created_at")),
                name="accounts_apikey_expires_after_creation",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix} ({self.id})"

    def is_live(self, now: datetime) -> bool:
        """Say whether the key is neither revoked nor expired."""
        return self.revoked_at is None and (
            self.expires_at is None or now < self.expires_at
        )


class AccessEvent(models.Model):
    """One change of somebody's access. Append-only; holds no secret."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=30, choices=AccessEventKind)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    subject = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="access_events",
        null=True,
        blank=True,
    )
    scope = models.ForeignKey(
        Scope, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    data = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.at.isoformat()} ({self.id})"
