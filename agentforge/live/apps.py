from django.apps import AppConfig


class LiveConfig(AppConfig):
    name = "agentforge.live"
    label = "live"

    def ready(self) -> None:
        from django_eventstream import views

        from .eventstream import LogListenerManager

        views.listener_manager = LogListenerManager()
