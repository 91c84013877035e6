"""The catalogue of providers: what the forge and its agents know of each, in one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("catalogue.json")
CATALOGUE: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
ENTRIES: dict[str, dict[str, Any]] = {entry["code"]: entry for entry in CATALOGUE["providers"]}
