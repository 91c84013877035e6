from django.apps import AppConfig


class BuildsConfig(AppConfig):
    name = "builds"

    def ready(self) -> None:
        from .operations import checks, dashboard, diagnostics, metrics  # noqa: F401 - they register themselves
