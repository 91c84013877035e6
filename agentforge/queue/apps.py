from django.apps import AppConfig


class QueueConfig(AppConfig):
    name = "agentforge.queue"
    label = "queue"
