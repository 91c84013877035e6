"""Ask for streams as Schemathesis would; over a socket, as streams are not Django's."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from agentforge.live.streams import close_stream, publish
from agentforge.openapi.document import document
from tests.drivers.web_process import WebProcess
from tests.openapi.test_every_operation import CHECKS

from .test_streams import line

OPERATION = schemathesis.openapi.from_dict(document())["/live/"]["get"]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_answers_are_those_of_the_document(
    web: WebProcess, stream: str, signed_in: dict[str, str], mode: GenerationMode
) -> None:
    publish(stream, line("a"))
    # An open stream's answer does not end, and whoever reads it whole would wait for ever.
    close_stream(stream)

    @settings(
        max_examples=8,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATION.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        # With a channel that exists, a wrong question may be a right one.
        existing = [stream] if mode == GenerationMode.POSITIVE else []
        for channel in (case.query.get("channel"), *existing):
            case.query["channel"] = channel
            kwargs = case.as_transport_kwargs(base_url=web.url)
            # A wrong question may be wrong by its missing token.
            if mode == GenerationMode.POSITIVE or "Authorization" in kwargs["headers"]:
                kwargs["headers"] = {**kwargs["headers"], **signed_in}
            with requests.request(**kwargs, timeout=60) as response:
                case.validate_response(response, checks=CHECKS)

    ask()
