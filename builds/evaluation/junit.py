"""A run as JUnit XML, which continuous integration reads: a test case for each case."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from .results import CaseResult

# What XML 1.0 can't hold, escaped or not.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def report(agent: str, results: Sequence[CaseResult], error: str = "") -> bytes:
    """Return the XML document of the cases of an agent; `error` says why they are not all there."""
    failed = sum(not case.holds for case in results)
    suite = ET.Element(
        "testsuite",
        name=agent,
        tests=str(len(results) + bool(error)),
        failures=str(failed),
        errors=str(int(bool(error))),
    )
    for case in results:
        _add_case(suite, agent, case)
    if error:
        rest = ET.SubElement(suite, "testcase", name="the whole run", classname=agent)
        ET.SubElement(rest, "error", message=_legal(error))
    root = ET.Element("testsuites")
    root.append(suite)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _add_case(suite: ET.Element, agent: str, case: CaseResult) -> None:
    seconds = f"{sum(trial.seconds for trial in case.trials):.3f}"
    element = ET.SubElement(suite, "testcase", name=_legal(case.name), classname=agent, time=seconds)
    if case.holds:
        return
    message = f"{case.passed} of {len(case.trials)} trials passed"
    failure = ET.SubElement(element, "failure", message=message)
    failure.text = "\n".join(_legal(reason) for trial in case.trials for reason in trial.failures)


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)
