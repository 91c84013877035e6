"""Read an OpenAPI 3.x document: JSON or YAML, its references inside it alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urljoin

import yaml

MAX_BYTES = 2 * 1024 * 1024
_MOST_REFERENCES = 20


class DocumentRefused(Exception):
    """The text is no OpenAPI document that can be used; the message is for people."""


@dataclass(frozen=True)
class OpenAPIDocument:
    """A document, and the address that it came from; empty if it was uploaded."""

    content: Mapping[str, Any]
    address: str = ""

    @property
    def title(self) -> str:
        return str(_mapping(self.content.get("info")).get("title", ""))[:100]

    def resolve(self, value: Any) -> Any:
        """Return what a reference leads to, or the value itself; None if it leads nowhere or outside."""
        for _ in range(_MOST_REFERENCES):
            if not isinstance(value, Mapping) or not isinstance(value.get("$ref"), str):
                return value
            value = self._at(value["$ref"])
        return None

    def _at(self, reference: str) -> Any:
        found: Any = self.content
        if not reference.startswith("#/"):
            return None
        for part in reference[2:].split("/"):
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            elif isinstance(found, Mapping) and name in found:
                found = found[name]
            else:
                return None
        return found

    def server(self, *holders: Any) -> str:
        """Return the address of the API: that of the first holder with servers, relative to the document."""
        for holder in (*holders, self.content):
            servers = _mapping(holder).get("servers")
            if isinstance(servers, list) and servers and isinstance(servers[0], Mapping):
                url = _filled(servers[0])
                return urljoin(self.address, url).rstrip("/") if self.address else url.rstrip("/")
        return urljoin(self.address, "/").rstrip("/") if self.address else ""

    def auth(self) -> tuple[str, str]:
        """Return how the first scheme that agents know sends its key: a kind, and a name."""
        schemes = _mapping(_mapping(self.content.get("components")).get("securitySchemes"))
        for given in schemes.values():
            scheme = _mapping(self.resolve(given))
            kind, place = scheme.get("type"), scheme.get("in")
            if kind == "apiKey" and place in ("header", "query"):
                return str(place), str(scheme.get("name", ""))
            if kind == "http" and str(scheme.get("scheme")).lower() in ("bearer", "basic"):
                return str(scheme["scheme"]).lower(), ""
            if kind in ("oauth2", "openIdConnect"):
                return "bearer", ""
        return "", ""


def read(text: str, address: str = "") -> OpenAPIDocument:
    """Return the document of a text. Raises DocumentRefused."""
    if len(text) > MAX_BYTES:
        raise DocumentRefused(f"The document is larger than {MAX_BYTES // 1024 // 1024} MB.")
    try:
        content = json.loads(text) if text.lstrip().startswith("{") else plain_yaml(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DocumentRefused("This is neither JSON nor YAML without aliases.") from error
    if not isinstance(content, Mapping):
        raise DocumentRefused("This is not an OpenAPI document.")
    if "swagger" in content:
        raise DocumentRefused("This is Swagger 2.0. Convert it to OpenAPI 3 first, with swagger2openapi.")
    if not str(content.get("openapi", "")).startswith("3."):
        raise DocumentRefused("This is not an OpenAPI 3 document: it does not say openapi: 3.…")
    return OpenAPIDocument(content, address)


def plain_yaml(text: str) -> Any:
    """Return the content of YAML that JSON could hold, without aliases.

    Raises YAMLError, ValueError and RecursionError.
    """
    loader = _Loader(text)
    try:
        content = loader.get_single_data()
        # Refuses what only a tag makes, such as !!binary, and integers too long to print.
        json.dumps(content)
    # PyYAML does not catch that `!!int ""`, `!!bool x` and `!!timestamp x` are not such values.
    except (LookupError, AttributeError, TypeError) as error:
        raise yaml.YAMLError("a value is not of its type, or of a type that JSON does not have") from error
    finally:
        loader.dispose()
    return content


class _Loader(yaml.SafeLoader):
    """Safe YAML without aliases, which can make much of little, and without dates."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not taken")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _filled(server: Mapping[str, Any]) -> str:
    """Return a server's address with its variables at their defaults."""
    url = str(server.get("url", ""))
    for name, variable in _mapping(server.get("variables")).items():
        url = url.replace("{" + str(name) + "}", str(_mapping(variable).get("default", "")))
    return url


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
