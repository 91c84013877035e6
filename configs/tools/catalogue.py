"""The catalogue of tools: what the Capabilities page shows, and what agent.json may say of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from django.core.exceptions import ValidationError

from configs.choices import Tool

from . import services
from .service_validation import clean_services

May = Literal["reads", "writes", "reaches"]
MAY_WORDS: dict[May, str] = {
    "reads": "reads what it kept or was given",
    "writes": "writes what stays",
    "reaches": "reaches other machines",
}
_MOST_HOSTS = 50
_LONGEST_HOST = 253
_HOST = re.compile(
    r"(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?(:[0-9]{1,5})?", re.ASCII
)


@dataclass(frozen=True)
class Setting:
    """One setting of a tool. `clean` returns its value for agent.json; a false one is left out."""

    name: str
    label: str
    help_text: str
    kind: Literal["lines", "text", "flag", "services"]
    clean: Callable[[Any], Any]
    required: str = ""


@dataclass(frozen=True)
class Function:
    """What the model calls: its name, and what a call may do."""

    name: str
    label: str
    may: tuple[May, ...] = ()

    @property
    def asks(self) -> bool:
        """Return whether it asks a person unless the owner says otherwise."""
        return "writes" in self.may


@dataclass(frozen=True)
class ToolEntry:
    tool: Tool
    summary: str
    functions: tuple[Function, ...]
    settings: tuple[Setting, ...] = ()

    @property
    def may(self) -> list[May]:
        """Return what its functions may do, each once."""
        return [word for word in MAY_WORDS if any(word in function.may for function in self.functions)]

    @property
    def may_words(self) -> str:
        """Return what the tool may do, in words."""
        words = [MAY_WORDS[word] for word in self.may]
        return ", ".join(words) if words else "only works out its answer"


def clean_hosts(value: Any) -> list[str]:
    """Return the hosts of a list, or of lines of text, in lower case and each once."""
    given = value.replace(",", "\n").split() if isinstance(value, str) else value or []
    if not isinstance(given, list) or not all(isinstance(host, str) for host in given):
        raise ValidationError("Give the hosts one per line, such as example.org.")
    hosts = list(dict.fromkeys(host.strip().lower().rstrip(".") for host in given if host.strip()))
    for host in hosts:
        _, _, port = host.partition(":")
        if len(host) > _LONGEST_HOST or not _HOST.fullmatch(host) or (port and not 0 < int(port) < 65536):
            raise ValidationError(f"“{host[:80]}” is not a host such as example.org or *.example.org.")
    if len(hosts) > _MOST_HOSTS:
        raise ValidationError(f"Give at most {_MOST_HOSTS} hosts.")
    return hosts


def clean_directory(value: Any) -> str:
    """Return an absolute path on the machine where the agent will run, or nothing."""
    text = value.strip() if isinstance(value, str) else value
    if text in ("", None):
        return ""
    if not isinstance(text, str) or not re.fullmatch(r"(/|[A-Za-z]:[\\/])[^\x00-\x1f\x7f]{0,400}", text):
        raise ValidationError("Give an absolute path, such as /var/lib/agent.")
    return text


def clean_flag(value: Any) -> bool:
    """Return whether a box is ticked."""
    if value in (None, "", False, "false", "off", "0"):
        return False
    if value in (True, "on", "true", "1"):
        return True
    raise ValidationError("Send true or false.")


_DIRECTORY = Setting(
    "directory",
    "Directory",
    "An absolute path on the machine where the agent runs. "
    "If empty, the variable AGENT_DATA_DIR there; without either, the tool says that it can't. "
    "In Try and the draft chat, each conversation has a directory of its own, empty at first.",
    "text",
    clean_directory,
)

CATALOGUE: dict[str, ToolEntry] = {
    entry.tool.value: entry
    for entry in (
        ToolEntry(
            Tool.CALCULATOR,
            "Arithmetic with exact decimals, powers, roots and logarithms.",
            (Function("calculator", "Calculate"),),
        ),
        ToolEntry(
            Tool.CLOCK, "The date, weekday and time in any time zone.", (Function("clock", "Tell the time"),)
        ),
        ToolEntry(
            Tool.DATES,
            "Differences of dates, additions, weekdays, time zones and working days.",
            (Function("dates", "Reckon with dates"),),
        ),
        ToolEntry(
            Tool.UNITS,
            "Conversions between units by exact factors, temperatures too. What has no sense is refused.",
            (Function("units", "Convert a quantity"),),
        ),
        ToolEntry(
            Tool.DATA_QUERY,
            "Filters, groups, counts, sums and sorts tables exactly: CSV and JSON of the conversation, "
            "and the CSV files under Knowledge.",
            (Function("data_query", "Query a table", ("reads",)),),
        ),
        ToolEntry(
            Tool.FACTS,
            "Memory across conversations: facts that the agent saves and finds again, in one file.",
            (
                Function("facts_find", "Find facts", ("reads",)),
                Function("facts_forget", "Forget a fact", ("writes",)),
                Function("facts_save", "Save a fact", ("writes",)),
            ),
            (_DIRECTORY,),
        ),
        ToolEntry(
            Tool.FETCH,
            "Web pages of the hosts that you list, as readable text.",
            (Function("fetch", "Read a page", ("reaches",)),),
            (
                Setting(
                    "hosts",
                    "Hosts",
                    "One per line: example.org, or *.example.org for all below it. Nothing else is reached.",
                    "lines",
                    clean_hosts,
                    required="List at least one host that the agent may read.",
                ),
                Setting(
                    "ignore_robots",
                    "Ignore robots.txt",
                    "Read pages also where the host asks programs not to.",
                    "flag",
                    clean_flag,
                ),
            ),
        ),
        ToolEntry(
            Tool.API,
            "Operations of HTTP APIs, chosen one by one from an OpenAPI document.",
            (Function("api", "All operations of all APIs", ("reads", "writes", "reaches")),),
            (
                Setting(
                    "services",
                    "APIs",
                    "What only reads runs; every other operation asks a person first.",
                    "services",
                    partial(clean_services, services.API),
                    required="Add an API, and choose operations of it.",
                ),
            ),
        ),
        ToolEntry(
            Tool.LOCAL,
            "Programs that speak the Model Context Protocol (stdio). They run only where the agent is an "
            "executable on your own machine, never in the forge or on a site.",
            (Function("local", "All tools of all programs", ("reads", "writes", "reaches")),),
            (
                Setting(
                    "servers",
                    "Programs",
                    "A tool that changes after you chose it is disabled until you choose it again.",
                    "services",
                    partial(clean_services, services.LOCAL),
                    required="Add a program, and choose tools of it.",
                ),
            ),
        ),
        ToolEntry(
            Tool.MCP,
            "Tools of servers that speak the Model Context Protocol, chosen one by one.",
            (Function("mcp", "All tools of all servers", ("reads", "writes", "reaches")),),
            (
                Setting(
                    "servers",
                    "Servers",
                    "A tool that changes after you chose it is disabled until you choose it again.",
                    "services",
                    partial(clean_services, services.MCP),
                    required="Add a server, and choose tools of it.",
                ),
            ),
        ),
        ToolEntry(
            Tool.WORKSPACE,
            "Text files of one directory, which the agent lists, reads and writes. Nothing outside it.",
            (
                Function("files_list", "List files", ("reads",)),
                Function("files_read", "Read a file", ("reads",)),
                Function("files_write", "Write a file", ("writes",)),
            ),
            (_DIRECTORY,),
        ),
    )
}
FUNCTIONS = {function.name: entry for entry in CATALOGUE.values() for function in entry.functions}


def tool_of(function: str) -> str:
    """Return the tool that a function belongs to, also if a service has it; empty if there is none."""
    if entry := FUNCTIONS.get(function):
        return entry.tool.value
    return next((tool for tool in services.SETTING if function.startswith(f"{tool}_")), "")


def functions_of(tool: str, settings: Mapping[str, Any]) -> list[Function]:
    """Return the functions of a tool with those of the services in its settings."""
    ours: list[Function] = []
    for each in services.functions_of({tool: settings} if tool in services.SETTING else {}):
        may: tuple[May, ...] = ("reads", "reaches") if each.reads else ("reads", "writes", "reaches")
        ours.append(Function(each.name, each.label, may))
    return [*CATALOGUE[tool].functions, *ours]
