"""`python -m bench.recall` asks an agent's own search, and counts what it finds."""

from __future__ import annotations

import pytest

from bench import recall

LAMPS = "Lamps are lit at dusk by the keeper of the harbour.\n"
SHIPS = "A ship that arrives late waits outside until the morning.\n"
TEXTS = {"lamps.txt": LAMPS, "ships.txt": SHIPS}


def _asked(text: str, *queries: str) -> recall.Question:
    return recall.Question("words", "ships.txt", text, list(queries))


def test_ranks_are_counted_among_what_the_search_finds() -> None:
    asked = [
        _asked("arrives late", "which ship waits"),
        _asked("arrives late", "lamps at dusk of the harbour, a ship"),
        _asked("arrives late", "keeper"),
        _asked("arrives late", "keeper", "ship"),
    ]
    ranks, times = recall.measure(TEXTS, asked)
    assert ranks[:3] == [0, 1, None]
    assert ranks[3] in (0, 1)
    assert len(times) == len(asked)


@pytest.mark.parametrize("text", ["another edition", " "])
def test_a_passage_that_is_not_in_one_place_is_no_question(text: str) -> None:
    texts = {**TEXTS, "ships.txt": "\n\n".join([f"A ship. {'x' * 1700}"] * 2)}
    with pytest.raises(SystemExit, match="passages have"):
        recall.measure(texts, [_asked(text, "ship")])


def test_the_questions_are_complete_and_each_is_asked_once() -> None:
    asked = list(recall.questions(recall.QUESTIONS.read_text()))
    kinds = {each.kind for each in asked}
    assert kinds == {*recall.KINDS, "typos", "reworded"}
    queries = [tuple(each.queries) for each in asked]
    assert len(queries) == len(set(queries)) == len(kinds) * len({each.text for each in asked})


def test_typing_errors_swap_two_letters_of_long_words() -> None:
    assert recall.mistyped("the winged sphinx of 1000000") == "the winegd sphnix of 1000000"
