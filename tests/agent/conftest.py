from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.drivers.agent_programs import Served, serving
from tests.standins.openai import OpenAIStandIn


@pytest.fixture(scope="module")
def module_model() -> Iterator[OpenAIStandIn]:
    """The model of the module's server."""
    with OpenAIStandIn() as model:
        yield model


@pytest.fixture(scope="module")
def served(module_model: OpenAIStandIn) -> Iterator[Served]:
    """One server for the module."""
    with serving(module_model) as server:
        yield server


@pytest.fixture
def model(module_model: OpenAIStandIn) -> OpenAIStandIn:
    """The model without the requests and replies of earlier tests."""
    module_model.asked.clear()
    module_model.replies.clear()
    return module_model
