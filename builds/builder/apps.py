from django.apps import AppConfig


class ServiceConfig(AppConfig):
    """The builder's side, which runs with AGENTFORGE_ROLE=builder."""

    name = "builds.builder"
    label = "builder_service"
