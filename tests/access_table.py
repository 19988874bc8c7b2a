"""Who may do what at every address: the data that the access tests walk.

R reviewer, A adjudicator, S supervisor, E engineer, U auditor. Site admins may do
everything. Who has no role in the workflow finds nothing there (404); who has another
role is refused (403); nobody is sent to sign in (pages) or gets 401 (API).
"""

from collections.abc import Mapping

from accounts.enums import Role
from accounts.permissions import Permission

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
    ("accounts:user-list", "GET", SITE_ADMIN),
    ("accounts:user-list", "POST", SITE_ADMIN),
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
    ("socialaccount_login_error", "GET", SIGNED_IN),
    ("socialaccount_signup", "GET", PUBLIC),
    ("socialaccount_connections", "GET", SIGNED_IN),
)

# Steps of signing in: whoever has not begun is led to the beginning.
STEPS_OF_SIGNING_IN = frozenset(
    {"account_confirm_login_code", "mfa_authenticate", "socialaccount_signup"}
)
# Asking again for a factor is closed to whoever does not have it; allauth answers a
# failed sign-in elsewhere with 401.
OTHER_ANSWERS: Mapping[str, frozenset[str]] = {
    "account_reauthenticate": frozenset({"403"}),
    "mfa_reauthenticate": frozenset({"403"}),
    "mfa_reauthenticate_webauthn": frozenset({"403"}),
    "socialaccount_login_error": frozenset({"401"}),
}

# What is a person's own: to these roles somebody else's is as if it were not there.
OWN: Mapping[str, str] = {
    "reviewqueue:review-undo": "RA",
    "decision_amend": "RA",
    "decision_undo": "RA",
}

# Operations of the API, as its schema names them.
API_PUBLIC = frozenset({"api-schema", "api-docs"})
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

# What a key opens that carries one verb alone, when its owner may do everything.
_JUDGING = frozenset(
    {
        "case_claim",
        "case_renew",
        "case_release",
        "case_skip",
        "case_snooze",
        "case_escalate",
        "case_decide",
        "case_note",
        "decision_amend",
        "decision_undo",
    }
)
OPENED_BY_VERB: Mapping[Permission, frozenset[str]] = {
    Permission.WORKFLOW_VIEW: frozenset({"workflow_detail"}),
    Permission.ITEMS_VIEW: frozenset({"item_list", "item_detail"}),
    Permission.ITEMS_ADD: frozenset({"item_create"}),
    Permission.QUARANTINE_VIEW: frozenset({"quarantine_list"}),
    Permission.QUARANTINE_RESOLVE: frozenset(
        {"quarantine_resubmit", "quarantine_discard"}
    ),
    Permission.CASES_VIEW: frozenset({"case_list", "case_detail"}),
    Permission.CASES_REVIEW: _JUDGING,
    Permission.CASES_ADJUDICATE: _JUDGING,
    Permission.CASES_MANAGE: frozenset(
        {"case_reclaim", "case_assign", "case_note", "decision_amend"}
    ),
    Permission.DECISIONS_VIEW: frozenset({"decision_feed"}),
    Permission.OUTCOMES_ADD: frozenset({"outcome_create"}),
    Permission.METRICS_VIEW: frozenset({"workflow_metrics"}),
    Permission.SNAPSHOTS_VIEW: frozenset(
        {"snapshot_list", "snapshot_detail", "snapshot_download"}
    ),
    Permission.SNAPSHOTS_CREATE: frozenset({"snapshot_create"}),
    Permission.MODELS_VIEW: frozenset({"model_list"}),
    Permission.MODELS_REGISTER: frozenset({"model_register"}),
    Permission.MODELS_STAGE: frozenset({"model_stage", "model_rollback"}),
    Permission.POLICY_VIEW: frozenset({"policy_detail"}),
    Permission.POLICY_CHANGE: frozenset({"policy_put"}),
    Permission.SETTINGS_CHANGE: frozenset({"workflow_declare"}),
}
