"""OpenAPI descriptions of the URLs of keys."""

from __future__ import annotations

from agentforge.openapi.operations import Operation, describe
from agentforge.openapi.schemas import (
    BOOLEAN,
    INTEGER,
    STRING,
    TIME,
    array,
    nullable,
    one_of,
    record,
)
from configs.choices import KeyStatus
from configs.forms.stored_key import KeyForm, NewKeyForm, RenameForm
from configs.providers import PROVIDERS

_KEY = record(
    {
        "id": INTEGER,
        **dict.fromkeys(("provider", "name", "base_url", "last_four", "fingerprint"), STRING),
        "status": one_of(KeyStatus.values),
        "status_detail": STRING,
        "checked_at": nullable(TIME),
        "check_ms": nullable(INTEGER),
        "needs_reentry": BOOLEAN,
        "agents": array(record({"id": INTEGER, "name": STRING})),
    }
)
_OUTCOME = {
    "id": nullable(INTEGER),
    "outcome": one_of(KeyStatus.values),
    "detail": STRING,
    "ms": nullable(INTEGER),
}
_PROVIDER = {"provider": one_of(PROVIDERS)}
_ANY_KEY = "Which fields are required depends on the provider."

describe("configs:key_list", get=Operation("List your keys, without the keys", {"keys": array(_KEY)}))
describe(
    "configs:key_save",
    post=Operation(
        "Test and save the key that the agent uses",
        _OUTCOME,
        forms=[KeyForm],
        required=(),
        path=_PROVIDER,
        note=_ANY_KEY,
    ),
)
for _name in ("configs:key_add", "configs:stored_key_add"):
    describe(
        _name,
        post=Operation(
            "Test and add a key under its own name",
            _OUTCOME,
            forms=[NewKeyForm],
            required=["name"],
            path=_PROVIDER,
            note=_ANY_KEY,
        ),
    )
describe("configs:key_test", post=Operation("Test the key that the agent uses", _OUTCOME, path=_PROVIDER))
describe("configs:key_remove", post=Operation("Remove the key that the agent uses", path=_PROVIDER))
describe(
    "configs:stored_key_rename",
    post=Operation("Rename a key", {"id": INTEGER, "name": STRING}, forms=[RenameForm]),
)
describe(
    "configs:stored_key_replace",
    post=Operation(
        "Test a key and replace the stored one", _OUTCOME, forms=[KeyForm], required=(), note=_ANY_KEY
    ),
)
describe("configs:stored_key_test", post=Operation("Test a key", _OUTCOME))
describe("configs:stored_key_remove", post=Operation("Remove a key"))
