"""The providers of language models. To add one, write its entry in catalogue.json."""

from .base import Outcome, Provider
from .catalogue import ENTRIES
from .local import LOCAL
from .model_servers import LOCAL_SERVERS
from .remote import RemoteProvider

_OF_THIS_MACHINE = {provider.code: provider for provider in (LOCAL, *LOCAL_SERVERS)}
PROVIDERS: dict[str, Provider] = {
    code: _OF_THIS_MACHINE.get(code) or RemoteProvider(**entry) for code, entry in ENTRIES.items()
}

__all__ = ["PROVIDERS", "Outcome", "Provider"]
