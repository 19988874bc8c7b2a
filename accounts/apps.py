"""The app's configuration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Not at the top: both need the models, which are not loaded there yet.
        from accounts import signals  # noqa: F401, PLC0415 -- registers itself
        from accounts.api import schema  # noqa: F401, PLC0415 -- registers itself
