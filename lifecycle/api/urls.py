"""Addresses of the API about a model's life, below `/api/v1/`."""

from django.urls import path

from lifecycle.api import comparison, gates, monitors, readiness, sites, training

W = "workflows/<slug:slug>"
urlpatterns = [
    path(
        f"{W}/sites/<str:key>/figures",
        sites.SiteFiguresView.as_view(),
        name="api-site-figures",
    ),
    path(f"{W}/readiness", readiness.ReadinessDetail.as_view(), name="api-readiness"),
    path(
        f"{W}/readiness/rights",
        readiness.ReadinessRights.as_view(),
        name="api-readiness-rights",
    ),
    path(
        "models/<uuid:pk>/gate-reports",
        gates.GateReportList.as_view(),
        name="api-gate-reports",
    ),
    path(
        "models/<uuid:pk>/approvals",
        gates.ModelApprovalList.as_view(),
        name="api-approvals",
    ),
    path(
        "gate-reports/<uuid:pk>",
        gates.GateReportDetail.as_view(),
        name="api-gate-report",
    ),
    path(
        "gate-reports/<uuid:pk>/waivers",
        gates.GateWaiverList.as_view(),
        name="api-waivers",
    ),
    path(f"{W}/monitors", monitors.MonitorList.as_view(), name="api-monitors"),
    path(f"{W}/alerts", monitors.AlertList.as_view(), name="api-alerts"),
    path(
        "models/<uuid:pk>/comparison",
        comparison.ModelComparison.as_view(),
        name="api-comparison",
    ),
    path(
        "alerts/<uuid:pk>/acknowledge",
        monitors.AlertAcknowledge.as_view(),
        name="api-alert-acknowledge",
    ),
    path(
        "alerts/<uuid:pk>/resolve",
        monitors.AlertResolve.as_view(),
        name="api-alert-resolve",
    ),
    path(
        f"{W}/training-runs",
        training.TrainingRunList.as_view(),
        name="api-training-runs",
    ),
    path(
        "training-runs/<uuid:pk>",
        training.TrainingRunDetail.as_view(),
        name="api-training-run",
    ),
    path(
        "training-runs/<uuid:pk>/cancel",
        training.TrainingRunCancel.as_view(),
        name="api-training-run-cancel",
    ),
]
