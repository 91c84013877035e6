"""OpenAPI descriptions of the URLs of agents, keys and services."""

from . import agents, keys, services

__all__ = ["agents", "keys", "services"]
