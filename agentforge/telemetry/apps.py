from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    name = "agentforge.telemetry"
    label = "telemetry"
