"""Pages about workflows and models."""

from django.urls import path

from predictions.views import models, settings, upload

app_name = "predictions"
urlpatterns = [
    path("workflows/new/", settings.workflow_create, name="workflow-create"),
    path("w/<slug:slug>/models/", models.model_list, name="model-list"),
    path(
        "w/<slug:slug>/models/rollback/", models.model_rollback, name="model-rollback"
    ),
    path("w/<slug:slug>/models/<uuid:pk>/", models.model_detail, name="model-detail"),
    path(
        "w/<slug:slug>/models/<uuid:pk>/stage/",
        models.model_stage,
        name="model-stage",
    ),
    path(
        "w/<slug:slug>/settings/",
        settings.workflow_settings,
        name="workflow-settings",
    ),
    path("w/<slug:slug>/upload/", upload.upload, name="upload"),
]
