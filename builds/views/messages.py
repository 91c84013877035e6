"""One message of a chat: as it is now."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from agentforge.http import Request
from agentforge.negotiation import negotiated, success, wants_json
from builds.models import ChatMessage
from builds.trial import chat, places
from builds.trial.answer import load_partial
from configs.views.forms import agent_of

from .trial import messages_json


@require_safe
@negotiated
def message_detail(request: Request, pk: int, message: int) -> HttpResponse:
    """Return a message as it is now: as JSON, or as the piece of the page that shows it."""
    rows = ChatMessage.objects.owned_by(request.user).filter(agent=agent_of(request, pk))
    row: ChatMessage = get_object_or_404(rows.select_related("build__revision"), pk=message)
    if row.status in chat.UNFINISHED:
        load_partial(row)
    if wants_json(request):
        return success(message=messages_json([row])[0])
    context = {"message": row, "waiting": places.words_by_message([row])}
    return render(request, "_chat_message.html", context)
