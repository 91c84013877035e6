"""A provider on the network: its address, and the test of a key that its entry describes.

`test` in an entry has the headers that a test sends, and what it asks for:

    key_header    the header with the key; by default Authorization, with the scheme Bearer
    headers       further headers
    proof         a request that only a right key is answered: http.Proof has the fields
    models        the list of models: http.ModelList has the fields

Paths are relative to the base URL, as links are to a page.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urljoin

from django.conf import settings

from configs.choices import KeyStatus

from . import http
from .base import Outcome, Provider


class RemoteProvider(Provider):
    @property
    def base_url(self) -> str:
        # Another address may be set for each: a company's gateway, or a stand-in in tests.
        override = getattr(settings, f"AGENTFORGE_{self.key_code.upper()}_URL", "")
        return override or settings.AGENTFORGE_PROVIDER_URLS.get(self.key_code, "") or self.address

    def check(self, key: str, base_url: str = "") -> Outcome:
        base_url = (base_url or self.base_url).rstrip("/")
        headers = dict(self.test.get("headers", {}))
        label = "The server" if self.key_optional else self.label
        models = self._list_of_models(label, base_url, headers, key)
        if "proof" not in self.test:
            return models.test()
        proof = http.Proof(label, **self._request("proof", base_url, headers, key))
        return self._with_models(proof.test(), models)

    def _list_of_models(self, label: str, base_url: str, headers: dict[str, str], key: str) -> http.ModelList:
        return http.ModelList(label, **self._request("models", base_url, headers, key))

    def _request(self, name: str, base_url: str, headers: dict[str, str], key: str) -> dict[str, Any]:
        section = dict(self.test[name])
        url = urljoin(f"{base_url}/", section.pop("path"))
        return {**section, "url": url, "headers": headers, "key": self._key_header(key)}

    def _key_header(self, key: str) -> dict[str, str]:
        if not key:
            return {}
        if name := self.test.get("key_header"):
            return {name: key}
        return {"Authorization": f"Bearer {key}"}

    @staticmethod
    def _with_models(proven: Outcome, models: http.ModelList) -> Outcome:
        """Return the outcome of a proof with the models, which a provider may list to everybody."""
        if proven.status != KeyStatus.VALID:
            return proven
        listed = replace(models, is_proof=False).test()
        ms = proven.ms + listed.ms
        if listed.status == KeyStatus.VALID:
            return replace(listed, ms=ms)
        return replace(proven, detail=f"{proven.detail} Its list of models is not known now.", ms=ms)
