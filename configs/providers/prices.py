"""What the tokens of an answer cost, by the catalogue's dated list of prices or by the operator's.

A list has `as_of`, a date, and `models`: by provider and model the dollars for a million tokens that go in
and for a million that come out. A name stands for the versions of its model too: `gpt-4o` for
`gpt-4o-2024-08-06`.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from . import PROVIDERS
from .catalogue import CATALOGUE

_MILLION = 1_000_000
_VERSION = re.compile(r"-(latest|\d{4}-\d\d-\d\d|\d\d-\d{4}|\d{8}|\d{4})$")


class InvalidPrices(ValueError):
    """The operator's list of prices can't be read; the message says why."""


@dataclass(frozen=True)
class Cost:
    """Dollars, by the prices of a date."""

    dollars: float
    as_of: str

    @property
    def words(self) -> str:
        """Return the cost as a person reads it, as precise as is needed to tell it from nothing."""
        if self.dollars >= 0.01 or self.dollars == 0:
            return f"${self.dollars:.2f}"
        return f"${self.dollars:.2g}" if self.dollars >= 0.0001 else "less than $0.0001"


@dataclass(frozen=True)
class Price:
    """Dollars for a million tokens that go in and that come out, by a list of a date."""

    tokens_in: float
    tokens_out: float
    as_of: str

    def as_json(self) -> dict[str, float | str]:
        return {"input": self.tokens_in, "output": self.tokens_out, "as_of": self.as_of}


@dataclass(frozen=True)
class Used:
    """The tokens that one model of a provider counted."""

    provider: str
    model: str
    tokens_in: int
    tokens_out: int


def cost_of(used: Iterable[Used]) -> Cost | None:
    """Return what tokens cost together; None if the price of one of the models is not known."""
    total = 0.0
    for each in used:
        if not each.tokens_in and not each.tokens_out:
            continue
        price = price_of(each.provider, each.model)
        if price is None:
            return None
        total += (each.tokens_in * price.tokens_in + each.tokens_out * price.tokens_out) / _MILLION
    return Cost(total, _prices(settings.AGENTFORGE_PRICES)["as_of"])


def price_of(provider: str, model: str) -> Price | None:
    """Return what a provider's model costs; None if that is not known."""
    prices = _prices(settings.AGENTFORGE_PRICES)
    known = PROVIDERS.get(provider)
    listed = prices["models"].get(known.key_code if known else provider, {})
    for name in (model, _VERSION.sub("", model)):
        if name in listed:
            return Price(float(listed[name][0]), float(listed[name][1]), prices["as_of"])
    return None


def check(text: str) -> None:
    """Raise InvalidPrices if a list of prices can't be read."""
    _read(text)


@functools.lru_cache(maxsize=4)
def _prices(path: str) -> dict[str, Any]:
    return _read(Path(path).read_text(encoding="utf-8")) if path else CATALOGUE["prices"]


def _read(text: str) -> dict[str, Any]:
    try:
        prices: dict[str, Any] = json.loads(text)
        for models in prices["models"].values():
            for name, (tokens_in, tokens_out) in models.items():
                if not (float(tokens_in) >= 0 and float(tokens_out) >= 0):
                    raise InvalidPrices(f"the price of {name} is negative")
        return {"as_of": str(prices["as_of"]), "models": prices["models"]}
    except InvalidPrices:
        raise
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        shape = '{"as_of": "2026-01-24", "models": {"openai": {"gpt-4o": [2.5, 10]}}}'
        raise InvalidPrices(f"it is not of the form {shape}") from error
