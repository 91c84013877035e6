"""Ask again: the last question as it was, or any question reworded. What followed it is replaced."""

from __future__ import annotations

from django.db import transaction

from agentforge.accounts.models import User
from agentforge.tenancy.rls import as_service
from builds.errors import NotPossible
from builds.models import ChatMessage
from configs.models import lock_agent

from . import chat, images
from .conversations import conversation_of


def regenerate(answer: ChatMessage, by: User) -> tuple[ChatMessage, ChatMessage]:
    """Replace the last answer of a conversation by a new one to the same question.

    Raises NotPossible as `resend` does, and for a message that is not the last answer.
    """
    earlier = conversation_of(answer).filter(pk__lt=answer.pk)
    question = earlier.filter(role=ChatMessage.Role.USER).last()
    later = conversation_of(answer).filter(pk__gt=answer.pk)
    if answer.role != ChatMessage.Role.ASSISTANT or question is None or later.exists():
        raise NotPossible("Only the last answer can be regenerated. Load the page again to see what changed.")
    return resend(question, by=by, text=question.content)


def resend(question: ChatMessage, by: User, text: str) -> tuple[ChatMessage, ChatMessage]:
    """Replace a question, and all that followed it in its conversation, by a new question.

    Raises NotPossible when nobody can be asked now, and then keeps everything.
    """
    if question.role != ChatMessage.Role.USER:
        raise NotPossible("Only a question can be edited.")
    ask = chat.ask
    if question.source == chat.Source.DRAFT:
        chat.refuse_unready(question.agent)
        ask = chat.ask_ready_draft
    with transaction.atomic(), as_service():
        lock_agent(question.agent_id)
        replaced = conversation_of(question).filter(pk__gte=question.pk)
        if not replaced.filter(pk=question.pk).exists():
            raise NotPossible(
                "This question was replaced meanwhile. Load the page again to see what changed."
            )
        if replaced.filter(status__in=chat.UNFINISHED).exists():
            raise NotPossible(chat.STILL_ANSWERING)
        pictures = images.of(question)
        replaced.delete()
        return ask(question.agent, by, text, question.conversation, pictures=pictures)
