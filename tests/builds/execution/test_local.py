import json

import pytest

from builds.execution import local
from configs.documents import document as documents

DOCUMENT = """
identity: {{name: Ada, handle: ada}}
provider:
  code: openai_compatible
  model: tiny
  base_url: https://models.example/v1
  needs_key: {needs_key}
personality: {{traits: [precise]}}
"""


@pytest.mark.parametrize(("needs_key", "key_env"), [("true", "AGENT_API_KEY"), ("false", "")])
def test_a_server_without_keys_is_asked_without_one(needs_key: str, key_env: str) -> None:
    document = documents.parse(DOCUMENT.format(needs_key=needs_key))
    provider = json.loads(local.canonical(document))["provider"]
    assert provider["key_env"] == key_env
