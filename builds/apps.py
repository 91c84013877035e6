from django.apps import AppConfig


class BuildsConfig(AppConfig):
    name = "builds"

    def ready(self) -> None:
        from . import checks, dashboard, examinations, measures  # noqa: F401 - they register themselves
