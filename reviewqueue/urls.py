"""Addresses."""

from django.urls import URLPattern

app_name = "reviewqueue"
urlpatterns: list[URLPattern] = []
