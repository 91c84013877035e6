"""The generated functions deliver messages as the original server did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from .driver import SERVER, WS, function_server, migrate_copy, open_sources

HELPER = """
function tell(text, except) {
  wss.clients.forEach((one) => { if (one !== except && one.readyState === WebSocket.OPEN) one.send(text); });
}
wss.on('connection', (s) => {
  s.on('message', (data) => { tell('all ' + data); tell('others ' + data, s); });
});
"""


ROOMS = """
io.on('connection', (s) => {
  s.on('a', () => {
    s.broadcast.to('red').volatile.emit('b', 1);
    io.to(['red', 'blue']).to('red').emit('b', 2);
    s.volatile.emit('c', 3);
  });
});
"""


@contextmanager
def _channel(client: httpx.Client, query: str) -> Iterator[Iterator[str]]:
    """Open a channel and yield its lines from the greeting on."""
    with client.stream("GET", f"/sockets/server?{query}") as stream:
        lines = stream.iter_lines()
        while ": hello" not in next(lines):
            pass
        yield lines


def _events(lines: list[str]) -> list[Any]:
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


def _next_data(lines: Iterator[str]) -> str:
    return next(line for line in lines if line.startswith("data: ")).removeprefix("data: ")


def test_broadcasts_reach_everybody_but_the_sender(tmp_path: Path) -> None:
    migrate_copy("rooms", tmp_path / "rooms")
    with (
        function_server(tmp_path / "rooms", "client.ts") as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        with _channel(client, "id=listener") as lines:
            vote = client.post("/sockets/server/vote", json=[{"choice": "tea"}], headers={"x-socket-id": "a"})
            for sender, who in [("listener", "myself"), ("a", "ada")]:
                client.post("/sockets/server/typing", json=[who], headers={"x-socket-id": sender})
            received: list[str] = []
            while len(_events(received)) < 2:
                received.append(next(lines))
        assert vote.json() == {"answers": [{"event": "thanks", "args": ["tea"]}], "acknowledged": [True]}
        assert _events(received) == [["tea"], ["ada"]]
        assert [line for line in received if line.startswith("event:")] == ["event: voted", "event: typing"]
        last = next(line[4:] for line in received if line.startswith("id: "))
        with client.stream("GET", "/sockets/server?id=b", headers={"last-event-id": last}) as again:
            missed = next(line for line in again.iter_lines() if line.startswith("event:"))
        assert missed == "event: typing"
        assert client.get("/sockets/server/vote").status_code == 405
        assert client.post("/sockets/server/vote", content="no JSON").status_code == 400


def test_helpers_distinguish_the_sender_from_the_others(tmp_path: Path) -> None:
    source = f"{WS}const wss = new WebSocketServer({{}});\n{HELPER}"
    migration = open_sources(tmp_path, {"server.js": source, "page.js": ""}, apply=True)
    assert migration.run("generate").complete
    with (
        function_server(tmp_path, "page.js") as url,
        httpx.Client(base_url=url, timeout=60) as client,
        _channel(client, "id=ada") as ada,
        _channel(client, "") as bob,
    ):
        answers = [
            client.post("/sockets/server/message", content=text, headers={"x-socket-id": sender}).json()
            for text, sender in (("x", "cleo"), ("y", "ada"), ("z", "cleo"))
        ]
        assert [answer["answers"] for answer in answers] == [["all x"], ["all y"], ["all z"]]
        assert [_next_data(ada) for _ in range(4)] == ["all x", "others x", "all z", "others z"]
        assert [_next_data(bob) for _ in range(6)][2:4] == ["all y", "others y"]


def test_each_of_several_rooms_receives_a_message_once(tmp_path: Path) -> None:
    migration = open_sources(tmp_path, {"server.js": SERVER + ROOMS, "page.js": ""}, apply=True)
    assert migration.run("generate").complete
    with (
        function_server(tmp_path, "page.js") as url,
        httpx.Client(base_url=url, timeout=60) as client,
        _channel(client, "room=red") as red,
    ):
        answer = client.post("/sockets/server/a", json=[]).json()
        assert answer["answers"] == [{"event": "c", "args": [3]}]
        client.post("/sockets/server/a", json=[])
        assert [_next_data(red) for _ in range(4)] == ["[1]", "[2]", "[1]", "[2]"]
