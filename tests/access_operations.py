"""Who may do what over the API, and what each verb of a key opens.

As in `access_table`: R reviewer, A adjudicator, S supervisor, E engineer, U auditor.
"""

from collections.abc import Mapping

from accounts.permissions import Permission
from tests.access_table import ALL

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
    "failure_list": "SEU",
    "failure_withdraw": "SE",
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
    Permission.OUTCOMES_ADD: frozenset(
        {"outcome_create", "failure_create", "failure_withdraw"}
    ),
    Permission.METRICS_VIEW: frozenset(
        {"workflow_metrics", "site_figures", "reliance", "notice_list", "notice_read"}
        | {"alarm_figures", "failure_list"}
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
