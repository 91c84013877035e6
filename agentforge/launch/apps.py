from django.apps import AppConfig


class LaunchConfig(AppConfig):
    name = "agentforge.launch"
    label = "launch"
