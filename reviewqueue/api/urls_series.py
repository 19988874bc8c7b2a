"""Addresses of readings, failures and alarms."""

from django.urls import path

from reviewqueue.api import series

W = "workflows/<slug:slug>"
urlpatterns = [
    path(f"{W}/readings", series.ReadingList.as_view(), name="api-readings"),
    path(f"{W}/machines", series.MachineList.as_view(), name="api-machines"),
    path(f"{W}/failures", series.FailureList.as_view(), name="api-failures"),
    path(
        "failures/<uuid:pk>/withdraw",
        series.FailureWithdraw.as_view(),
        name="api-failure-withdraw",
    ),
    path(f"{W}/alarms", series.AlarmFigures.as_view(), name="api-alarms"),
]
