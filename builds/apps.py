from django.apps import AppConfig


class BuildsConfig(AppConfig):
    name = "builds"

    def ready(self) -> None:
        from configs import steps

        from .agent_steps import build_steps
        from .operations import checks, dashboard, diagnostics, metrics  # noqa: F401 - they register themselves

        steps.register(build_steps)
