"""OpenAPI descriptions of the URLs of builds, chats and evaluations."""

from . import builds, chats, evaluations

__all__ = ["builds", "chats", "evaluations"]
