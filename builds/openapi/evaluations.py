"""OpenAPI descriptions of the URLs of evaluations."""

from __future__ import annotations

from agentforge.openapi.operations import Operation, describe
from agentforge.openapi.schemas import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    TIME,
    array,
    nullable,
    one_of,
    record,
)
from builds.evaluation.forms import CasesForm, EvaluationPageForm, RunForm
from builds.models import Evaluation, EvaluationRun

_EVALUATION_RUN = record(
    {
        "id": INTEGER,
        "url": STRING,
        "subject": STRING,
        "status": one_of(EvaluationRun.Status.values),
        "replayed": nullable(INTEGER),
        "is_recorded": BOOLEAN,
        "trials": INTEGER,
        "error": STRING,
        "results": array(
            record(
                {
                    "name": STRING,
                    "trials": array(
                        record(
                            {
                                "failures": array(STRING),
                                "text": STRING,
                                "tools": array(STRING),
                                "seconds": NUMBER,
                                "tokens": INTEGER,
                                "verdicts": array(
                                    record({"rubric": STRING, "passed": BOOLEAN, "reason": STRING})
                                ),
                                "judge_tokens": INTEGER,
                                "judge_dollars": nullable(NUMBER),
                            }
                        )
                    ),
                }
            )
        ),
        "created_at": TIME,
        "finished_at": nullable(TIME),
    }
)

describe(
    "builds:evaluation",
    get=Operation(
        "Get an agent's cases and the runs of its evaluation",
        {"cases": STRING, "gate": one_of(Evaluation.Gate.values), "runs": array(_EVALUATION_RUN)},
        query=EvaluationPageForm,
    ),
    post=Operation(
        "Save an agent's cases",
        {"cases": INTEGER, "trials": INTEGER, "notes": array(STRING)},
        forms=[CasesForm],
    ),
)
describe(
    "builds:evaluation_start",
    post=Operation(
        "Evaluate an agent's newest build, or its draft",
        {"run": _EVALUATION_RUN},
        202,
        forms=[RunForm],
        refusable=True,
    ),
)
describe(
    "builds:evaluation_promptfoo",
    get=Operation("Download an agent's cases as a file of promptfoo's", media="application/yaml"),
)
describe("builds:evaluation_stop", post=Operation("Stop an agent's evaluation", {"stopped": BOOLEAN}))
describe("builds:evaluation_run", get=Operation("Get a run of an evaluation", {"run": _EVALUATION_RUN}))
describe(
    "builds:evaluation_junit",
    get=Operation("Download a run as JUnit XML", media="application/xml"),
)
