from django.apps import AppConfig


class BuildsConfig(AppConfig):
    name = "builds"

    def ready(self) -> None:
        from agentforge import page_questions
        from agentforge.accounts import belongings
        from agentforge.accounts.signals import account_created
        from agentforge.queue import preparation
        from configs import search, steps, trash

        from . import context_processors
        from .agent_steps import build_steps, telling_builds
        from .belongings import builds_and_chats, stop_builds_and_answers, work_in_progress
        from .example_agent import create_later
        from .execution import readiness
        from .operations import (  # noqa: F401 - they register themselves
            backup,
            checks,
            dashboard,
            diagnostics,
            metrics,
            supabase_bucket,
        )
        from .queue import jobs
        from .search import builds
        from .trash import BELONGING

        steps.register(telling_builds, build_steps)
        page_questions.register(context_processors.RUNNING_WORK, context_processors.question)
        taken_when_warm = (jobs.QUEUES[jobs.COMPILE], jobs.QUEUES[jobs.SERVE])
        preparation.register(taken_when_warm, is_ready=readiness.is_ready, prepare=readiness.prepare)
        search.register("Builds", builds, place=1)
        trash.register(BELONGING)
        belongings.register_export(builds_and_chats)
        belongings.register_obstacle(work_in_progress)
        belongings.register_stop(stop_builds_and_answers)
        account_created.connect(create_later)
