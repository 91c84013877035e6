from __future__ import annotations

import pytest

from agentforge.accounts.models import User
from configs.forms import IdentityForm
from configs.forms.identity import SEMVER, suggest_handle
from configs.models import AgentConfig

VALID_VERSIONS = [
    "0.0.0",
    "1.2.3",
    "10.20.30",
    "1.1.2-prerelease+meta",
    "1.0.0-alpha.1",
    "1.0.0-alpha-a.b-c-somethinglong+build.1-aef.1-its-okay",
    "1.0.0-0A.is.legal",
    "1.0.0+0.build.1-rc.10000aaa-kk-0.1",
    "99999999999999999.0.0",
    "1.2.3----RC-SNAPSHOT.12.9.1--.12",
]
WRONG_VERSIONS = [
    "1",
    "1.2",
    "v1.2.3",
    "01.1.1",
    "1.01.1",
    "1.1.01",
    "1.2.3-0123",
    "1.2.3-0123.0123",
    "1.1.2+.123",
    "1.2.3-",
    "1.2.3+",
    "1.2.3-alpha..1",
    "1.2.3 ",
    "1.2.3\n",
    "-1.0.3-gamma",
    "1.2.3+a+b",
    "\u0661.\u0662.\u0663",
]


@pytest.mark.parametrize("version", VALID_VERSIONS)
def test_semantic_versions(version: str) -> None:
    assert SEMVER.match(version)


@pytest.mark.parametrize("version", WRONG_VERSIONS)
def test_what_is_no_semantic_version(version: str) -> None:
    assert not SEMVER.match(version)


@pytest.mark.parametrize(
    ("name", "taken", "handle"),
    [
        ("Ada Lovelace", set(), "ada-lovelace"),
        ("Ada", {"ada"}, "ada-2"),
        ("Ada", {"ada", "ada-2", "ada-3"}, "ada-4"),
        ("日本語", set(), "agent"),
        ("日本語", {"agent"}, "agent-2"),
        ("a_b  --c", set(), "a-b-c"),
        ("Zoë's café", set(), "zoes-cafe"),
        ("x" * 100, set(), "x" * 40),
        ("x" * 100, {"x" * 40}, "x" * 38 + "-2"),
    ],
)
def test_handle_is_suggested_from_the_name(name: str, taken: set[str], handle: str) -> None:
    assert suggest_handle(name, taken) == handle


def form_of(owner: User, **changed: str) -> IdentityForm:
    data = {"name": "Ada", "handle": "", "type": "analyst", "version": "1.0.0", **changed}
    return IdentityForm(data, instance=AgentConfig(owner=owner))


def test_handle_is_unique_for_its_owner_only(alice: User, bob: User) -> None:
    AgentConfig.objects.create(owner=alice, name="Ada", handle="ada")
    assert form_of(alice, handle="ada").errors["handle"] == ["Another agent of yours has this handle."]
    assert form_of(bob, handle="ada").is_valid()
    suggested = form_of(alice)
    assert suggested.is_valid()
    assert suggested.cleaned_data["handle"] == "ada-2"


@pytest.mark.parametrize("handle", ["Ada", "a b", "a--b", "-a", "a-", "a_b", "ä", "a/b", "..", "x" * 41])
def test_wrong_handles(alice: User, handle: str) -> None:
    assert "handle" in form_of(alice, handle=handle).errors


@pytest.mark.parametrize("name", ["", "Al", "x" * 101, "\u200b" * 5, "one\ntwo"])
def test_wrong_names(alice: User, name: str) -> None:
    assert "name" in form_of(alice, name=name).errors


def test_the_message_names_the_character_and_its_place(alice: User) -> None:
    assert form_of(alice, name="Ad\0a").errors["name"] == [
        "Character 3 is NUL (U+0000), which can't be used here: remove it."
    ]
