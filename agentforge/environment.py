"""Reads settings from the environment and `.env`."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

import environ

from . import booleans, model_servers
from .local_model import LocalModel, parse
from .model_servers import InvalidServers, ModelServer

LOG_FORMATS = ("text", "json")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Environment(environ.Env):
    """django-environ's reader, whose booleans are strict and whose errors name the variable."""

    def local_model(self, var: str) -> LocalModel:
        """Return what a variable says of the model to serve; raises environ.ImproperlyConfigured."""
        try:
            return parse(self.str(var, default=""))
        except booleans.NotBoolean as error:
            raise environ.ImproperlyConfigured(str(error)) from None

    def model_servers(self, var: str, *, default: bool) -> tuple[ModelServer, ...]:
        """Return which model servers to look for; raises environ.ImproperlyConfigured."""
        try:
            return model_servers.parse(self.str(var, default=""), default=default)
        except InvalidServers as error:
            raise environ.ImproperlyConfigured(str(error)) from None

    def choice(self, var: str, *, choices: Sequence[str], default: str) -> str:
        """Return one of a few words; raises environ.ImproperlyConfigured for any other."""
        word = self.str(var, default=default).strip().lower() or default
        if word not in choices:
            raise environ.ImproperlyConfigured(f"{var} is {word!r}. Choose {' or '.join(choices)}.")
        return str(word)

    def networks(self, var: str, *, default: Sequence[str]) -> list[Network]:
        """Return networks in CIDR notation; raises environ.ImproperlyConfigured."""
        try:
            return [ipaddress.ip_network(text.strip()) for text in self.list(var, default=list(default))]
        except ValueError as error:
            raise environ.ImproperlyConfigured(f"{var}: {error}. Write 10.0.0.0/8,fd00::/8.") from None

    def _is_empty(self, var: str, cast: Any) -> bool:
        """Return whether a variable is set to nothing, which means unset; a list may have no entries."""
        return cast is not list and not str(self.ENVIRON.get(var, "-")).strip()

    def get_value(self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, **rest: Any) -> Any:
        """Return a variable's value; raises environ.ImproperlyConfigured if it can't be read."""
        try:
            if cast is bool:
                return booleans.parse(var, self.ENVIRON.get(var, ""), default=default)
            if self._is_empty(var, cast) and default is not environ.Env.NOTSET:
                return default
            return super().get_value(var, cast, default, **rest)
        except booleans.NotBoolean as error:
            raise environ.ImproperlyConfigured(str(error)) from None
        except ValueError as error:
            raise environ.ImproperlyConfigured(f"{var} can't be read: {error}") from None
