"""The interface of a provider: its URL, how to test its keys, what it offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from configs.choices import KeyStatus

from .key_prefixes import issuer

Api = Literal["openai", "anthropic"]


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


@dataclass(frozen=True)
class Provider:
    """A provider; each module has a subclass that speaks its protocol."""

    code: str
    label: str
    api: Api
    key_env: str
    base_url_env: str
    key_hint: str = ""
    needs_key: bool = True
    asks_base_url: bool = False
    # A program on this machine, or the operator's: it has no keys, and says itself what it offers.
    is_local: bool = False
    supports_tools: bool = True
    # If a test costs the owner something, keys are tested only on request.
    free_check: bool = True

    @property
    def base_url(self) -> str:
        """Return the base URL of the provider's API, without a trailing slash."""
        return ""

    @property
    def unavailable(self) -> str:
        """Return why this installation does not offer the provider; empty if it does."""
        return ""

    def manifest(self, base_url: str = "", *, keyless: bool = False) -> dict[str, str]:
        """Return the provider's part of agent.json, without the model; a `keyless` server needs no key."""
        return {
            "code": self.code,
            "api": self.api,
            "base_url": base_url or self.base_url,
            "key_env": "" if keyless else self.key_env,
            "base_url_env": self.base_url_env,
        }

    def sentence(self, models: Sequence[str]) -> str:
        """Return what to expect of a provider that offers these models; empty if its name says it all."""
        return ""

    def hint(self, key: str) -> str:
        """Return a warning if this looks like another provider's key, which may be wrong."""
        other = issuer(key)
        return (
            f"This looks like a key of {other}, not of {self.label}." if other not in ("", self.label) else ""
        )

    def refusal(self, key: str) -> str:
        """Return why a key of this kind can never work; empty if it may."""
        return ""

    def check(self, key: str, base_url: str = "") -> Outcome:
        """Test a key by listing the models; network errors become an outcome."""
        raise NotImplementedError
