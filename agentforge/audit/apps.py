from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "agentforge.audit"
    label = "audit"
    verbose_name = "Audit log"
