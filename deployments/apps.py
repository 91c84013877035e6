from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    name = "deployments"

    def ready(self) -> None:
        from builds.artifacts.retention import register_usage_check

        from . import checks  # noqa: F401 # importing it registers the checks
        from .sites import pruning
        from .sites.retention import builds_in_use

        register_usage_check(builds_in_use)
        pruning.register()
