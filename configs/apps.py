from django.apps import AppConfig


class ConfigsConfig(AppConfig):
    name = "configs"
    verbose_name = "Agents"

    def ready(self) -> None:
        from agentforge.accounts import belongings
        from agentforge.audit.signals import event_recorded

        from . import (
            checks,  # noqa: F401 # importing it registers the checks
            search,
            search_sources,
        )
        from .announcements import announce_activity
        from .belongings import agents, keys
        from .keys import diagnostics  # noqa: F401 # importing it registers the check

        event_recorded.connect(announce_activity)
        belongings.register_export(agents)
        belongings.register_export(keys)
        search.register("Agents", search_sources.agents, place=0)
        search.register("Pages and actions", search_sources.places, place=4)
        search.register("Keys", search_sources.keys, place=3)
