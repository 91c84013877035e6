from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    name = "deployments"

    def ready(self) -> None:
        from builds.artifacts.retention import register_in_use

        from . import checks  # noqa: F401 # importing it registers the checks
        from .sites import pruning
        from .sites.retention import builds_in_use

        register_in_use(builds_in_use)
        pruning.register()
