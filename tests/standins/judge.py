"""Stand in for a model that judges answers: a script decides, from the request as the judge gets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from .openai import OpenAIStandIn
from .replies import Text
from .server import Answer


@dataclass(frozen=True)
class Material:
    """What a judge is asked, and the id that its verdict has to repeat."""

    rubric: str
    questions: list[str]
    answer: str
    id: str


Script = Callable[[Material], str]


def says(passed: bool, reason: str = "So it is.") -> Script:
    """Return a script that gives a verdict in the form that is asked for."""
    return lambda material: json.dumps({"id": material.id, "pass": passed, "reason": reason})


class JudgeStandIn(OpenAIStandIn):
    def __init__(self) -> None:
        super().__init__()
        self.script: Script = says(True)
        self.judged: list[Material] = []

    def _completion(self, request: dict[str, Any], protocol: ModuleType) -> Answer:
        said = protocol.last_words(request)
        if said.startswith("{"):
            # The id stands after the object, out of the reach of what is in it.
            content, end = json.JSONDecoder().raw_decode(said)
            self.judged.append(Material(**content, id=said[end:].rsplit(" ", 1)[1].rstrip(".")))
        if not self.replies:
            self.replies.append(Text.of(self.script(self.judged[-1])))
        return super()._completion(request, protocol)
