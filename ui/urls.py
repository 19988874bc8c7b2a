"""Addresses below `/ui/`."""

from django.urls import path

from ui import views

app_name = "ui"
urlpatterns = [
    path("theme/", views.set_theme, name="theme"),
    path("style-guide/", views.style_guide, name="style-guide"),
]
