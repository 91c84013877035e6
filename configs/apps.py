from django.apps import AppConfig


class ConfigsConfig(AppConfig):
    name = "configs"

    def ready(self) -> None:
        from . import checks  # noqa: F401 # importing it registers the checks
