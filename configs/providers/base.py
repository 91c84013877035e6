"""Say what every provider of language models has: where it is, how its key is tested, what it offers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from configs.choices import KeyStatus

from .key_prefixes import issuer

Api = Literal["openai", "anthropic"]


@dataclass(frozen=True)
class Outcome:
    """Tell how the test of a key ended: one of the six outcomes, in words, with the models offered."""

    status: KeyStatus
    detail: str
    models: tuple[str, ...] = field(default=())
    ms: int = 0

    @property
    def refused(self) -> bool:
        """Return whether the provider said that it does not accept this key."""
        return self.status == KeyStatus.INVALID


@dataclass(frozen=True)
class Provider:
    """Describe one provider; a subclass a module speaks its protocol."""

    code: str
    label: str
    api: Api
    key_env: str
    base_url_env: str
    key_hint: str = ""
    needs_key: bool = True
    asks_base_url: bool = False
    supports_tools: bool = True
    # Where a test costs its owner something, nobody tests unasked.
    free_check: bool = True

    @property
    def base_url(self) -> str:
        """Return the URL that the provider's API lies under, without a slash at its end."""
        return ""

    @property
    def unavailable(self) -> str:
        """Return why this installation does not offer the provider; empty when it does."""
        return ""

    def manifest(self, base_url: str = "", *, keyless: bool = False) -> dict[str, str]:
        """Return the provider's part of agent.json but for the model; `keyless` for a server without keys."""
        return {
            "code": self.code,
            "api": self.api,
            "base_url": base_url or self.base_url,
            "key_env": "" if keyless else self.key_env,
            "base_url_env": self.base_url_env,
        }

    def hint(self, key: str) -> str:
        """Say whose key this looks like when it looks like another provider's: a hint, no verdict."""
        other = issuer(key)
        return (
            f"This looks like a key of {other}, not of {self.label}." if other not in ("", self.label) else ""
        )

    def refusal(self, key: str) -> str:
        """Return why a key of this kind can't work at all; empty when it may."""
        return ""

    def check(self, key: str, base_url: str = "") -> Outcome:
        """Test a key by asking for the list of models; never raises for what the network does."""
        raise NotImplementedError
