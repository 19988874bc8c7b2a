"""Addresses of images and sound."""

from django.urls import path

from reviewqueue.api import archives, media, uploads

urlpatterns = [
    path("workflows/<slug:slug>/media", media.MediaList.as_view(), name="api-media"),
    path(
        "workflows/<slug:slug>/archives",
        archives.ArchiveList.as_view(),
        name="api-archives",
    ),
    path("archives/<uuid:pk>", archives.ArchiveDetail.as_view(), name="api-archive"),
    path(
        "workflows/<slug:slug>/uploads",
        uploads.UploadList.as_view(),
        name="api-uploads",
    ),
    path("uploads/<uuid:pk>", uploads.UploadDetail.as_view(), name="api-upload"),
    path(
        "uploads/<uuid:pk>/complete",
        uploads.UploadComplete.as_view(),
        name="api-upload-complete",
    ),
    path("media/<uuid:pk>", media.MediaDetail.as_view(), name="api-media-file"),
    path(
        "media/<uuid:pk>/remove",
        media.MediaRemove.as_view(),
        name="api-media-remove",
    ),
    path(
        "media/<uuid:pk>/<slug:derivative>",
        media.MediaDerived.as_view(),
        name="api-media-derivative",
    ),
]
