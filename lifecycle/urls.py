"""Pages of a model's life."""

from django.urls import path

from lifecycle.views import (
    alerts,
    cards,
    comparison,
    external,
    gates,
    models,
    monitors,
    readiness,
    sites,
    training,
)

app_name = "lifecycle"
W = "w/<slug:slug>"
urlpatterns = [
    path(f"{W}/readiness/", readiness.readiness, name="readiness"),
    path(f"{W}/readiness/report/", readiness.readiness_report, name="readiness-report"),
    path(f"{W}/readiness/rights/", readiness.readiness_rights, name="readiness-rights"),
    path(f"{W}/models/<uuid:pk>/card/", cards.model_card, name="model-card"),
    path(f"{W}/datasheets/<uuid:pk>/", cards.datasheet, name="snapshot-datasheet"),
    path(f"{W}/monitors/", monitors.monitor_list, name="monitor-list"),
    path(f"{W}/monitors/one/", monitors.monitor_detail, name="monitor-detail"),
    path(f"{W}/alerts/", alerts.alert_list, name="alert-list"),
    path(f"{W}/sites/<str:key>/", sites.site_detail, name="site-detail"),
    path(
        f"{W}/alerts/<uuid:pk>/acknowledge/",
        alerts.alert_acknowledge,
        name="alert-acknowledge",
    ),
    path(f"{W}/alerts/<uuid:pk>/resolve/", alerts.alert_resolve, name="alert-resolve"),
    path(f"{W}/models/", models.model_list, name="model-list"),
    path(f"{W}/models/external/", external.model_external, name="model-external"),
    path(f"{W}/models/rollback/", models.model_rollback, name="model-rollback"),
    path(f"{W}/models/<uuid:pk>/", models.model_detail, name="model-detail"),
    path(f"{W}/models/<uuid:pk>/stage/", models.model_stage, name="model-stage"),
    path(
        f"{W}/models/<uuid:pk>/comparison/",
        comparison.model_comparison,
        name="model-comparison",
    ),
    path(f"{W}/models/<uuid:pk>/gates/", gates.model_gates, name="model-gates"),
    path(f"{W}/models/<uuid:pk>/approve/", gates.model_approve, name="model-approve"),
    path(f"{W}/gate-reports/<uuid:pk>/", gates.gate_report_page, name="gate-report"),
    path(f"{W}/gate-reports/<uuid:pk>/report.json", gates.gate_json, name="gate-json"),
    path(f"{W}/gate-reports/<uuid:pk>/waive/", gates.gate_waive, name="gate-waive"),
    path(f"{W}/training/", training.training_list, name="training-list"),
    path(f"{W}/training/new/", training.training_create, name="training-create"),
    path(f"{W}/training/<uuid:pk>/", training.training_detail, name="training-detail"),
    path(
        f"{W}/training/<uuid:pk>/cancel/",
        training.training_cancel,
        name="training-cancel",
    ),
]
