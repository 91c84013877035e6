"""Describe to scripts the addresses of agents and keys."""

from __future__ import annotations

from agentforge.openapi.operations import Operation, describe
from agentforge.openapi.schemas import (
    BOOLEAN,
    INTEGER,
    STRING,
    TIME,
    array,
    form_values,
    nullable,
    one_of,
    record,
)

from .choices import KeyStatus, RunStatus, Tab
from .forms import TAB_FORMS, IdentityForm, PersonalityForm
from .forms.agents import DeleteForm, SearchForm
from .forms.conflicts import SidesForm
from .forms.stored_key import KeyForm, NewKeyForm, RenameForm
from .providers import PROVIDERS

_AGENT = record(
    {
        "id": INTEGER,
        **dict.fromkeys(("name", "handle", "type", "version", "provider", "model", "key_trouble"), STRING),
    }
)
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
_MADE = {"id": INTEGER, "url": STRING}
_OUTCOME = {
    "id": nullable(INTEGER),
    "outcome": one_of(KeyStatus.values),
    "detail": STRING,
    "ms": nullable(INTEGER),
}
_PART = record({"source": STRING, "tab": one_of(Tab.values), "text": STRING})
_PROMPT = {"text": STRING, "tokens": INTEGER, "parts": array(_PART)}
_EDITION = {"edition": STRING}
_PROVIDER = {"provider": one_of(PROVIDERS)}
_ANY_KEY = "Which of the fields are needed depends on the provider."
_KEPT = (
    "What is left out keeps its value; an unknown field is refused. Sent with the `edition` that you got, "
    "values that somebody else saved in between are not overwritten: 409 holds both sides in `conflicts`."
)

describe(
    "configs:list",
    get=Operation(
        "List your agents", {"agents": array(_AGENT)}, query=SearchForm, parameters={"page": INTEGER}
    ),
)
describe(
    "configs:new",
    post=Operation(
        "Make an agent",
        {**_MADE, **form_values(IdentityForm)},
        201,
        forms=[IdentityForm],
        required=["name"],
    ),
)
for _tab, _form in TAB_FORMS.items():
    describe(
        f"configs:{_tab}",
        get=Operation(f"Get an agent's {Tab(_tab).label}", {**form_values(_form), **_EDITION}),
        post=Operation(
            f"Change an agent's {Tab(_tab).label}",
            {**form_values(_form), **_EDITION},
            forms=[_form],
            also=_EDITION,
            required=(),
            refusable=True,
            note=_KEPT,
        ),
    )
describe(
    "configs:resolve",
    post=Operation(
        "Save the chosen sides of a conflict",
        {"edition": STRING},
        forms=[SidesForm],
        path={"tab": one_of(Tab.values)},
        refusable=True,
        note="`choose_<field>` is yours or saved, for each field in which the sides differ.",
    ),
)
describe(
    "configs:model_field",
    get=Operation(
        "List the models that a provider offers",
        {
            "provider": STRING,
            "keys": array(record({"id": INTEGER, "name": STRING})),
            "models": array(STRING),
        },
        parameters={"provider": STRING, "api_key": INTEGER},
    ),
)
describe(
    "configs:personality_preset",
    post=Operation(
        "Get what a preset fills in; nothing is saved",
        form_values(PersonalityForm),
        forms=[PersonalityForm],
        required=["preset"],
    ),
)
describe(
    "configs:preview",
    get=Operation("Get the system prompt", _PROMPT),
    post=Operation(
        "Get the system prompt as it would be with other values; nothing is saved",
        _PROMPT,
        forms=list(TAB_FORMS.values()),
        required=(),
        parameters={"tab": one_of(Tab.values)},
    ),
)
describe(
    "configs:process",
    post=Operation(
        "Check all tabs; the stream tells how it goes",
        {"run": INTEGER, "status": one_of(RunStatus.values), "channel": STRING},
        202,
    ),
)
describe("configs:duplicate", post=Operation("Copy an agent", _MADE, 201))
describe("configs:delete", post=Operation("Delete an agent: its handle says which", forms=[DeleteForm]))
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
            "Test and add a key under a name of its own",
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
    post=Operation("Give a key another name", {"id": INTEGER, "name": STRING}, forms=[RenameForm]),
)
describe(
    "configs:stored_key_replace",
    post=Operation(
        "Test a key and put it in another's place", _OUTCOME, forms=[KeyForm], required=(), note=_ANY_KEY
    ),
)
describe("configs:stored_key_test", post=Operation("Test a key", _OUTCOME))
describe("configs:stored_key_remove", post=Operation("Remove a key"))
