"""Pages of what happened, who hears of it, and what is put right."""

from django.urls import path

from reviewqueue.views import notices, repair, webhooks

W = "w/<slug:slug>"
urlpatterns = [
    path(f"{W}/notices/", notices.notice_list, name="notice-list"),
    path(f"{W}/notices/read/", notices.notice_read, name="notice-read"),
    path(f"{W}/webhooks/", webhooks.webhook_list, name="webhook-list"),
    path(f"{W}/webhooks/<uuid:pk>/", webhooks.webhook_detail, name="webhook-detail"),
    path(
        f"{W}/webhooks/<uuid:pk>/disable/",
        webhooks.webhook_disable,
        name="webhook-disable",
    ),
    path(
        f"{W}/deliveries/<uuid:pk>/replay/",
        webhooks.delivery_replay,
        name="delivery-replay",
    ),
    path(f"{W}/repair/", repair.repair, name="repair"),
]
