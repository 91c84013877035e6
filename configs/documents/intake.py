"""Create an agent from a document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction

from agentforge.accounts.models import User
from agentforge.tenancy.rls import as_service
from configs.forms.identity import suggest_handle
from configs.keys import vault
from configs.knowledge.files import set_files
from configs.models import AgentConfig, ApiKey
from configs.providers import PROVIDERS
from configs.services import create_agent, handles_of, new_draft

from .document import Document


@dataclass(frozen=True)
class Imported:
    """A new agent, and a sentence for each thing that differs from its document."""

    agent: AgentConfig
    notes: tuple[str, ...]


def import_agent(document: Document, owner: User) -> Imported:
    """Store a document as a new agent, under the next free handle, with the owner's key of the same name.

    Raises HandleTaken if another request takes the handle at the same time.
    """
    draft = new_draft(owner)
    for name, value in document.values.items():
        setattr(draft, name, value)
    taken = handles_of(owner.pk)
    draft.handle = suggest_handle(document.values["handle"], taken)
    keys = list(
        ApiKey.objects.filter(owner_id=owner.pk, provider=vault.stored_under(draft.provider)).order_by("pk")
    )
    draft.api_key = next((key for key in keys if key.name == document.key), None)
    with transaction.atomic():
        agent = create_agent(draft)
        if document.files:
            with as_service():
                set_files(agent, document.files)
    return Imported(agent, tuple(_notes(document, agent, keys)))


def _notes(document: Document, agent: AgentConfig, keys: list[ApiKey]) -> Iterator[str]:
    wanted = document.values["handle"]
    if agent.handle != wanted:
        yield f"Another agent of yours has the handle {wanted}, so this one is {agent.handle}."
    if document.key and agent.api_key is None:
        label = PROVIDERS[agent.provider].label
        rest = "The oldest of your keys is used instead." if keys else "Add one under API keys."
        yield f"The document names the key “{document.key}” for {label}, which you do not have. {rest}"
    if document.files:
        names = ", ".join(file["name"] for file in document.files)
        yield f"The document names files, which it does not hold. Add them under Knowledge: {names}."
    used = vault.key_in_use(keys, agent.provider, agent.api_key_id)
    if document.base_url and (used is None or used.base_url != document.base_url):
        now = f"; your key's address is {used.base_url}" if used else ""
        yield f"The document's model server is {document.base_url}{now}. Set it under API keys."
