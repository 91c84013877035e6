from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path, PurePosixPath

import go
import pytest
from pytest_django.fixtures import Settings

from builds.compiler import sources, toolchain
from builds.compiler.go_command import cache_directory
from builds.errors import BuildError
from tests.drivers.agent_sources import copy_of_the_sources

GO = str(Path(go.__file__).parent / "bin" / "go")
HOSTILE = "`//go:embed ../../etc`"


def _document(*tools: str, **providers: str) -> str:
    chosen = {name: {"api": api} for name, api in ({"provider": "openai"} | providers).items()}
    return json.dumps({"capabilities": {"tools": list(tools)}, "identity": {"name": HOSTILE}, **chosen})


def _lay_out(
    directory: Path, *tools: str, module: str = "agent.local/a0123456789abcdef", **providers: str
) -> set[str]:
    document = _document(*tools, **providers)
    sources.lay_out_agent(directory, sources.read(), target="plugin", module=module, document=document)
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


def test_only_chosen_tools_are_laid_out(tmp_path: Path) -> None:
    names = _lay_out(tmp_path, "clock")
    assert {"tool_clock.go", "tools/clock/clock.go", "tools/tools.go", "agent.json", "go.mod"} <= names
    assert not any("calculator" in name for name in names)
    assert not any(name.startswith("host/") or name.endswith("_test.go") for name in names)


@pytest.mark.parametrize("tool", sorted(sources.read().tools))
def test_nothing_of_a_tool_is_in_an_agent_without_it(tmp_path: Path, tool: str) -> None:
    index = sources.read().tools
    of_others = {name for other in index if other != tool for name in index[other]}
    without = _lay_out(tmp_path / "without", *(other for other in index if other != tool))
    own = set(index[tool]) - of_others
    assert f"tool_{tool}.go" in own and not own & without
    alone = _lay_out(tmp_path / "alone", tool)
    assert {name for name in alone if name.startswith(("tool_", "tools/"))} == {
        name for name in (*index[tool], "tools/tools.go") if name.startswith(("tool_", "tools/"))
    }


@pytest.mark.parametrize(
    "providers",
    [{"provider": "openai"}, {"provider": "anthropic"}, {"provider": "openai", "fallback": "anthropic"}],
)
def test_only_the_apis_of_the_providers_are_laid_out_and_compile(
    tmp_path: Path, providers: dict[str, str]
) -> None:
    names = _lay_out(tmp_path, **providers)
    index = sources.read().apis
    expected = {name for api in providers.values() for name in index[api]}
    assert {name for name in names if any(name in group for group in index.values())} == expected
    built = subprocess.run(
        [GO, "vet", "./providers", "./conversation", "."], cwd=tmp_path, capture_output=True, check=False
    )
    assert built.returncode == 0, built.stderr.decode()


def test_an_executable_has_the_symbols_of_its_tools_and_of_no_other(tmp_path: Path) -> None:
    index = sources.read().tools
    packages = {
        tool: {PurePosixPath(name).parent for name in files if name.startswith("tools/")}
        for tool, files in index.items()
    }
    without, having = (_executable(tmp_path / str(len(tools)), *tools) for tools in ((), index))
    for tool, own in packages.items():
        assert own, tool
        for package in own:
            symbol = f"/{package}.".encode()
            assert (symbol in without, symbol in having) == (False, True), package
    # Whoever runs an agent decides whether it sends spans (docs/decisions/0096).
    assert all(b"/telemetry.(*Exporter).run" in program for program in (without, having))


def _executable(directory: Path, *tools: str) -> bytes:
    """Return an agent's executable as a build links it: without symbol table, with names of functions."""
    document = _document(*tools)
    module = "agent.local/a0123456789abcdef"
    sources.lay_out_agent(directory, sources.read(), target="standalone", module=module, document=document)
    home, chain = directory.with_suffix(".home"), toolchain.find(cgo=False)
    home.mkdir()
    if "knowledge_search" in tools:
        (directory / sources.INDEX).write_bytes(b"")
    environment = chain.environment(cache=cache_directory(), home=home)
    command = [chain.go_command, "build", *chain.flags, "-o", str(home / "agent"), "./standalone"]
    subprocess.run(command, cwd=directory, env=environment, check=True)
    return (home / "agent").read_bytes()


def test_an_unknown_api_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="API keys"):
        _lay_out(tmp_path, provider="../evil")


def test_every_agent_has_its_own_module_path(tmp_path: Path) -> None:
    module = sources.module_path(_document(), sources.read())
    _lay_out(tmp_path, module=module)
    assert (tmp_path / "go.mod").read_text().startswith(f"module {module}\n")
    assert not any(sources.TEMPLATE_MODULE in path.read_text() for path in tmp_path.rglob("*.go"))
    assert module != sources.module_path(_document("clock"), sources.read())


def test_agents_share_the_packages_of_their_apis_whatever_their_tools(
    tmp_path: Path, settings: Settings
) -> None:
    def shared(name: str, *tools: str, **providers: str) -> str:
        _lay_out(tmp_path / name, *tools, **providers)
        return (tmp_path / name / "go.mod").read_text()

    one = shared("one", "clock")
    assert shared("two", "calculator", "fetch") == one != shared("three", provider="anthropic")
    settings.AGENTFORGE_AGENT_SOURCES = copy = copy_of_the_sources(tmp_path / "agent")
    with (copy / "sse" / "sse.go").open("a") as file:
        file.write("\n// Changed.\n")
    assert shared("four", "clock") != one


def test_a_package_is_the_same_whatever_brings_it() -> None:
    # Its path says that; an agent that lacked a file of it would run the package of another.
    read = sources.read()
    packages: dict[str, set[frozenset[str]]] = {}
    for group in (read.runtime, *read.tools.values()):
        for directory in {name.rpartition("/")[0] for name in group if "/" in name}:
            files = frozenset(name for name in group if name.rpartition("/")[0] == directory)
            packages.setdefault(directory, set()).add(files)
    assert {directory for directory, contents in packages.items() if len(contents) > 1} == set()


def test_the_text_of_a_user_is_in_one_file_only(tmp_path: Path) -> None:
    holding = [name for name in _lay_out(tmp_path) if HOSTILE in (tmp_path / name).read_text()]
    assert holding == ["agent.json"]


def test_an_unknown_tool_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"\.\./evil"):
        _lay_out(tmp_path, "../evil")


def test_the_host_contains_no_agent(tmp_path: Path) -> None:
    sources.lay_out_alone(tmp_path, sources.read(), "host")
    assert (tmp_path / "host" / "main.go").exists()
    assert not (tmp_path / "agent.json").exists()


def test_unlisted_files_are_ignored(tmp_path: Path, settings: Settings) -> None:
    settings.AGENTFORGE_AGENT_SOURCES = copy = copy_of_the_sources(tmp_path / "agent")
    before = sources.read()
    (copy / "stray.s").write_text("TEXT")
    assert sources.read().digest == before.digest
    (copy / "bundle.go").write_text("package bundle")
    assert sources.read().digest != before.digest
    assert sources.read().host_digest == before.host_digest


def test_sources_are_read_again_once_one_is_written(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AGENTFORGE_AGENT_SOURCES = copy = copy_of_the_sources(tmp_path / "agent")
    monkeypatch.setattr(sources, "_TICK_NANOSECONDS", 0)
    before, path, clock = sources.read(), copy / "sse" / "sse.go", tmp_path / "clock"
    assert sources.read() is before
    assert sources.read().digest_of("plugin") == before.digest_of("plugin")

    written = path.stat()
    clock.touch()
    while clock.stat().st_ctime_ns == written.st_ctime_ns:
        clock.touch()
    # As long as before, and as old.
    path.write_bytes(path.read_bytes().replace(b"e", b"E", 1))
    os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns))
    assert sources.read().digest_of("plugin") != before.digest_of("plugin")


@pytest.mark.parametrize(
    "content", ["", "[]", '{"runtime": ["../../manage.py"], "targets": {}, "apis": {}, "tools": {}}']
)
def test_a_damaged_list_is_reported(tmp_path: Path, settings: Settings, content: str) -> None:
    settings.AGENTFORGE_AGENT_SOURCES = tmp_path
    (tmp_path / sources.LIST).write_text(content)
    with pytest.raises(BuildError, match="damaged"):
        sources.read()
