from django.apps import AppConfig
from django.core.checks import register


class MachinesConfig(AppConfig):
    name = "agentforge.machines"
    label = "machines"

    def ready(self) -> None:
        from .checks import check_shared

        register(check_shared)
