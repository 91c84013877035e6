from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    name = "deployments"

    def ready(self) -> None:
        from agentforge.accounts import belongings
        from builds.artifacts.retention import register_usage_check
        from builds.execution.transitions import register_success
        from configs import search, steps, trash

        from . import checks  # noqa: F401 # importing it registers the checks
        from .agent_steps import deploy_steps
        from .belongings import sites, work_in_progress
        from .history import deployed_sites
        from .planning import deploy_planned
        from .search import deployments
        from .sites import backup, pruning  # noqa: F401 # importing backup registers it
        from .sites.retention import builds_in_use
        from .trash import BELONGING

        register_usage_check(builds_in_use)
        register_success(deploy_planned)
        pruning.register()
        steps.register(deployed_sites, deploy_steps)
        search.register("Deployments", deployments, place=2)
        trash.register(BELONGING)
        belongings.register_export(sites)
        belongings.register_obstacle(work_in_progress)
