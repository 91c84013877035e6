"""Read the OpenAPI document of an HTTP API, and show its operations to choose from."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from agentforge import outbound
from agentforge.accounts.throttling.acts import Act, performs
from agentforge.accounts.throttling.rate_limits import LimitReached, rate_limited
from agentforge.http import Request
from agentforge.negotiation import negotiated, posted, success, wants_json
from configs.forms.api_services import APIForm
from configs.keys.service_keys import save_service_key, service_key
from configs.models import AgentConfig
from configs.tools.offers import gone_tools, offered_operations
from configs.tools.openapi.document import MAX_BYTES, DocumentRefused, OpenAPIDocument, read
from configs.tools.openapi.operations import operations_of
from configs.tools.service_validation import clean_url
from configs.tools.services import API, PARTS

from .forms import agent_of
from .services import choice_page, entry_of, refuse_service


def _read_later(request: Request, refusal: LimitReached, /, pk: int) -> HttpResponse:
    form = APIForm(posted(request), request.FILES or None)
    form.add_error(None, str(refusal))
    return refuse_service(request, agent_of(request, pk), form)


@require_POST
@negotiated
@rate_limited("key tests", _read_later)
def api_test(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    form = APIForm(posted(request), request.FILES or None)
    if not form.is_valid():
        return refuse_service(request, agent, form)
    try:
        document = _document(agent, form)
    except (DocumentRefused, outbound.OutboundError) as error:
        form.add_error("address", str(error))
        return refuse_service(request, agent, form)
    except ValidationError as error:
        form.add_error("url", error)
        return refuse_service(request, agent, form)
    operations = operations_of(document)
    chosen = entry_of(agent, API, form.cleaned_data["name"]).get(PARTS[API], [])
    offered = offered_operations(form.cleaned_data["name"], operations, chosen)
    gone = gone_tools([{"name": each.name} for each in operations], chosen)
    if wants_json(request):
        auth, auth_name = document.auth()
        said = {"url": form.cleaned_data["url"], "auth": auth, "auth_name": auth_name}
        return success(**said, operations=[each.as_json() for each in offered], gone=gone)
    return choice_page(request, agent, form, offered, gone, _note(document, form))


def _note(document: OpenAPIDocument, form: APIForm) -> str:
    kind, name = document.auth()
    if not kind or form.cleaned_data["auth"]:
        return document.title
    key = f"{kind}, {name}" if name else kind
    return f"{document.title}. Its calls may need a key ({key}): read it again with the key."


@performs(Act.TEST_KEY)
def _document(agent: AgentConfig, form: APIForm) -> OpenAPIDocument:
    """Return the document of a form, and fill in what it says of the API; store a key that was given.

    Raises DocumentRefused, OutboundError, or ValidationError for an address that can't be used.
    """
    values = form.cleaned_data
    text = form.text or _fetched(values["address"])
    document = read(text, values["address"])
    values["url"] = values["url"] or clean_url(document.server())
    if not values["auth"] and (values["key"] or service_key(agent.owner_id, values["url"])):
        values["auth"], values["auth_name"] = document.auth()
    form.check_sending(values["url"])
    if values["key"]:
        save_service_key(agent.owner_id, values["url"], values["key"])
    return document


def _fetched(address: str) -> str:
    reply = outbound.fetch("GET", address, headers={"Accept": "application/json, */*"}, max_bytes=MAX_BYTES)
    if reply.status != 200:
        raise DocumentRefused(f"The address answered {reply.status}, not a document.")
    return reply.body.decode("utf-8-sig", "replace")
