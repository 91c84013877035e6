"""Make a plan of builds from one agent, and prove it by another: its bytes are those of `go build`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from builds.errors import BuildError

from . import build_plan, sources
from .build_plan import Plan, Program
from .go_command import COMPILE_LIMITS, ignore_line, run_go
from .inputs import Inputs
from .workspace import temporary_workspace

# Of modules that the cache never has: what is cached is in no plan.
_RECORDED, _PROVEN = "agent.local/affffffffffffffff", "agent.local/aeeeeeeeeeeeeeeee"


async def proven_plan(inputs: Inputs, apis: Sequence[str]) -> Plan:
    """Return a plan for agents with these APIs, whose shared packages are in the cache.

    It is recorded with every tool and proven with none, elsewhere. Raises BuildError if it is not proven.
    """
    with temporary_workspace("plan") as home:
        every_tool = sorted(inputs.sources.tools)
        recorded = _lay_out(inputs, apis, home / "recorded", _RECORDED, every_tool)
        command = _command(inputs, recorded)
        plan = await build_plan.record(inputs.toolchain, command, recorded, recorded.tree.parent)
        proven = _lay_out(inputs, apis, home / "proven", _PROVEN, [])
        await build_plan.run(inputs.toolchain, plan, proven, proven.tree.parent, ignore_line)
        by_plan = proven.output.read_bytes()
        proven.output.unlink()
        limits = COMPILE_LIMITS[inputs.toolchain.cc_kind]
        command = _command(inputs, proven)
        await run_go(inputs.toolchain, command, proven.tree, proven.tree.parent, ignore_line, limits=limits)
        if by_plan != proven.output.read_bytes():
            raise BuildError("Its bytes differ from those of go build.")
    return plan


def _lay_out(inputs: Inputs, apis: Sequence[str], home: Path, module: str, tools: Sequence[str]) -> Program:
    tree = home / "src"
    tree.mkdir(parents=True)
    target = inputs.spec.program
    sources.lay_out_neutral(tree, inputs.sources, target=target, apis=apis, tools=tools, module=module)
    return Program(module, tree, home / "agent")


def _command(inputs: Inputs, program: Program) -> list[str]:
    target = inputs.spec
    package = f"./{target.program}"
    return inputs.toolchain.build_command(package=package, output=program.output, mode=target.build_mode)
