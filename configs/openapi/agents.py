"""OpenAPI descriptions of the URLs of agents: their tabs, files, revisions and the trash."""

from __future__ import annotations

from agentforge.openapi.operations import Operation, describe
from agentforge.openapi.schemas import (
    INTEGER,
    STRING,
    TIME,
    array,
    form_values,
    mapping,
    nullable,
    one_of,
    record,
)
from agentforge.pagination import PageForm
from configs.choices import RunStatus, Tab
from configs.documents.schema import schema
from configs.forms import TAB_FORMS, IdentityForm, PersonalityForm
from configs.forms.agents import AgentListForm, DeleteForm
from configs.forms.conflicts import SidesForm
from configs.forms.documents import ImportForm
from configs.forms.files import AddFilesForm
from configs.forms.keys_tab import OffersForm
from configs.forms.new_agent import NewAgentForm
from configs.forms.personality import PresetForm
from configs.forms.revisions import ComparisonForm, RevisionNameForm
from configs.forms.search import SearchForm
from configs.models import FileState

_AGENT = record(
    {
        "id": INTEGER,
        **dict.fromkeys(("name", "handle", "type", "version", "provider", "model"), STRING),
        "updated_at": TIME,
        "archived_at": nullable(TIME),
        **dict.fromkeys(("key_trouble", "state", "status"), STRING),
    }
)
_CREATED = {"id": INTEGER, "url": STRING}
_PART = record({"source": STRING, "tab": one_of(Tab.values), "text": STRING})
_PROMPT = {"text": STRING, "tokens": INTEGER, "parts": array(_PART)}
_TRASHED = record(
    {
        **{"id": INTEGER, "name": STRING, "handle": STRING, "trashed_at": TIME, "goes_at": nullable(TIME)},
        **dict.fromkeys(("goes", "stays"), array(STRING)),
    }
)
_EDITION = {"edition": STRING}
_CONFLICT_NOTE = (
    "Omitted fields keep their values; unknown fields are refused. If you send the `edition` that you read, "
    "values saved in between are not overwritten: the response is 409, with both sides in `conflicts`."
)

describe(
    "configs:list",
    get=Operation("List your agents", {"agents": array(_AGENT)}, query=AgentListForm),
)
describe(
    "configs:search",
    get=Operation(
        "Search your agents, builds, deployments and keys, and the pages",
        {"results": array(record(dict.fromkeys(("kind", "label", "note", "url", "method"), STRING)))},
        query=SearchForm,
        note="Without `q`: what was changed last. `method` POST: the result is something that is done.",
    ),
)
describe(
    "configs:new",
    post=Operation(
        "Create an agent",
        {**_CREATED, **form_values(IdentityForm)},
        201,
        forms=[NewAgentForm],
        required=["name"],
    ),
)
describe(
    "configs:import",
    post=Operation(
        "Create an agent from a YAML or JSON document, or a file of another program",
        {**_CREATED, "handle": STRING, "notes": array(STRING)},
        201,
        forms=[ImportForm],
        required=["document"],
        note="`notes` says what differs from the document. Its schema is at /schemas/agent-1.json.",
    ),
)
describe(
    "configs:export",
    get=Operation("Get an agent as a YAML document", media="application/yaml", document=schema()),
)
describe(
    "configs:schema",
    get=Operation(
        "Get the JSON Schema of an agent's document",
        media="application/schema+json",
        document=mapping({}),
        public=True,
    ),
)
_FILE = record(
    {
        "id": INTEGER,
        **dict.fromkeys(("name", "sha256", "detail"), STRING),
        **dict.fromkeys(("size", "text_size", "passages"), INTEGER),
        "state": one_of(FileState.values),
        "created_at": TIME,
    }
)
_ALSO_READ = {Tab.KNOWLEDGE.value: {"files": array(_FILE)}}
for _tab, _form in TAB_FORMS.items():
    describe(
        f"configs:{_tab}",
        get=Operation(
            f"Get an agent's {Tab(_tab).label}",
            {**form_values(_form), **_EDITION, **_ALSO_READ.get(_tab, {})},
        ),
        post=Operation(
            f"Change an agent's {Tab(_tab).label}",
            {**form_values(_form), **_EDITION},
            forms=[_form],
            also=_EDITION,
            required=(),
            refusable=True,
            note=_CONFLICT_NOTE,
        ),
    )
describe(
    "configs:file_add",
    post=Operation(
        "Add a file to an agent, or several as multipart/form-data",
        {"files": array(_FILE), "refused": array(STRING)},
        201,
        forms=[AddFilesForm],
        required=["name", "text"],
        note="In multipart/form-data, send them as `added`. A worker reads each, which takes some seconds. "
        "`refused` says which were not added.",
    ),
)
describe("configs:file_remove", post=Operation("Remove a file from an agent"))
describe(
    "configs:file_download", get=Operation("Get a file as it was added", media="application/octet-stream")
)
describe(
    "configs:resolve",
    post=Operation(
        "Save the chosen sides of a conflict",
        {"edition": STRING},
        forms=[SidesForm],
        path={"tab": one_of(Tab.values)},
        refusable=True,
        note="For each field that differs, `choose_<field>` is yours or saved.",
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
            "fallback_provider": STRING,
            "fallback_models": array(STRING),
        },
        query=OffersForm,
    ),
)
describe(
    "configs:personality_preset",
    post=Operation(
        "Get the values of a preset; nothing is saved",
        form_values(PersonalityForm),
        forms=[PresetForm],
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
        parameters={"tab": one_of(["", *Tab.values])},
    ),
)
describe(
    "configs:process",
    post=Operation(
        "Validate all tabs; the stream reports progress",
        {"run": INTEGER, "status": one_of(RunStatus.values), "channel": STRING},
        202,
    ),
)
_CHANGES = array(record({"field": STRING, "before": STRING, "after": STRING}))
describe(
    "configs:revisions",
    get=Operation(
        "List an agent's revisions, newest first, each with what it changed",
        {
            "revisions": array(
                record(
                    {
                        "number": INTEGER,
                        **dict.fromkeys(("name", "author", "sha256"), STRING),
                        "created_at": TIME,
                        "changes": nullable(_CHANGES),
                    }
                )
            )
        },
        query=PageForm,
        note="`author` is who made it, and with which API token.",
    ),
)
describe(
    "configs:revision_rename",
    post=Operation("Name a revision", {"name": STRING}, forms=[RevisionNameForm], required=()),
)
describe(
    "configs:revision",
    get=Operation(
        "Compare a revision with the draft or, by its number in `against`, with another one",
        {"changes": _CHANGES, "before": STRING, "after": STRING},
        query=ComparisonForm,
        note="`before` and `after` are the system prompts.",
    ),
)
describe(
    "configs:restore",
    post=Operation(
        "Make a revision the draft again",
        {"kept": nullable(INTEGER)},
        note="`kept` is the number of the revision that holds what was the draft before.",
    ),
)
describe("configs:duplicate", post=Operation("Copy an agent", _CREATED, 201))
describe("configs:archive", post=Operation("Take an agent out of the list"))
describe("configs:unarchive", post=Operation("Put an archived agent back into the list"))
describe(
    "configs:delete",
    post=Operation("Move an agent to the trash, and cancel what is under way", {"ended": array(STRING)}),
)
describe("configs:trash", get=Operation("List the trash", {"agents": array(_TRASHED)}))
describe("configs:trash_restore", post=Operation("Restore an agent", {**_CREATED, "handle": STRING}))
describe(
    "configs:trash_delete",
    post=Operation("Delete an agent out of the trash, confirmed by its handle", forms=[DeleteForm]),
)
