"""Drive the machine's Firefox in a fresh profile, as a person with a mouse and a keyboard would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from .absence import absent
from .bidi import BiDiError, Connection
from .log_lines import LogLines

REMEDY = (
    "This test needs Firefox. Install the system's package (apt-get install firefox-esr), or name one: "
    "AGENTFORGE_FIREFOX=/path/to/firefox. BROWSER=0 leaves the browser tests out."
)
# Nothing but the forge is asked.
PREFERENCES = """\
user_pref("services.settings.server", "data:,#none");
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
"""
KEYS = {"Enter": "\ue007", "Tab": "\ue004", "Control": "\ue009", "Escape": "\ue00c"}
_LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
# Sends a message soon after anything in a page has changed.
_TELL_CHANGES = """(tell) => {
  let timer = null;
  const soon = () => { timer ??= setTimeout(() => { timer = null; tell(""); }, 40); };
  const all = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver(soon).observe(document, all);
  addEventListener("pageshow", soon);
}"""
# How the driver says that an element is no longer the one that is shown.
_RENEWED = ("move target out of bounds", "no such node", "no such element")
_MOST_LOOKS = 3
_EVENTS = ["log.entryAdded", "script.message", "browsingContext.load"]


def _program() -> str:
    named = os.environ.get("AGENTFORGE_FIREFOX")
    found = named or shutil.which("firefox-esr") or shutil.which("firefox")
    if found is None:
        absent(REMEDY)
    return found


class Firefox:
    """One window; `problems` holds the script errors and warnings of its pages."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def __enter__(self) -> Self:
        self._profile = tempfile.TemporaryDirectory(prefix="agentforge-firefox-", ignore_cleanup_errors=True)
        (Path(self._profile.name) / "user.js").write_text(PREFERENCES)
        command = [_program(), "--headless", "--no-remote", "--profile", self._profile.name]
        self._process = subprocess.Popen(
            [*command, "--remote-debugging-port=0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            # Root may have a home that belongs to somebody else, which Firefox refuses.
            env={**os.environ, "HOME": self._profile.name},
        )
        self._log = LogLines(self._process.stderr)
        self._connection = Connection(self._address(), frozenset({"log.entryAdded"}))
        self._connection.command("session.subscribe", events=_EVENTS)
        channel = {"type": "channel", "value": {"channel": "changes"}}
        self._connection.command(
            "script.addPreloadScript", functionDeclaration=_TELL_CHANGES, arguments=[channel]
        )
        tree = self._connection.command("browsingContext.getTree")
        self._window = tree["contexts"][0]["context"]
        return self

    def __exit__(self, *failure: object) -> None:
        self._connection.close()
        self._process.terminate()
        self._process.wait(60)
        self._log.close()
        self._profile.cleanup()

    def _address(self) -> str:
        said = []
        for line in self._log:
            if match := _LISTENING.search(line):
                return match[1]
            said.append(line)
        raise AssertionError(f"Firefox did not start: {''.join(said)}")

    @property
    def problems(self) -> list[str]:
        self.evaluate("() => 0")  # what was logged before has then arrived
        entries = [entry for entry in self._connection.events if entry["level"] in {"error", "warn"}]
        return [f"{entry['level']}: {entry['text']}" for entry in entries]

    def goto(self, path: str) -> None:
        self._connection.command(
            "browsingContext.navigate", context=self._window, url=self._base_url + path, wait="complete"
        )

    def reload(self) -> None:
        self._connection.command("browsingContext.reload", context=self._window, wait="complete")

    def evaluate(self, function: str, *arguments: dict[str, Any]) -> Any:
        """Call a function of JavaScript in the page, and return the value of its result or promise."""
        result = self._connection.command(
            "script.callFunction",
            functionDeclaration=function,
            arguments=list(arguments),
            awaitPromise=True,
            target={"context": self._window},
        )
        assert result["type"] == "success", result["exceptionDetails"]["text"]
        return result["result"].get("value")

    def wait_for(self, condition: str, seconds: float = 60) -> Any:
        """Return the first true value of an expression of JavaScript, across pages that open meanwhile."""
        return self._wait(lambda: self.evaluate(f"() => ({condition})"), condition, seconds)

    def wait_for_text(self, selector: str, text: str, seconds: float = 60) -> None:
        """Wait until the first element that matches contains a text."""
        self.wait_for(f"document.querySelector({selector!r})?.textContent.includes({text!r})", seconds)

    def locate(self, role: str, name: str) -> dict[str, Any]:
        """Wait for the one element with a role and an accessible name; return a reference to it."""
        locator = {"type": "accessibility", "value": {"role": role, "name": name}}

        def nodes() -> Any:
            found = self._connection.command(
                "browsingContext.locateNodes", context=self._window, locator=locator
            )
            return found["nodes"]

        found = self._wait(nodes, f"A {role} {name!r}", 60)
        assert len(found) == 1, f"{len(found)} of {role} {name!r}"
        return {"sharedId": found[0]["sharedId"]}

    def _wait(self, look: Callable[[], Any], what: str, seconds: float) -> Any:
        """Look again after each change of the page until there is a true value."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            # A page that was left refuses to answer.
            with suppress(BiDiError):
                if value := look():
                    return value
            with suppress(TimeoutError):
                self._connection.wait(left)
        shown = self.evaluate("() => `${location.href}\\n${document.body.innerText}`")
        raise AssertionError(f"{what} did not come in {seconds} s:\n{shown}")

    def click(self, role: str, name: str) -> None:
        """Move the mouse onto an element and press its button; look again if it was renewed meanwhile."""
        for _ in range(_MOST_LOOKS - 1):
            try:
                return self._click(self.locate(role, name))
            except BiDiError as error:
                # Nothing was pressed: the move comes first.
                if not any(reason in str(error) for reason in _RENEWED):
                    raise
        self._click(self.locate(role, name))

    def _click(self, node: dict[str, Any]) -> None:
        self.evaluate("(node) => node.scrollIntoView({ block: 'center' })", node)
        place = {"type": "element", "element": node}
        actions: list[dict[str, Any]] = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": place},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._act({"type": "pointer", "id": "mouse", "actions": actions})

    def type(self, text: str) -> None:
        """Press the keys of a text, one after the other."""
        strokes = ({"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp"))
        self._act({"type": "key", "id": "keyboard", "actions": list(strokes)})

    def press(self, *keys: str) -> None:
        """Hold these keys together, in this order, and let them go."""
        values = [KEYS.get(key, key) for key in keys]
        down = [{"type": "keyDown", "value": value} for value in values]
        up = [{"type": "keyUp", "value": value} for value in reversed(values)]
        self._act({"type": "key", "id": "keyboard", "actions": [*down, *up]})

    def fill(self, name: str, text: str) -> None:
        """Click into a text field and type."""
        self.click("textbox", name)
        self.type(text)

    def _act(self, source: dict[str, Any]) -> None:
        self._connection.command("input.performActions", context=self._window, actions=[source])
