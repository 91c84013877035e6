from django.apps import AppConfig


class ServiceConfig(AppConfig):
    """The builder's side: what runs with AGENTFORGE_ROLE=builder."""

    name = "builds.builder"
    label = "builder_service"
