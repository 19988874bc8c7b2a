"""Addresses of reliance, consensus and gold items."""

from django.urls import path

from reviewqueue.api import consensus, gold, reliance

urlpatterns = [
    path(
        "workflows/<slug:slug>/reliance",
        reliance.WorkflowReliance.as_view(),
        name="api-reliance",
    ),
    path(
        "workflows/<slug:slug>/consensus",
        consensus.ConsensusList.as_view(),
        name="api-consensus",
    ),
    path("workflows/<slug:slug>/gold", gold.GoldList.as_view(), name="api-gold"),
    path("gold/<uuid:pk>/retire", gold.GoldRetire.as_view(), name="api-gold-retire"),
]
