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
    ("accounts:member-sites", "GET", "S"),
    ("accounts:member-sites", "POST", "S"),
    ("accounts:site-list", "GET", "SEU"),
    ("accounts:site-list", "POST", "SE"),
    ("accounts:site-change", "POST", "SE"),
    ("lifecycle:site-detail", "GET", "SEU"),
    ("accounts:key-list", "GET", "SE"),
    ("accounts:key-list", "POST", "SE"),
    ("lifecycle:model-list", "GET", "SEU"),
    ("lifecycle:model-detail", "GET", "SEU"),
    ("lifecycle:model-comparison", "GET", "SEU"),
    ("lifecycle:model-external", "GET", "E"),
    ("lifecycle:model-external", "POST", "E"),
    ("lifecycle:model-stage", "POST", "SE"),
    ("lifecycle:model-rollback", "POST", "SE"),
    ("lifecycle:model-gates", "POST", "SE"),
    ("lifecycle:model-approve", "POST", "SE"),
    ("lifecycle:gate-report", "GET", "SEU"),
    ("lifecycle:gate-json", "GET", "SEU"),
    ("lifecycle:gate-waive", "POST", "S"),
    ("lifecycle:training-list", "GET", "SEU"),
    ("lifecycle:training-create", "GET", "SE"),
    ("lifecycle:training-create", "POST", "SE"),
    ("lifecycle:training-detail", "GET", "SEU"),
    ("lifecycle:training-cancel", "POST", "SE"),
    ("predictions:workflow-settings", "GET", "SEU"),
    ("predictions:workflow-settings", "POST", "SE"),
    ("predictions:media", "GET", ALL),
    ("predictions:media-derivative", "GET", ALL),
    ("predictions:media-remove", "POST", "S"),
    ("predictions:archive-detail", "GET", "SE"),
    ("predictions:upload-item", "POST", "SE"),
    ("predictions:upload-readings", "POST", "SE"),
    ("predictions:kept-readings", "GET", "SE"),
    ("predictions:kept-readings", "POST", "SE"),
    ("predictions:upload", "GET", "SE"),
    ("predictions:upload", "POST", "SE"),
    ("reviewqueue:speak", "GET", "SE"),
    ("reviewqueue:speak", "POST", "SE"),
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
    ("reviewqueue:alarms", "GET", "SEU"),
    ("reviewqueue:failure-list", "GET", "SEU"),
    ("reviewqueue:failure-list", "POST", "SE"),
    ("reviewqueue:failure-file", "POST", "SE"),
    ("reviewqueue:failures-kept", "GET", "SE"),
    ("reviewqueue:failures-kept", "POST", "SE"),
    ("reviewqueue:reliance", "GET", ALL),  # of reviewers: their own
    ("reviewqueue:gold-list", "GET", "SEU"),
    ("reviewqueue:gold-list", "POST", "S"),
    ("reviewqueue:gold-retire", "POST", "S"),
    ("reviewqueue:item-gold", "POST", "S"),
    ("reviewqueue:item-unmasked", "POST", "S"),
    ("reviewqueue:snapshot-list", "GET", "SEU"),
    ("reviewqueue:snapshot-create", "GET", "SE"),
    ("reviewqueue:snapshot-create", "POST", "SE"),
    ("reviewqueue:snapshot-detail", "GET", "SEU"),
    ("reviewqueue:snapshot-download", "GET", "SEU"),
    ("lifecycle:readiness", "GET", "SEU"),
    ("lifecycle:readiness-report", "GET", "SEU"),
    ("lifecycle:readiness-rights", "POST", "S"),
    ("lifecycle:model-card", "GET", "SEU"),
    ("lifecycle:snapshot-datasheet", "GET", "SEU"),
    ("lifecycle:monitor-list", "GET", "SEU"),
    ("lifecycle:monitor-detail", "GET", "SEU"),
    ("lifecycle:alert-list", "GET", "SEU"),
    ("lifecycle:alert-acknowledge", "POST", "SE"),
    ("lifecycle:alert-resolve", "POST", "SE"),
    ("reviewqueue:notice-list", "GET", "SEU"),
    ("reviewqueue:notice-read", "POST", "SEU"),
    ("reviewqueue:webhook-list", "GET", "SEU"),
    ("reviewqueue:webhook-list", "POST", "SE"),
    ("reviewqueue:webhook-detail", "GET", "SEU"),
    ("reviewqueue:webhook-disable", "POST", "SE"),
    ("reviewqueue:delivery-replay", "POST", "SE"),
    ("reviewqueue:repair", "GET", "S"),
    ("reviewqueue:repair", "POST", "S"),
    ("reviewqueue:policy", "GET", "SEU"),
    ("reviewqueue:policy", "POST", "S"),
    ("reviewqueue:trust", "GET", "SEU"),
    ("reviewqueue:trust-plan", "GET", "SEU"),
    ("reviewqueue:trust-what-if", "GET", "SEU"),
    ("reviewqueue:trust-plan", "POST", "S"),
    ("reviewqueue:trust-grant", "GET", "S"),
    ("reviewqueue:trust-grant", "POST", "S"),
    ("reviewqueue:trust-withdraw", "GET", "S"),
    ("reviewqueue:trust-withdraw", "POST", "S"),
)

# Pages of the site: everybody, machines with a token, whoever is signed in, or site
# admins alone.
PUBLIC = "public"
MACHINE = "machine"
SIGNED_IN = "signed in"
SITE_ADMIN = "site admin"
SITE_PAGES: tuple[tuple[str, str, str], ...] = (
    ("health-live", "GET", PUBLIC),
    ("health-ready", "GET", PUBLIC),
    ("metrics", "GET", MACHINE),
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
    "predictions:kept-readings": "SE",
    "reviewqueue:failures-kept": "SE",
    "reviewqueue:review-undo": "RA",
    "decision_amend": "RA",
    "decision_undo": "RA",
}

# What is cut by site: whoever is limited to sites gets their part of it, finds nothing
# where it is about another site's thing, and is refused (403) everywhere else.
BY_SITE = frozenset(
    {
        "accounts:key-list",
        "lifecycle:site-detail",
        "site_figures",
        "predictions:media",
        "predictions:media-derivative",
        "predictions:upload",
        "predictions:upload-item",
        "predictions:upload-readings",
        "predictions:kept-readings",
        "reviewqueue:speak",
        "reviewqueue:review",
        "reviewqueue:review-prefetch",
        "reviewqueue:review-release",
        "reviewqueue:review-decide",
        "reviewqueue:review-renew",
        "reviewqueue:review-skip",
        "reviewqueue:review-snooze",
        "reviewqueue:review-escalate",
        "reviewqueue:review-undo",
        "reviewqueue:case-list",
        "reviewqueue:case-detail",
        "reviewqueue:case-release",
        "reviewqueue:case-assign",
        "reviewqueue:case-note",
        "reviewqueue:decision-list",
        "reviewqueue:decision-amend",
        "reviewqueue:item-list",
        "reviewqueue:item-detail",
        "reviewqueue:item-unmasked",
        "reviewqueue:quarantine-list",
        "reviewqueue:quarantine-detail",
        "reviewqueue:quarantine-discard",
        "reviewqueue:dashboard",
        "reviewqueue:alarms",
        "reviewqueue:failure-list",
        "reviewqueue:failure-file",
        "reviewqueue:failures-kept",
        "reviewqueue:reliance",
        "workflow_detail",
        "workflow_metrics",
        "reliance",
        "item_create",
        "item_list",
        "item_detail",
        "media_download",
        "media_derivative",
        "quarantine_list",
        "quarantine_resubmit",
        "quarantine_discard",
        "outcome_create",
        "reading_create",
        "machine_list",
        "failure_create",
        "alarm_figures",
        "case_list",
        "case_claim",
        "case_detail",
        "case_renew",
        "case_release",
        "case_skip",
        "case_snooze",
        "case_escalate",
        "case_reclaim",
        "case_assign",
        "case_note",
        "case_decide",
        "decision_undo",
        "decision_amend",
        "decision_feed",
    }
)

# Operations of the API, as its schema names them.
API_PUBLIC = frozenset({"api-schema", "api-docs"})
OPERATIONS: Mapping[str, str] = {
    "workflow_list": ALL,
    "workflow_detail": ALL,
    "workflow_declare": "SE",
    "site_list": "SEU",
    "site_put": "SE",
    "site_figures": "SEU",
    "policy_detail": "SEU",
    "policy_put": "S",
    "trust_detail": "SEU",
    "trust_moves": "SEU",
    "trust_plan_detail": "SEU",
    "trust_plan_list": "SEU",
    "trust_what_if": "SEU",
    "trust_plan_put": "S",
    "trust_grant": "S",
    "trust_withdraw": "S",
    "workflow_metrics": "SEU",
    "reliance": ALL,  # of reviewers: their own
    "consensus_list": "SEU",
    "gold_list": "SEU",
    "gold_create": "S",
    "gold_retire": "S",
    "item_create": "SE",
    "media_create": "SE",
    "upload_create": "SE",
    "upload_detail": "SE",
    "upload_part": "SE",
    "upload_complete": "SE",
    "archive_create": "SE",
    "archive_detail": "SE",
    "media_download": ALL,
    "media_remove": "S",
    "media_derivative": ALL,
    "item_list": ALL,
    "item_detail": ALL,
    "quarantine_list": "SEU",
    "quarantine_resubmit": "SE",
    "quarantine_discard": "SE",
    "outcome_create": "SE",
    "reading_create": "SE",
    "machine_list": ALL,
    "failure_create": "SE",
    "alarm_figures": "SEU",
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
    "model_comparison": "SEU",
    "model_register": "E",
    "model_stage": "SE",
    "model_rollback": "SE",
    "model_approve": "SE",
    "gate_report_list": "SEU",
    "gate_report_create": "SE",
    "gate_report_detail": "SEU",
    "gate_waive": "S",
    "training_run_list": "SEU",
    "training_run_create": "SE",
    "training_run_detail": "SEU",
    "training_run_cancel": "SE",
    "snapshot_list": "SEU",
    "snapshot_create": "SE",
    "snapshot_detail": "SEU",
    "snapshot_download": "SEU",
    "readiness_detail": "SEU",
    "readiness_rights": "S",
    "readiness_rights_record": "S",
    "monitor_list": "SEU",
    "alert_list": "SEU",
    "alert_acknowledge": "SE",
    "alert_resolve": "SE",
    "notice_list": "SEU",
    "notice_read": "SEU",
    "webhook_list": "SEU",
    "webhook_create": "SE",
    "webhook_disable": "SE",
    "delivery_list": "SEU",
    "delivery_replay": "SE",
    "repair_preview": "S",
    "repair_put_back": "S",
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
    Permission.ITEMS_VIEW: frozenset(
        {"item_list", "item_detail", "media_download", "media_derivative"}
        | {"machine_list"}
    ),
    Permission.ITEMS_ADD: frozenset(
        {"item_create", "media_create", "archive_create", "archive_detail"}
        | {"upload_create", "upload_detail", "upload_part", "upload_complete"}
        | {"reading_create"}
    ),
    Permission.MEDIA_REMOVE: frozenset({"media_remove"}),
    Permission.QUARANTINE_VIEW: frozenset({"quarantine_list"}),
    Permission.QUARANTINE_RESOLVE: frozenset(
        {"quarantine_resubmit", "quarantine_discard"}
    ),
    Permission.CASES_VIEW: frozenset({"case_list", "case_detail", "reliance"}),
    Permission.CASES_REVIEW: _JUDGING,
    Permission.CASES_ADJUDICATE: _JUDGING,
    Permission.CASES_MANAGE: frozenset(
        {
            "case_reclaim",
            "case_assign",
            "case_note",
            "decision_amend",
            "gold_create",
            "gold_retire",
            "repair_preview",
            "repair_put_back",
        }
    ),
    Permission.DECISIONS_VIEW: frozenset(
        {"decision_feed", "gold_list", "consensus_list"}
    ),
    Permission.OUTCOMES_ADD: frozenset({"outcome_create", "failure_create"}),
    Permission.METRICS_VIEW: frozenset(
        {"workflow_metrics", "site_figures", "reliance", "notice_list", "notice_read"}
        | {"alarm_figures"}
    ),
    Permission.SNAPSHOTS_VIEW: frozenset(
        {"snapshot_list", "snapshot_detail", "snapshot_download"}
    ),
    Permission.SNAPSHOTS_CREATE: frozenset({"snapshot_create"}),
    Permission.MODELS_VIEW: frozenset(
        {
            "model_comparison",
            "model_list",
            "training_run_list",
            "training_run_detail",
            "gate_report_list",
            "gate_report_detail",
        }
    ),
    Permission.MODELS_TRAIN: frozenset({"training_run_create", "training_run_cancel"}),
    Permission.MODELS_REGISTER: frozenset({"model_register"}),
    Permission.MODELS_STAGE: frozenset(
        {"model_stage", "model_rollback", "model_approve", "gate_report_create"}
    ),
    Permission.MODELS_WAIVE: frozenset({"gate_waive"}),
    Permission.READINESS_VIEW: frozenset({"readiness_detail"}),
    Permission.READINESS_RECORD: frozenset(
        {"readiness_rights", "readiness_rights_record"}
    ),
    Permission.MONITORS_VIEW: frozenset({"monitor_list", "alert_list"}),
    Permission.ALERTS_MANAGE: frozenset({"alert_acknowledge", "alert_resolve"}),
    Permission.POLICY_VIEW: frozenset({"policy_detail"}),
    Permission.POLICY_CHANGE: frozenset({"policy_put"}),
    Permission.TRUST_VIEW: frozenset(
        {
            "trust_detail",
            "trust_moves",
            "trust_plan_detail",
            "trust_plan_list",
            "trust_what_if",
        }
    ),
    Permission.TRUST_CHANGE: frozenset(
        {"trust_plan_put", "trust_grant", "trust_withdraw"}
    ),
    Permission.SETTINGS_VIEW: frozenset({"webhook_list", "delivery_list", "site_list"}),
    Permission.SETTINGS_CHANGE: frozenset(
        {
            "workflow_declare",
            "site_put",
            "webhook_create",
            "webhook_disable",
            "delivery_replay",
        }
    ),
}
