"""A build's log: its index, pages, search and limits."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from agentforge.accounts.models import User
from agentforge.live import streams
from agentforge.live.writer import StreamWriter
from builds.compiler import processes
from builds.logs.build_log import LONGEST_LINE, BuildLog, Record, redactor
from builds.logs.index import AFTER, BEFORE, index_of, read_lines
from builds.logs.pages import PAGE_LINES, log_page, page_of
from builds.logs.search import search
from builds.models import Build
from builds.services import enqueue_build
from configs.models import AgentConfig
from tests.drivers.pages import shown

pytestmark = pytest.mark.django_db


def line(text: str, stream: str = "out", **more: Any) -> dict[str, Any]:
    return {"kind": "line", "stream": stream, "text": text, **more}


@pytest.fixture
def build(agent: AgentConfig, alice: User) -> Build:
    build: Build = enqueue_build(agent, by=alice)
    streams.delete_stream(build.stream_name)
    streams.create_stream(build.stream_name, alice.pk)
    return build


def publish(build: Build, records: Sequence[dict[str, Any]], portion: int = 7) -> None:
    """Publish records in several chunks."""
    for start in range(0, len(records), portion):
        streams.publish(build.stream_name, *records[start : start + portion])


def mixed(count: int = 60) -> list[dict[str, Any]]:
    """Return the records of two sections that write at the same time, with lines before and after them."""
    records = [line("first of all")]
    for name in ("a", "b"):
        records.append({"kind": "section", "name": name, "state": "running"})
    for number in range(count):
        name = "ab"[number % 3 == 0]
        records.append(line(f"{name} {number}", "err" if number % 5 == 0 else "out", section=name))
    records.append({"kind": "section", "name": "a", "state": "done", "ms": 5})
    records.append({"kind": "section", "name": "b", "state": "failed", "ms": 7})
    return [*records, line("last of all", "sys", mark=True)]


def test_the_index_knows_every_line_of_every_part(build: Build) -> None:
    records = mixed()
    publish(build, records)
    index = index_of(build.stream_name)
    texts = [record["text"] for record in records if record["kind"] == "line"]
    assert [row["text"] for row in read_lines(index, 1, 1000)] == texts
    assert [(part.number, part.name, part.state, part.ms) for part in index.parts] == [
        (BEFORE, "", "", None),
        (1, "a", "done", 5),
        (2, "b", "failed", 7),
        (AFTER, "", "", None),
    ]
    for part in index.parts:
        for errors in (False, True):
            whole = read_lines(index, 1, 1000, part=part.number, errors=errors)
            assert len(whole) == part.size(errors=errors)
            assert [row["i"] for row in whole] == list(range(1, len(whole) + 1))
            for first in range(1, len(whole) + 1):
                some = read_lines(index, first, first + 3, part=part.number, errors=errors)
                assert some == whole[first - 1 : first + 3]
    stderr = [row["n"] for row in read_lines(index, 1, 1000) if row["stream"] == "err"]
    assert [row["n"] for row in read_lines(index, 3, 6, errors=True)] == stderr[2:6]


def test_the_index_goes_on_with_the_log(build: Build) -> None:
    records = mixed()
    for at, record in enumerate(records, 1):
        streams.publish(build.stream_name, record)
        index = index_of(build.stream_name)
        assert index.position == at
        assert index.lines == sum(part.lines for part in index.parts) == len(read_lines(index, 1, 1000))


def test_every_line_is_on_one_page_and_the_page_of_a_line_is_known(build: Build) -> None:
    publish(build, mixed(3 * PAGE_LINES), portion=100)
    index = index_of(build.stream_name)
    pages = [log_page(index, number) for number in range(1, log_page(index, 1).last + 1)]
    shown = [[row["n"] for part in page.parts for row in part.lines] for page in pages]
    assert sorted(number for page in shown for number in page) == list(range(1, index.lines + 1))
    assert len(pages) == 4
    for number in (1, 2, 700, index.lines):
        assert number in shown[page_of(index, number) - 1]


def test_a_search_looks_through_colours_and_whatever_the_case(build: Build) -> None:
    publish(build, [line("plain"), line("N\x1b[31mEE\x1b[0mDLE"), line('a "needle" \\ é'), line("no")])
    index = index_of(build.stream_name)
    assert [row["n"] for row in search(index, "needle").lines] == [2, 3]
    assert [row["n"] for row in search(index, '"NEEDLE" \\ É').lines] == [3]
    assert search(index, "31m").total == 0


def test_scripts_get_ranges_and_hits(browser: Client, build: Build) -> None:
    publish(build, mixed())
    url = reverse("builds:log_lines", args=[build.pk])
    accept = {"accept": "application/json"}
    answer = browser.get(url, {"from": 2, "to": 3}, headers=accept).json()
    assert [(row["n"], row["section"]) for row in answer["lines"]] == [(2, "b"), (3, "a")]
    assert answer["log"]["lines"] == 62
    result = browser.get(url + "search/", {"q": "last of"}, headers=accept).json()
    assert (result["total"], result["hits"]) == (1, [[62, -1, 1]])
    assert browser.get(url, {"from": 0}, headers=accept).status_code == 422
    assert browser.get(url, {"from": 62}).headers["Location"].endswith("?page=1#L62")
    page = browser.get(url + "search/", {"q": "last of"}).content.decode()
    assert f"{build.get_absolute_url()}?page=1#L62" in page


def test_a_page_shows_sections_colours_and_nothing_that_was_smuggled(browser: Client, build: Build) -> None:
    hostile = "\x1b[31m<b>red</b>\x1b[0m\x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07\x1b[2J\x08"
    publish(build, [*mixed(), line(hostile)])
    page = shown(browser.get(build.get_absolute_url()))
    assert '<span class="sgr-fg-1">&lt;b&gt;red&lt;/b&gt;</span>link</span>' in page
    assert "javascript:" not in page
    assert "\x1b" not in page
    assert page.count('<details class="log-section"') == 2
    assert 'data-name="b" data-part-state="failed"' in page


def test_a_found_line_tells_how_long_after_the_first_line_it_came(browser: Client, build: Build) -> None:
    publish(build, [line("first", t=1000.0), line("needle", t=1003.5)])
    url = reverse("builds:log_search", args=[build.pk])
    assert 'title="3.50 s after the first line">00:16:43.500</time>' in shown(
        browser.get(url, {"q": "needle"})
    )


def test_the_lines_of_a_log_cost_less_than_the_rest_of_the_page(browser: Client, build: Build) -> None:
    def cost() -> float:
        """Return the seconds of this thread that the page takes, at best of five."""
        browser.get(build.get_absolute_url())
        seconds = []
        for _ in range(5):
            started = time.thread_time()
            assert browser.get(build.get_absolute_url()).status_code == 200
            seconds.append(time.thread_time() - started)
        return min(seconds)

    publish(build, [line("alone")])
    rest = cost()
    publish(build, [line(f"example.org/package{number}") for number in range(PAGE_LINES)], PAGE_LINES)
    assert cost() < 2 * rest


def test_the_file_of_a_log_holds_no_escapes_and_may_be_kept(browser: Client, build: Build) -> None:
    publish(build, [line("\x1b[31mred\x1b[0m\x1b[2J", t=0)])
    answer = browser.get(reverse("builds:log", args=[build.pk]) + "?download")
    assert answer["Content-Disposition"] == f'attachment; filename="build-{build.pk}.log"'
    assert b"".join(answer) == b"1970-01-01T00:00:00.000Z out red\n"


def test_sections_may_be_open_at_the_same_time() -> None:
    records: list[Record] = []
    log = BuildLog(records.append)
    with pytest.raises(ZeroDivisionError), log.section("a") as a, log.section("b") as b:
        a.line("out", "1")
        with b.step("Compile"):
            b.line("err", "2")
        b.state = "cached"
        raise ZeroDivisionError
    assert [(record["kind"], record.get("section")) for record in records[2:-2]] == [
        ("line", "a"),
        ("step", "b"),
        ("line", "b"),
        ("step", "b"),
    ]
    assert [step["state"] for step in b.steps] == ["done"]
    assert (a.steps, log.steps) == ([], [])
    ends = [record for record in records if record["kind"] == "section" and "ms" in record]
    assert [(record["name"], record["state"]) for record in ends] == [("b", "failed"), ("a", "failed")]


async def test_a_noisy_process_is_cut_and_its_end_is_kept(settings: LazySettings, tmp_path: Path) -> None:
    settings.BUILD_LOG_LINES, settings.BUILD_LOG_TAIL = 1000, 50
    records: list[Record] = []
    log = BuildLog(records.append)
    script = "for number in range(200_000): print(number)\nprint('the last words')"
    with log.step("Run"):
        await processes.run(
            [sys.executable, "-c", script],
            directory=tmp_path,
            environment={},
            seconds=60,
            output_bytes=8 * 1024 * 1024,
            on_lines=log.lines,
        )
    texts = [str(record["text"]) for record in records if record["kind"] == "line"]
    assert texts[:1000] == [str(number) for number in range(1000)]
    assert "has reached its limit" in texts[1000]
    assert texts[1001] == "198,951 lines were omitted here; the last 50 follow."
    assert texts[1002:] == [*(str(number) for number in range(199_951, 200_000)), "the last words"]
    assert records[-1]["kind"] == "step"
    log.info("after it")
    assert records[-1]["text"] == "after it"


def test_bytes_count_as_well_and_a_long_line_is_cut(settings: LazySettings) -> None:
    settings.BUILD_LOG_MB = 1
    records: list[Record] = []
    log = BuildLog(records.append)
    log.line("out", "x" * (LONGEST_LINE + 5))
    assert records == [line(f"{'x' * LONGEST_LINE} … (cut here: 5 more characters)")]
    for _ in range(100):
        log.line("out", "y" * LONGEST_LINE)
    log.close()
    assert len(records) == 1 + 63 + 1 + 37
    assert sum("mark" in record for record in records) == 1


def test_sections_share_one_limit_and_keep_each_its_end(settings: LazySettings) -> None:
    settings.BUILD_LOG_LINES, settings.BUILD_LOG_TAIL = 10, 2
    records: list[Record] = []
    log = BuildLog(records.append)
    with log.section("a") as a, log.section("b") as b:
        for number in range(20):
            a.line("out", f"a {number}")
            b.line("out", f"b {number}")
    for name in "ab":
        texts = [str(record["text"]) for record in records if record.get("section") == name]
        assert len(texts) == 5 + 2 + 2
        assert texts[-2:] == [f"{name} 18", f"{name} 19"]


def test_secrets_are_blanked_before_they_are_cut_left_out_or_wrapped(settings: LazySettings) -> None:
    settings.BUILD_LOG_LINES = 3
    secret = "sk-0123456789abcdef"
    records: list[Record] = []
    log = BuildLog(records.append, redactor([secret]))
    log.line("out", "x" * (LONGEST_LINE - 5) + secret)
    log.lines("err", ["key " + secret[:10], secret[10:]])
    log.lines("err", ["key " + secret[:10], secret[10:]])
    with log.step(f"Use {secret}"):
        log.info(f"at {secret}")
    log.replay({"kind": "line", "stream": "out", "text": secret})
    log.close()
    whole = json.dumps(records)
    assert not any(secret[start : start + 5] in whole for start in range(len(secret) - 4))


@pytest.mark.parametrize("path", ["/builds/{}/log.txt", "/admin/builds/build/{}/log/"])
def test_a_log_is_sent_as_text_in_few_pieces(
    client_of: Callable[[User], Client], build: Build, alice: User, olga: User, path: str
) -> None:
    texts = [f"line {number} é" for number in range(9_000)]
    for start in range(0, len(texts), 50):
        records = [line(text, t=1_700_000_000.999 + start) for text in texts[start : start + 50]]
        streams.publish(build.stream_name, {"kind": "step", "name": "x", "state": "running"}, *records)
    reader = olga if "admin" in path else alice
    answer = client_of(reader).get(path.format(build.pk))
    pieces = [bytes(piece) for piece in answer]
    assert min(len(piece) for piece in pieces[:-1]) >= 64 * 1024
    sent = b"".join(pieces).decode().splitlines()
    assert [row.split(" ", 2)[2] for row in sent] == texts
    assert sent[0] == "2023-11-14T22:13:20.999Z out line 0 é"


@pytest.mark.django_db(transaction=True)
def test_many_lines_are_stored_like_single_ones(build: Build) -> None:
    with StreamWriter(build.stream_name) as writer:
        log = BuildLog(writer.write, write_lines=writer.write_many)
        log.lines("out", [f"line {number}" for number in range(5000)])
        log.lines("err", ["\0nul", "\ud800half", "x" * 300_000])
        log.info("the end")
    texts = [record["text"] for _, record in streams.read(build.stream_name)]
    assert texts[:5000] == [f"line {number}" for number in range(5000)]
    assert texts[5000:5002] == ["nul", "\N{REPLACEMENT CHARACTER}half"]
    assert texts[-1] == "the end"
