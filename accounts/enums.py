"""Closed sets of values used by the access tables."""

from django.db.models import TextChoices


class Role(TextChoices):
    """What a person is in one workflow; several may be held at once."""

    REVIEWER = "reviewer", "Reviewer"
    ADJUDICATOR = "adjudicator", "Adjudicator"
    SUPERVISOR = "supervisor", "Supervisor"
    ENGINEER = "engineer", "Engineer"
    AUDITOR = "auditor", "Auditor"


class AccessEventKind(TextChoices):
    """What happened to somebody's access."""

    USER_CREATED = "user_created", "User created"
    USER_DEACTIVATED = "user_deactivated", "User deactivated"
    USER_REACTIVATED = "user_reactivated", "User reactivated"
    PASSWORD_SET = "password_set", "Password set by an admin"
    PASSWORD_CHANGED = "password_changed", "Password changed"
    PASSWORD_RESET = "password_reset", "Password reset by mail"
    ROLE_GRANTED = "role_granted", "Role granted"
    ROLE_REVOKED = "role_revoked", "Role revoked"
    SITES_LIMITED = "sites_limited", "Sites of a member set"
    SITE_DECLARED = "site_declared", "Site declared"
    SITE_CHANGED = "site_changed", "Site renamed, archived or restored"
    KEY_CREATED = "key_created", "API key created"
    KEY_REVOKED = "key_revoked", "API key revoked"
    PERSONAL_SEEN = "personal_seen", "Masked personal data looked at"
    FAILURE_WITHDRAWN = "failure_withdrawn", "Failure of a machine withdrawn"
    SIGN_IN_LOCKED = "sign_in_locked", "Sign-in locked after repeated failures"
