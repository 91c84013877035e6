"""The providers of language models. To add one, write a module here and list it below."""

from .anthropic import ANTHROPIC
from .base import Outcome, Provider
from .local import LOCAL
from .model_servers import LOCAL_SERVERS
from .openai import OPENAI
from .openai_compatible import OPENAI_COMPATIBLE

PROVIDERS: dict[str, Provider] = {
    provider.code: provider for provider in (*LOCAL_SERVERS, LOCAL, OPENAI, ANTHROPIC, OPENAI_COMPATIBLE)
}

__all__ = ["PROVIDERS", "Outcome", "Provider"]
