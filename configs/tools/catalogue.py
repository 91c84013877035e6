"""The catalogue of tools: what the Capabilities page shows, and what agent.json may say of each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from configs.choices import Tool

from . import search_providers, search_validation, services
from .entries import Function, May, Setting, ToolEntry
from .service_validation import clean_services
from .setting_validation import clean_directory, clean_flag, clean_hosts

_DIRECTORY = Setting(
    "directory",
    "Directory",
    "An absolute path on the machine where the agent runs. "
    "If empty, the variable AGENT_DATA_DIR there; without either, the tool says that it can't. "
    "In Try and the draft chat, each conversation has a directory of its own, empty at first.",
    "text",
    clean_directory,
)

_SEARCH = (
    Setting(
        "provider",
        "Search service",
        "It sees what the agent searches for.",
        "choice",
        search_validation.clean_provider,
        required="Choose a search service.",
        choices=tuple((code, provider.label) for code, provider in search_providers.PROVIDERS.items()),
    ),
    Setting(
        "url",
        "Address",
        "Of your SearXNG server, such as https://search.example.org. Leave it empty for the other services.",
        "text",
        search_validation.clean_address,
        required="Give the address of the server.",
        is_required=search_providers.needs_address,
    ),
    Setting(
        "count",
        "Results",
        f"1 to {search_validation.MOST_RESULTS} of a search. Empty: {search_providers.USUAL_RESULTS}.",
        "text",
        search_validation.clean_count,
    ),
    Setting(
        "allowed_hosts",
        "Only these hosts",
        "One per line: example.org stands for those below it too. Empty for all.",
        "lines",
        search_validation.clean_allowed,
    ),
    Setting(
        "excluded_hosts",
        "Never these hosts",
        "One per line. What the service finds there is left out.",
        "lines",
        search_validation.clean_sites,
    ),
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
            Tool.AGENT,
            "Other agents that speak A2A, asked as tools: each sees the question, and nothing else.",
            (Function("agent", "All other agents", ("reads", "writes", "reaches")),),
            (
                Setting(
                    "agents",
                    "Agents",
                    "An agent whose card changes after you chose it is disabled until you choose it again.",
                    "services",
                    partial(clean_services, services.AGENT),
                    required="Add an agent, and choose its card.",
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
            Tool.WEB_SEARCH,
            "Titles, addresses and snippets of pages, by the search service that you choose.",
            (Function("web_search", "Search the web", ("reaches",)),),
            _SEARCH,
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
