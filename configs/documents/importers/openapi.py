"""An OpenAPI document: an agent that has the API's operations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.core.exceptions import ValidationError

from configs.tools.offers import offered_operations
from configs.tools.openapi.document import DocumentRefused, read
from configs.tools.openapi.operations import operations_of
from configs.tools.service_validation import clean_auth, clean_url, fits
from configs.tools.services import API

from .base import Foreign, clean_name, refuse

_MOST = 40
_NAME = "api"


def from_openapi(value: Mapping[str, Any]) -> Foreign:
    """Return an agent with the first operations of an API; those that send ask before they run."""
    try:
        document = read(json.dumps(value, default=str))
        url = clean_url(document.server())
    except DocumentRefused as error:
        raise refuse(str(error)) from error
    except ValidationError as error:
        raise refuse("The document does not say where the API is: give it a full address.") from error
    offered = offered_operations(_NAME, operations_of(document), [])
    usable = [each for each in offered if each.state != "refused"]
    if not usable:
        raise refuse("None of its operations can be a tool.")
    notes = [f"{each.name} was left out: {each.reason}" for each in offered if each.state == "refused"]
    service: dict[str, Any] = {"name": _NAME, "url": url, "operations": []}
    for each in usable:
        chosen = [*service["operations"], dict(each.part)]
        if len(chosen) > _MOST or not fits([{**service, "operations": chosen}]):
            notes.append(f"{each.name} was left out: choose it by hand, in place of another.")
        else:
            service["operations"] = chosen
    kind, name = document.auth()
    if kind:
        notes.append("Its calls may need a key: read the document again under Capabilities, with the key.")
        with suppress(ValidationError):
            service["auth"] = clean_auth(API, {"kind": kind, "name": name} if name else {"kind": kind})
    content = {
        "identity": {"name": clean_name(document.title, "Agent with an API")},
        "capabilities": {"tools": [API], "tool_settings": {API: {"services": [service]}}},
    }
    return Foreign(content, tuple(notes[:60]))
