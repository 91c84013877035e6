"""What providers answered in a run, by what they were asked: kept once, and given again in the same order."""

from __future__ import annotations

import hashlib
import hmac
import json
import zlib
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from secrets import token_hex

from agentforge.redaction import Redactor, without_escapes

from .event_texts import event_texts

# Of all bodies; far more than answers take.
MOST_BYTES = 16 * 1024 * 1024
# Of a recording before it is compressed: JSON escapes quotation marks and line ends.
_MOST_TEXT = 4 * MOST_BYTES


class UnreadableTape(ValueError):
    """These bytes are no recording."""


@dataclass(frozen=True)
class ProviderAnswer:
    """The answer to one request: headers in lower case, and the body as text, as far as it came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str
    # The provider did not finish it.
    is_broken_off: bool = False


class Tape:
    """The answers of a run. The same request, asked again, has the next answer of its own."""

    def __init__(self, seed: str = "") -> None:
        self._seed = seed or token_hex(16)
        self._answers: dict[str, deque[ProviderAnswer]] = {}
        self._bytes = 0

    def id_of(self, text: str) -> str:
        """Return an id for a text, which nobody can guess and which a replay of this tape has again."""
        return hmac.new(self._seed.encode(), text.encode(errors="replace"), "sha256").hexdigest()[:16]

    def add(self, method: str, target: str, request: bytes, answer: ProviderAnswer) -> None:
        """Keep an answer, unless there are too many for a recording."""
        self._bytes += len(answer.body.encode())
        if self._bytes > MOST_BYTES:
            self._answers.clear()
            return
        self._answers.setdefault(_key(method, target, request), deque()).append(answer)

    def next(self, method: str, target: str, request: bytes) -> ProviderAnswer | None:
        """Return the next answer to a request; None if it has none, or no more."""
        answers = self._answers.get(_key(method, target, request))
        return answers.popleft() if answers else None

    def dumps(self, secrets: Sequence[str]) -> bytes:
        """Return the recording without secrets.

        Empty if there is nothing to keep, or too much, or a secret is spread over the events of an answer.
        """
        redact = Redactor(secrets)
        answers = {
            key: [replace(answer, body=redact(answer.body)) for answer in kept]
            for key, kept in self._answers.items()
        }
        texts = (text for kept in answers.values() for answer in kept for text in event_texts(answer.body))
        if not answers or any(redact.finds(without_escapes(text)) for text in texts):
            return b""
        rows = {key: [asdict(answer) for answer in kept] for key, kept in answers.items()}
        content = redact.within({"seed": self._seed, "answers": rows})
        text = json.dumps(content, ensure_ascii=False).encode()
        return zlib.compress(text) if len(text) <= _MOST_TEXT else b""

    @classmethod
    def loads(cls, content: bytes) -> Tape:
        """Return a recording. Raises UnreadableTape."""
        try:
            # No recording of ours is longer, so nothing can fill the memory.
            entries = json.loads(zlib.decompressobj().decompress(content, _MOST_TEXT))
            tape = cls(str(entries["seed"]))
            for key, answers in entries["answers"].items():
                tape._answers[key] = deque(
                    ProviderAnswer(
                        int(each["status"]),
                        tuple((str(name), str(value)) for name, value in each["headers"]),
                        str(each["body"]),
                        bool(each.get("is_broken_off")),
                    )
                    for each in answers
                )
        except (zlib.error, ValueError, LookupError, TypeError, AttributeError) as error:
            raise UnreadableTape("This is not a recording of an evaluation.") from error
        return tape


def _key(method: str, target: str, request: bytes) -> str:
    return hashlib.sha256(f"{method} {target}\n".encode() + request).hexdigest()
