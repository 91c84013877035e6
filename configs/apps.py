from django.apps import AppConfig


class ConfigsConfig(AppConfig):
    name = "configs"

    def ready(self) -> None:
        from agentforge.accounts import belongings

        from . import checks  # noqa: F401 # importing it registers the checks
        from .belongings import agents

        belongings.register_export(agents)
