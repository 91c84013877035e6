"""Measure how often an agent's search finds the passage that answers a question.

`python -m bench.recall DIRECTORY` reads the books that recall.toml names, as Project Gutenberg has them
(and GITenberg: github.com/GITenberg/…_1661), from a directory, and asks the questions in there.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentforge import child_environment
from agentforge.launch.lint import GO, GO_OFFLINE
from configs.knowledge.extraction.plain import plain_text

from .stage import ROOT

QUESTIONS = ROOT / "bench" / "recall.toml"
SEARCHER = ROOT / "bench" / "searcher"
KINDS = ("words", "inflected", "misspelt", "synonyms", "paraphrase")
DEPTHS = (1, 5, 10)
# What Project Gutenberg adds to a text.
_FRAME = re.compile(r"\*\*\* ?START OF[^\n]*\n(.*?)\*\*\* ?END OF", re.DOTALL)
# A shorter word is left as it is; the letters after its middle change places.
_SHORTEST_TYPO = 5


@dataclass(frozen=True)
class Question:
    """One search, and the passage that answers it: a file and words that only this passage has."""

    kind: str
    file: str
    text: str
    queries: list[str]


@dataclass(frozen=True)
class Answer:
    """The texts of the passages that a search found, the best first, and how long it took."""

    passages: list[str]
    milliseconds: float


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("Usage: python -m bench.recall DIRECTORY")
    asked = list(questions(QUESTIONS.read_text()))
    texts = {name: book(Path(sys.argv[1], name)) for name in sorted({each.file for each in asked})}
    ranks, times = measure(texts, asked)
    for kind in dict.fromkeys(each.kind for each in asked):
        _print(kind, [rank for rank, each in zip(ranks, asked, strict=True) if each.kind == kind])
    times.sort()
    facts = {"p99": round(times[len(times) * 99 // 100], 2), "load": round(os.getloadavg()[0], 1)}
    print(json.dumps({"figure": "search_ms", "value": round(statistics.median(times), 2), **facts}))


def questions(document: str) -> Iterator[Question]:
    """Yield the questions about each passage: of each kind, mistyped, and with a model's rewordings."""
    for passage in tomllib.loads(document)["passage"]:
        file, text = passage["file"], passage["text"]
        for kind in KINDS:
            yield Question(kind, file, text, [passage[kind]])
        yield Question("typos", file, text, [mistyped(passage["words"])])
        yield Question("reworded", file, text, [passage["paraphrase"], *passage["reworded"]])


def mistyped(words: str) -> str:
    """Return words with two neighbouring letters swapped in each long one."""
    return " ".join(_swapped(word) if len(word) >= _SHORTEST_TYPO else word for word in words.split())


def _swapped(word: str) -> str:
    middle = len(word) // 2
    return f"{word[:middle]}{word[middle + 1]}{word[middle]}{word[middle + 2 :]}"


def book(path: Path) -> str:
    """Return the text of a book without what Project Gutenberg adds."""
    text = path.read_text(encoding="latin-1")
    frame = _FRAME.search(text)
    return frame[1] if frame else text


def measure(texts: Mapping[str, str], asked: Sequence[Question]) -> tuple[list[int | None], list[float]]:
    """Return where each question's passage is among the found ones, from 0, or None, and the milliseconds.

    Raises SystemExit if a passage is not in exactly one place of its text.
    """
    documents = {name: plain_text(text).chunks() for name, text in texts.items()}
    passages = [_passage(each, documents[each.file]) for each in asked]
    answers = _search(documents, [each.queries for each in asked])
    ranks = [
        answer.passages.index(passage) if passage in answer.passages else None
        for answer, passage in zip(answers, passages, strict=True)
    ]
    return ranks, [answer.milliseconds for answer in answers]


def _passage(question: Question, chunks: Iterable[Mapping[str, str]]) -> str:
    texts = [_spaced(chunk["text"]) for chunk in chunks]
    having = [text for text in texts if question.text in text]
    if len(having) != 1:
        raise SystemExit(f"{question.file}: {len(having)} passages have {question.text!r}. Another edition?")
    return having[0]


def _search(documents: Mapping[str, object], searches: Iterable[list[str]]) -> list[Answer]:
    """Return what a program with the agent's own search finds."""
    with tempfile.TemporaryDirectory(prefix="agentforge-recall-") as name:
        program, path = Path(name, "searcher"), Path(name, "documents.json")
        environment = {**child_environment.for_programs(), **GO_OFFLINE, "CGO_ENABLED": "0"}
        subprocess.run([GO, "build", "-o", program, "."], cwd=SEARCHER, env=environment, check=True)
        path.write_text(json.dumps([{"name": name, "chunks": each} for name, each in documents.items()]))
        lines = "".join(f"{json.dumps(queries)}\n" for queries in searches)
        done = subprocess.run([program, path], input=lines, stdout=subprocess.PIPE, text=True, check=True)
    return [_answer(line) for line in done.stdout.splitlines()]


def _answer(line: str) -> Answer:
    read = json.loads(line)
    return Answer([_spaced(passage["Text"]) for passage in read["passages"]], read["ms"])


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _print(kind: str, ranks: list[int | None]) -> None:
    """Print how many percent of the answers are among the first found, and the mean reciprocal rank."""
    found = [rank for rank in ranks if rank is not None]
    recall = {f"at_{depth}": round(100 * sum(r < depth for r in found) / len(ranks)) for depth in DEPTHS}
    mrr = round(sum(1 / (rank + 1) for rank in found) / len(ranks), 2)
    facts = {"mrr": mrr, "questions": len(ranks)}
    print(json.dumps({"figure": "recall_percent", "of": kind, **recall, **facts}), flush=True)


if __name__ == "__main__":
    main()
