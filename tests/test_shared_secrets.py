"""What all machines of a forge share: given as a variable, or made once as a file."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from agentforge.accounts.identity.signing_key import signing_key
from agentforge.shared_secrets import IDENTITY, TABLE, SharedSecret, fingerprint


@pytest.mark.parametrize("secret", TABLE, ids=lambda secret: secret.variable)
def test_a_secret_is_made_once_and_for_its_owner_alone(secret: SharedSecret, tmp_path: Path) -> None:
    first = secret.stored_or_new(tmp_path)
    assert first and secret.stored_or_new(tmp_path) == first
    assert secret.path(tmp_path).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == [secret.file]
    assert fingerprint(secret, first) != fingerprint(secret, secret.generate())


def test_the_identity_key_can_be_given(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR, settings.AGENTFORGE_IDENTITY_KEY = tmp_path, ""
    made = signing_key().kid
    pem = IDENTITY.stored(tmp_path)
    settings.VAR_DIR = tmp_path / "another machine"
    for form in (pem, pem.replace("\n", "\\n"), base64.b64encode(pem.encode()).decode()):
        settings.AGENTFORGE_IDENTITY_KEY = form
        assert signing_key().kid == made
    assert not (tmp_path / "another machine").exists()
    settings.AGENTFORGE_IDENTITY_KEY = "nonsense"
    with pytest.raises(ValueError, match="AGENTFORGE_IDENTITY_KEY") as refused:
        signing_key()
    assert "nonsense" not in str(refused.value)
