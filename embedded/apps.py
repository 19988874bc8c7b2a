from django.apps import AppConfig


class EmbeddedConfig(AppConfig):
    name = "embedded"
    verbose_name = "Servers"

    def ready(self) -> None:
        from embedded import checks  # noqa: F401, PLC0415 -- registers the checks
