"""Copies of the agent's sources that are broken or slow to compile."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from asgiref.sync import async_to_sync
from django.conf import settings
from django.test import override_settings

from builds.compiler import sources, targets, warmup
from builds.logs.build_log import BuildLog

_SLOW_PACKAGES = 120


def copy_of_the_sources(target: Path) -> Path:
    """Copy the agent's Go sources without tests."""
    shutil.copytree(settings.BASE_DIR / "agent", target, ignore=shutil.ignore_patterns("*_test.go"))
    return target


def count_as_warm(name: str = "plugin") -> None:
    """Record Go's cache as warm for a target and the sources in the settings, so that a build starts at once.

    It is warmed with the original sources, which contain the same imports.
    """
    target = targets.get(name)
    chain = targets.toolchain_for(target)
    with override_settings(AGENTFORGE_AGENT_SOURCES=settings.BASE_DIR / "agent"):
        async_to_sync(warmup.ensure)(chain, sources.read(), BuildLog(lambda record: None), target.program)
    warmup.write(warmup.State(warmup.WARM, warmup.cache_key(chain, sources.read(), target.program)))


def slow_sources(target: Path) -> Path:
    """Create sources that compile longer than any test runs, with little memory.

    They are a chain of packages, each of which imports the next.
    """
    copy = copy_of_the_sources(target)
    index = json.loads((copy / sources.LIST).read_text())
    imported = "".join(
        f"func slow{i}(m map[int][]any) {{ m[{i}] = append(m[0], {i}) }}\n" for i in range(5000)
    )
    for number in range(_SLOW_PACKAGES):
        last = number == _SLOW_PACKAGES - 1
        link = "" if last else f'import _ "{sources.TEMPLATE_MODULE}/slow{number + 1}"\n\n'
        name = f"slow{number}/slow.go"
        (copy / name).parent.mkdir()
        (copy / name).write_text(f"package slow\n\n{link}{imported}")
        index["runtime"].append(name)
    (copy / "slow.go").write_text(f'package bundle\n\nimport _ "{sources.TEMPLATE_MODULE}/slow0"\n')
    (copy / sources.LIST).write_text(json.dumps({**index, "runtime": [*index["runtime"], "slow.go"]}))
    return copy


def heavy_sources(target: Path) -> Path:
    """Create sources with one package that takes seconds of CPU time and much memory."""
    functions = "".join(
        f"func heavy{i}(m map[int][]any) {{ m[{i}] = append(m[0], {i}) }}\n" for i in range(60_000)
    )
    return with_packages(target, {"heavy": f"package heavy\n\n{functions}"})


def talkative_sources(target: Path, packages: int) -> Path:
    """Create sources of many packages, which the compiler prints one by one, and an error at the end."""
    copy = with_packages(target, {f"talk{i}": f"package talk{i}\n" for i in range(packages)})
    with (copy / "bundle.go").open("a") as file:
        file.write("\nvar forgotten int = undefinedName\n")
    return copy


def with_packages(target: Path, contents: dict[str, str]) -> Path:
    """Copy the agent's sources and add imports of these packages (name → content)."""
    copy = copy_of_the_sources(target)
    index = json.loads((copy / sources.LIST).read_text())
    for name, content in contents.items():
        (copy / name).mkdir()
        (copy / name / "it.go").write_text(content)
    imports = "".join(f'import _ "{sources.TEMPLATE_MODULE}/{name}"\n' for name in contents)
    (copy / "it.go").write_text(f"package bundle\n\n{imports}")
    index["runtime"] += ["it.go", *(f"{name}/it.go" for name in contents)]
    (copy / sources.LIST).write_text(json.dumps(index))
    return copy
