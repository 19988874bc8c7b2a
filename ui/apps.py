"""The app that holds what every page shares."""

from django.apps import AppConfig


class UiConfig(AppConfig):
    name = "ui"
