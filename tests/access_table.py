"""Who may do what at every address: the data that the access tests walk.

R reviewer, A adjudicator, S supervisor, E engineer, U auditor. Site admins may do
everything. Who has no role in the workflow finds nothing there (404); who has another
role is refused (403); nobody is sent to sign in (pages) or gets 401 (API).
"""

from collections.abc import Mapping

from accounts.enums import Role

ROLES: Mapping[str, Role] = {
    "R": Role.REVIEWER,
    "A": Role.ADJUDICATOR,
    "S": Role.SUPERVISOR,
    "E": Role.ENGINEER,
    "U": Role.AUDITOR,
}
ALL = "RASEU"

# Pages below a workflow: name of the address, method, roles.
WORKFLOW_PAGES: tuple[tuple[str, str, str], ...] = (
    ("accounts:member-list", "GET", "SU"),
    ("accounts:member-list", "POST", "S"),
    ("accounts:member-roles", "POST", "S"),
    ("accounts:member-events", "GET", "SU"),
    ("accounts:member-events", "GET", "SU"),
    ("accounts:member-events", "GET", "SU"),
    ("accounts:key-list", "GET", "SE"),
    ("accounts:key-list", "POST", "SE"),
    ("predictions:model-list", "GET", "SEU"),
    ("predictions:model-detail", "GET", "SEU"),
    ("predictions:model-stage", "POST", "SE"),
    ("predictions:model-rollback", "POST", "SE"),
    ("predictions:workflow-settings", "GET", "SEU"),
    ("predictions:workflow-settings", "POST", "SE"),
    ("predictions:upload", "GET", "SE"),
    ("predictions:upload", "POST", "SE"),
    ("reviewqueue:review", "GET", "RA"),
    ("reviewqueue:review-prefetch", "POST", "RA"),
    ("reviewqueue:review-release", "POST", "RA"),
    ("reviewqueue:review-decide", "POST", "RA"),
    ("reviewqueue:review-renew", "POST", "RA"),
    ("reviewqueue:review-skip", "POST", "RA"),
    ("reviewqueue:review-snooze", "POST", "RA"),
    ("reviewqueue:review-escalate", "POST", "RA"),
    ("reviewqueue:review-undo", "POST", "RA"),
    ("reviewqueue:case-list", "GET", ALL),
    ("reviewqueue:case-detail", "GET", ALL),
    ("reviewqueue:case-release", "POST", "S"),
    ("reviewqueue:case-assign", "POST", "S"),
    ("reviewqueue:case-note", "POST", "RAS"),
    ("reviewqueue:decision-list", "GET", ALL),  # of reviewers: their own
    ("reviewqueue:decision-amend", "POST", "S"),
    ("reviewqueue:item-list", "GET", ALL),
    ("reviewqueue:item-detail", "GET", ALL),
    ("reviewqueue:quarantine-list", "GET", "SEU"),
    ("reviewqueue:quarantine-detail", "GET", "SEU"),
    ("reviewqueue:quarantine-detail", "POST", "SE"),
    ("reviewqueue:quarantine-discard", "POST", "SE"),
    ("reviewqueue:dashboard", "GET", "SEU"),
    ("reviewqueue:snapshot-list", "GET", "SEU"),
    ("reviewqueue:snapshot-create", "GET", "SE"),
    ("reviewqueue:snapshot-create", "POST", "SE"),
    ("reviewqueue:snapshot-detail", "GET", "SEU"),
    ("reviewqueue:snapshot-download", "GET", "SEU"),
    ("reviewqueue:policy", "GET", "SEU"),
    ("reviewqueue:policy", "POST", "S"),
)

# Pages of the site: everybody, whoever is signed in, or site admins alone.
PUBLIC = "public"
SIGNED_IN = "signed in"
SITE_ADMIN = "site admin"
SITE_PAGES: tuple[tuple[str, str, str], ...] = (
    ("health-live", "GET", PUBLIC),
    ("health-ready", "GET", PUBLIC),
    ("metrics", "GET", PUBLIC),
    ("ui:theme", "POST", PUBLIC),
    ("ui:style-guide", "GET", SITE_ADMIN),
    ("home", "GET", SIGNED_IN),
    ("predictions:workflow-create", "GET", SITE_ADMIN),
    ("predictions:workflow-create", "POST", SITE_ADMIN),
    ("accounts:profile", "GET", SIGNED_IN),
    ("accounts:profile", "POST", SIGNED_IN),
    ("accounts:key-bindings", "POST", SIGNED_IN),
    ("accounts:email", "GET", SIGNED_IN),
    ("accounts:my-keys", "GET", SIGNED_IN),
    ("accounts:key-revoke", "POST", SIGNED_IN),
    ("accounts:user-events", "GET", SITE_ADMIN),
    ("accounts:user-list", "GET", SITE_ADMIN),
    ("accounts:user-list", "POST", SITE_ADMIN),
    ("accounts:user-events", "GET", SITE_ADMIN),
    ("accounts:user-events", "GET", SITE_ADMIN),
    ("accounts:user-active", "POST", SITE_ADMIN),
    ("accounts:user-password", "POST", SITE_ADMIN),
    ("account_login", "GET", PUBLIC),
    ("account_logout", "GET", SIGNED_IN),
    ("account_inactive", "GET", PUBLIC),
    ("account_signup", "GET", PUBLIC),
    ("account_reauthenticate", "GET", SIGNED_IN),
    ("account_email", "GET", SIGNED_IN),
    ("account_email_verification_sent", "GET", PUBLIC),
    ("account_confirm_email", "GET", PUBLIC),
    ("account_confirm_login_code", "GET", PUBLIC),
    ("account_change_password", "GET", SIGNED_IN),
    ("account_set_password", "GET", SIGNED_IN),
    ("account_reset_password", "GET", PUBLIC),
    ("account_reset_password_done", "GET", PUBLIC),
    ("account_reset_password_from_key", "GET", PUBLIC),
    ("account_reset_password_from_key_done", "GET", PUBLIC),
    ("mfa_index", "GET", SIGNED_IN),
    ("mfa_authenticate", "GET", PUBLIC),
    ("mfa_reauthenticate", "GET", SIGNED_IN),
    ("mfa_activate_totp", "GET", SIGNED_IN),
    ("mfa_deactivate_totp", "GET", SIGNED_IN),
    ("mfa_view_recovery_codes", "GET", SIGNED_IN),
    ("mfa_generate_recovery_codes", "GET", SIGNED_IN),
    ("mfa_download_recovery_codes", "GET", SIGNED_IN),
    ("mfa_list_webauthn", "GET", SIGNED_IN),
    ("mfa_add_webauthn", "GET", SIGNED_IN),
    ("mfa_reauthenticate_webauthn", "GET", SIGNED_IN),
    ("mfa_remove_webauthn", "GET", SIGNED_IN),
    ("mfa_edit_webauthn", "GET", SIGNED_IN),
    ("socialaccount_login_cancelled", "GET", PUBLIC),
    ("socialaccount_login_error", "GET", PUBLIC),
    ("socialaccount_signup", "GET", PUBLIC),
    ("socialaccount_connections", "GET", SIGNED_IN),
)

# What is a person's own: to these roles somebody else's is as if it were not there.
OWN: Mapping[str, str] = {
    "reviewqueue:review-undo": "RA",
    "decision_amend": "RA",
    "decision_undo": "RA",
}

# Operations of the API, as its schema names them.
API_PUBLIC = ("api-schema", "api-docs")
OPERATIONS: Mapping[str, str] = {
    "workflow_list": ALL,
    "workflow_detail": ALL,
    "workflow_declare": "SE",
    "policy_detail": "SEU",
    "policy_put": "S",
    "workflow_metrics": "SEU",
    "item_create": "SE",
    "item_list": ALL,
    "item_detail": ALL,
    "quarantine_list": "SEU",
    "quarantine_resubmit": "SE",
    "quarantine_discard": "SE",
    "outcome_create": "SE",
    "case_list": ALL,
    "case_claim": "RA",
    "case_detail": ALL,
    "case_renew": "RA",
    "case_release": "RA",
    "case_skip": "RA",
    "case_snooze": "RA",
    "case_escalate": "RA",
    "case_reclaim": "S",
    "case_assign": "S",
    "case_note": "RAS",
    "case_decide": "RA",
    "decision_undo": "",
    "decision_amend": "S",
    "decision_feed": "SEU",
    "model_list": "SEU",
    "model_register": "E",
    "model_stage": "SE",
    "model_rollback": "SE",
    "snapshot_list": "SEU",
    "snapshot_create": "SE",
    "snapshot_detail": "SEU",
    "snapshot_download": "SEU",
}

# What the admin site shows to whoever comes.
ADMIN_PUBLIC = frozenset({"admin:login", "admin:logout", "admin:jsi18n"})
# Old addresses of allauth, which lead to the new ones.
OLD_ADDRESSES = ("accounts/social/",)
