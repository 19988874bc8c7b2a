"""Addresses of the API, below `/api/v1/`."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from reviewqueue.api import (
    case_moves,
    cases,
    decisions,
    items,
    models,
    outcomes,
    sites,
    snapshots,
    trust,
    urls_gold,
    urls_media,
    urls_notices,
    urls_series,
    workflows,
)
from reviewqueue.api.docs import ApiDocs
from reviewqueue.api.what_if import TrustWhatIf

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", ApiDocs.as_view(), name="api-docs"),
    path("workflows", workflows.WorkflowList.as_view(), name="api-workflows"),
    path(
        "workflows/<slug:slug>",
        workflows.WorkflowDetail.as_view(),
        name="api-workflow",
    ),
    path(
        "workflows/<slug:slug>/policy",
        workflows.WorkflowPolicy.as_view(),
        name="api-policy",
    ),
    path(
        "workflows/<slug:slug>/metrics",
        workflows.WorkflowMetricsView.as_view(),
        name="api-metrics",
    ),
    path("workflows/<slug:slug>/sites", sites.SiteList.as_view(), name="api-sites"),
    path(
        "workflows/<slug:slug>/sites/<str:key>",
        sites.SiteDetail.as_view(),
        name="api-site",
    ),
    *urls_gold.urlpatterns,
    *urls_media.urlpatterns,
    *urls_series.urlpatterns,
    path("workflows/<slug:slug>/items", items.ItemList.as_view(), name="api-items"),
    path(
        "workflows/<slug:slug>/items/<path:external_id>",
        items.ItemDetail.as_view(),
        name="api-item",
    ),
    path(
        "workflows/<slug:slug>/quarantine",
        items.QuarantineList.as_view(),
        name="api-quarantine",
    ),
    path(
        "workflows/<slug:slug>/quarantine/<uuid:pk>/resubmit",
        items.QuarantineResubmit.as_view(),
        name="api-quarantine-resubmit",
    ),
    path(
        "workflows/<slug:slug>/quarantine/<uuid:pk>/discard",
        items.QuarantineDiscard.as_view(),
        name="api-quarantine-discard",
    ),
    path(
        "workflows/<slug:slug>/outcomes",
        outcomes.OutcomeList.as_view(),
        name="api-outcomes",
    ),
    path("workflows/<slug:slug>/cases", cases.CaseList.as_view(), name="api-cases"),
    path(
        "workflows/<slug:slug>/cases/claim",
        cases.CaseClaim.as_view(),
        name="api-claim",
    ),
    path(
        "workflows/<slug:slug>/decisions",
        decisions.DecisionFeed.as_view(),
        name="api-decisions",
    ),
    path("workflows/<slug:slug>/trust", trust.TrustDetail.as_view(), name="api-trust"),
    path(
        "workflows/<slug:slug>/trust/what-if",
        TrustWhatIf.as_view(),
        name="api-trust-what-if",
    ),
    path(
        "workflows/<slug:slug>/trust/moves",
        trust.TrustMoves.as_view(),
        name="api-trust-moves",
    ),
    path(
        "workflows/<slug:slug>/trust/plan",
        trust.TrustPlanDetail.as_view(),
        name="api-trust-plan",
    ),
    path(
        "workflows/<slug:slug>/trust/plans",
        trust.TrustPlans.as_view(),
        name="api-trust-plans",
    ),
    path(
        "workflows/<slug:slug>/trust/segments/<uuid:pk>/grant",
        trust.TrustGrant.as_view(),
        name="api-trust-grant",
    ),
    path(
        "workflows/<slug:slug>/trust/segments/<uuid:pk>/withdraw",
        trust.TrustWithdraw.as_view(),
        name="api-trust-withdraw",
    ),
    path("workflows/<slug:slug>/models", models.ModelList.as_view(), name="api-models"),
    path(
        "workflows/<slug:slug>/rollback",
        models.ModelRollback.as_view(),
        name="api-rollback",
    ),
    path(
        "workflows/<slug:slug>/snapshots",
        snapshots.SnapshotList.as_view(),
        name="api-snapshots",
    ),
    path(
        "snapshots/<uuid:pk>",
        snapshots.SnapshotDetail.as_view(),
        name="api-snapshot",
    ),
    path(
        "snapshots/<uuid:pk>/download",
        snapshots.SnapshotDownload.as_view(),
        name="api-snapshot-download",
    ),
    path("models/<uuid:pk>/stage", models.ModelStage.as_view(), name="api-stage"),
    *urls_notices.urlpatterns,
    path("cases/<uuid:pk>", cases.CaseDetail.as_view(), name="api-case"),
    path("cases/<uuid:pk>/renew", case_moves.CaseRenew.as_view(), name="api-renew"),
    path(
        "cases/<uuid:pk>/release", case_moves.CaseRelease.as_view(), name="api-release"
    ),
    path("cases/<uuid:pk>/skip", case_moves.CaseSkipView.as_view(), name="api-skip"),
    path("cases/<uuid:pk>/snooze", case_moves.CaseSnooze.as_view(), name="api-snooze"),
    path(
        "cases/<uuid:pk>/escalate",
        case_moves.CaseEscalate.as_view(),
        name="api-escalate",
    ),
    path(
        "cases/<uuid:pk>/reclaim", case_moves.CaseReclaim.as_view(), name="api-reclaim"
    ),
    path("cases/<uuid:pk>/assign", case_moves.CaseAssign.as_view(), name="api-assign"),
    path("cases/<uuid:pk>/notes", case_moves.CaseNotes.as_view(), name="api-notes"),
    path(
        "cases/<uuid:pk>/decision",
        decisions.CaseDecision.as_view(),
        name="api-decision",
    ),
    path("decisions/<uuid:pk>/undo", decisions.DecisionUndo.as_view(), name="api-undo"),
    path(
        "decisions/<uuid:pk>/amend", decisions.DecisionAmend.as_view(), name="api-amend"
    ),
]
