from django.apps import AppConfig


class RemoteConfig(AppConfig):
    """The forge's side of remote builders, and the protocol of both sides."""

    name = "builds.remote"
    label = "remote_builders"

    def ready(self) -> None:
        from . import checks  # noqa: F401 - registers them
