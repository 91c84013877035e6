from __future__ import annotations

from . import builders
from .endpoints import Answer, signed
from .receiver import receive
from .webhook_signature import Message


@signed(builders.secrets)
def builder_webhook(message: Message, build: int) -> Answer:
    """Take what a remote builder says of a build."""
    return receive(message.sender, build, message.content)
