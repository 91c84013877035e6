from __future__ import annotations

from . import builders
from .endpoints import Answer, signed
from .receiver import receive
from .webhook_signature import Message


@signed(builders.secrets_by_name)
def builder_webhook(message: Message, build: int) -> Answer:
    """Receive a remote builder's message about a build."""
    return receive(message.sender, build, message.content)
