"""Pages about workflows."""

from django.urls import path

from predictions.views import archives, media, readings, settings, upload

app_name = "predictions"
urlpatterns = [
    path("workflows/new/", settings.workflow_create, name="workflow-create"),
    path(
        "w/<slug:slug>/settings/",
        settings.workflow_settings,
        name="workflow-settings",
    ),
    path(
        "w/<slug:slug>/media/<uuid:pk>/remove/",
        media.media_remove,
        name="media-remove",
    ),
    path("w/<slug:slug>/media/<uuid:pk>/", media.media_file, name="media"),
    path(
        "w/<slug:slug>/media/<uuid:pk>/<slug:derivative>/",
        media.media_file,
        name="media-derivative",
    ),
    path(
        "w/<slug:slug>/archives/<uuid:pk>/",
        archives.archive_detail,
        name="archive-detail",
    ),
    path(
        "w/<slug:slug>/upload/readings/",
        readings.upload_readings,
        name="upload-readings",
    ),
    path(
        "w/<slug:slug>/upload/readings/<uuid:pk>/",
        readings.kept_readings,
        name="kept-readings",
    ),
    path("w/<slug:slug>/upload/item/", upload.upload_item, name="upload-item"),
    path("w/<slug:slug>/upload/", upload.upload, name="upload"),
]
