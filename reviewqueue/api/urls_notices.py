"""Addresses of notices, web-hooks and repair, below `/api/v1/`."""

from django.urls import path

from reviewqueue.api import notices, repair, webhooks

W = "workflows/<slug:slug>"
urlpatterns = [
    path(f"{W}/notices", notices.NoticeList.as_view(), name="api-notices"),
    path(f"{W}/notices/read", notices.NoticeRead.as_view(), name="api-notices-read"),
    path(f"{W}/webhooks", webhooks.WebhookList.as_view(), name="api-webhooks"),
    path(
        "webhooks/<uuid:pk>/disable",
        webhooks.WebhookDisable.as_view(),
        name="api-webhook-disable",
    ),
    path(
        "webhooks/<uuid:pk>/deliveries",
        webhooks.DeliveryList.as_view(),
        name="api-deliveries",
    ),
    path(
        "deliveries/<uuid:pk>/replay",
        webhooks.DeliveryReplay.as_view(),
        name="api-delivery-replay",
    ),
    path(f"{W}/repair", repair.Repair.as_view(), name="api-repair"),
]
