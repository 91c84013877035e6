from django.apps import AppConfig


class BuildsConfig(AppConfig):
    name = "builds"

    def ready(self) -> None:
        from agentforge.accounts.signals import account_created
        from configs import steps

        from .agent_steps import build_steps
        from .example_agent import create_later
        from .operations import (  # noqa: F401 - they register themselves
            checks,
            dashboard,
            diagnostics,
            metrics,
            supabase_bucket,
        )

        steps.register(build_steps)
        account_created.connect(create_later)
