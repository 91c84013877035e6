from django.apps import AppConfig


class BackupConfig(AppConfig):
    name = "agentforge.backup"
    label = "backup"
