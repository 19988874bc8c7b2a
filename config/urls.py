"""Addresses: pages at the root, the API below `/api/v1`, operations outside both."""

from django.contrib import admin
from django.urls import include, path

from config import operations
from reviewqueue.views.home import home

handler400 = "config.errors.bad_request"
handler403 = "config.errors.forbidden"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"

urlpatterns = [
    path("health/live", operations.live, name="health-live"),
    path("health/ready", operations.ready, name="health-ready"),
    path("metrics", operations.metrics, name="metrics"),
    path("api/v1/", include("reviewqueue.api.urls")),
    path("api/v1/", include("lifecycle.api.urls")),
    path("ui/", include("ui.urls")),
    path("accounts/", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("", home, name="home"),
    path("", include("predictions.urls")),
    path("", include("reviewqueue.urls")),
    path("", include("lifecycle.urls")),
]
