"""OpenAPI descriptions of the URLs of agents, keys, services and skills."""

from . import agents, keys, services, skills

__all__ = ["agents", "keys", "services", "skills"]
