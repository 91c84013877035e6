"""The interface of a provider: its URL, how to test its keys, what it offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

from configs.choices import KeyStatus

from .key_prefixes import issuer

Api = Literal["openai", "responses", "anthropic"]


@dataclass(frozen=True)
class Outcome:
    """The outcome of a key test, in words, with the models offered."""

    status: KeyStatus
    detail: str
    models: tuple[str, ...] = field(default=())
    ms: int = 0

    @property
    def refused(self) -> bool:
        """Return whether the provider rejected this key."""
        return self.status == KeyStatus.INVALID


@dataclass(frozen=True, eq=False)
class Provider:
    """A provider, by its entry in the catalogue; a subclass tests its keys. Equal only to itself."""

    code: str
    label: str
    api: Api
    base_url_env: str
    # Of the provider's own service; empty if the user or this machine says where it is.
    address: str = ""
    key_env: str = ""
    key_hint: str = ""
    # A key that begins so is this provider's; one that begins so can never work, and why.
    key_prefixes: Sequence[str] = ()
    refused_keys: Mapping[str, str] = field(default_factory=dict)
    key_optional: bool = False
    # Another provider whose keys and address serve this one, too.
    keys_of: str = ""
    description: str = ""
    asks_base_url: bool = False
    base_url_hint: str = ""
    # A program on this machine, or the operator's: it has no keys, and says itself what it offers.
    is_local: bool = False
    supports_tools: bool = True
    # What its API takes as the form of an answer: a JSON Schema ("schema"), or only that it is an object.
    structured_output: Literal["schema", "object"] = "schema"
    # The models that take images, as patterns of their names.
    images: Sequence[str] = ()
    # If a test costs the owner something, keys are tested only on request.
    free_check: bool = True
    # How requests differ from those of its API: agent/config/config.go has the fields.
    request: Mapping[str, Any] = field(default_factory=dict)
    # How a key is tested: configs/providers/remote.py has the fields.
    test: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key_code(self) -> str:
        """Return the code that this provider's keys are stored under."""
        return self.keys_of or self.code

    @property
    def needs_key(self) -> bool:
        return not (self.is_local or self.key_optional)

    @property
    def base_url(self) -> str:
        """Return the base URL of the provider's API, without a trailing slash."""
        return self.address

    @property
    def unavailable(self) -> str:
        """Return why this installation does not offer the provider; empty if it does."""
        return ""

    def manifest(self, base_url: str = "", *, keyless: bool = False) -> dict[str, Any]:
        """Return the provider's part of agent.json, without the model; a `keyless` server needs no key."""
        section: dict[str, Any] = {
            "code": self.code,
            "api": self.api,
            "base_url": base_url or self.base_url,
            "key_env": "" if keyless else self.key_env,
            "base_url_env": self.base_url_env,
        }
        return {**section, "request": dict(self.request)} if self.request else section

    def takes_images(self, model: str) -> bool:
        """Return whether a model takes images by the catalogue; a server may refuse them still."""
        return any(fnmatchcase(model.lower(), pattern) for pattern in self.images)

    def sentence(self, models: Sequence[str]) -> str:
        """Return what to expect of a provider that offers these models; empty if its name says it all."""
        return self.description

    def hint(self, key: str) -> str:
        """Return a warning if this looks like another provider's key, which may be wrong."""
        other = issuer(key)
        # Of a compatible server no prefix is wrong: it may belong to anybody.
        if self.key_optional or other in ("", self.label):
            return ""
        return f"This looks like a key of {other}, not of {self.label}."

    def refusal(self, key: str) -> str:
        """Return why a key of this kind can never work; empty if it may."""
        return next((reason for prefix, reason in self.refused_keys.items() if key.startswith(prefix)), "")

    def check(self, key: str, base_url: str = "") -> Outcome:
        """Test a key by listing the models; network errors become an outcome."""
        raise NotImplementedError
