"""At a real terminal: what was typed or pasted before a question does not answer it."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from tests.drivers.agent_programs import compiled, environment_for
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Call, Calls, Text

SUM = Calls((Call("calculator", {"expression": "6*7"}),))
QUESTION = r"Run it\? y ([a-z2-7]{3}): once.*instead: "
_SECONDS = 30


class Person:
    """Somebody at a terminal of an agent whose calculator asks first."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._unread = ""

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def see(self, pattern: str) -> re.Match[str]:
        """Wait until the screen shows a pattern; what it showed up to there counts as seen."""
        until = time.monotonic() + _SECONDS
        while not (match := re.search(pattern, self._unread, re.DOTALL)):
            ready, _, _ = select.select([self._descriptor], [], [], max(0, until - time.monotonic()))
            assert ready, self._unread
            self._unread += os.read(self._descriptor, 4096).decode()
        self._unread = self._unread[match.end() :]
        return match


@pytest.fixture
def person(model: OpenAIStandIn) -> Iterator[Person]:
    controller, terminal = pty.openpty()
    program = compiled("standalone", asking="calculator")
    with subprocess.Popen(
        [program], env=environment_for(model), stdin=terminal, stdout=terminal, stderr=terminal
    ) as process:
        os.close(terminal)
        try:
            yield Person(controller)
        finally:
            process.kill()
            process.wait()
            os.close(controller)


def results(model: OpenAIStandIn) -> list[str]:
    """Return what tools told the model in its last request."""
    return [m["content"] for m in model.asked[-1].json["messages"] if m["role"] == "tool"]


def test_lines_that_were_pasted_with_the_question_are_dropped(person: Person, model: OpenAIStandIn) -> None:
    model.replies.extend([SUM, Text.of("It is 42.")])
    person.see("> ")
    person.type("6*7?\ny\nno\nuse the abacus\nalw")
    word = person.see(QUESTION)[1]
    assert len(model.asked) == 1
    person.type(f"y {word}\n")
    person.see(r"It is 42\.")
    assert results(model) == ["42"]


def test_lines_that_were_typed_while_the_model_thought_are_dropped(
    person: Person, model: OpenAIStandIn
) -> None:
    model.replies.extend([SUM, Text.of("It is 42.")])
    person.see("> ")
    model.arrivals = threading.Semaphore(0)
    model.go_on.clear()
    person.type("6*7?\n")
    assert model.arrivals.acquire(timeout=_SECONDS)
    person.type("y\nnever\n")
    model.go_on.set()
    word = person.see(QUESTION)[1]
    person.type(f"a {word}\n")
    person.see(r"It is 42\.")
    assert results(model) == ["42"]


def test_the_rest_of_a_paste_that_comes_after_the_question_does_not_approve(
    person: Person, model: OpenAIStandIn
) -> None:
    model.replies.extend([SUM, Text.of("Not counted.")])
    person.see("> ")
    person.type("6*7?\n")
    person.see(QUESTION)
    person.type("y\nyes\nalways\n")
    for _ in range(3):
        person.see("add the word that the question shows")
    person.type("n\n")
    person.see(r"Not counted\.")
    (result,) = results(model)
    assert "declined" in result


def test_each_question_shows_another_word(person: Person, model: OpenAIStandIn) -> None:
    both = Calls((SUM.calls[0], Call("calculator", {"expression": "1+1"}, id="call_2")))
    model.replies.extend([both, Text.of("Done.")])
    person.see("> ")
    person.type("Count\n")
    word = person.see(QUESTION)[1]
    # The second line is there before the second question, with the first one's word.
    person.type(f"y {word}\ny {word}\n")
    person.see(QUESTION)
    person.type("n\n")
    person.see(r"Done\.")
    first, second = results(model)
    assert first == "42" and "declined" in second
