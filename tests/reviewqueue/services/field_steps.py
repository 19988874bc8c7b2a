"""A workflow whose decisions hold fields, and a model elsewhere that fills them in."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from predictions.enums import Stage
from predictions.models import ModelVersion, Workflow
from predictions.services.registry import (
    ModelDescription,
    change_stage,
    register_external,
)
from predictions.services.workflows import declare_workflow
from tests.factories.predictions import DECLARATION
from tests.predictions.services.elsewhere import LABELS, Answer, Elsewhere, elsewhere

FIELDS = """
[[fields]]
name = "torque"
title = "Torque"
type = "number"
unit = "N m"
minimum = 0
maximum = 200
required = true
tolerance = 0.05

[[fields]]
name = "batch"
type = "integer"
minimum = 1

[[fields]]
name = "tool"
title = "Tool"
type = "category"
values = ["hand", "robot"]

[[fields]]
name = "checked"
type = "boolean"

[[fields]]
name = "why"
type = "text"
labels = ["fraud"]
required = true

[[fields]]
name = "defects"
title = "Defects"
type = "boxes"
classes = ["pit", "scratch"]
max_regions = 4
"""
BOX = {"x": 10.0, "y": 10.0, "w": 20.0, "h": 20.0, "class": "pit"}
HEARD = {"start_ms": 1200, "end_ms": 1900}
SAID: dict[str, Any] = {
    "torque": {"value": 12.5, "confidence": 0.95},
    "batch": {"value": 47, "confidence": 0.6, "evidence": HEARD},
    "tool": {"value": "hand"},
    "defects": {"value": [BOX], "confidence": 0.8},
}
VALUES: dict[str, Any] = {
    "torque": 12.5,
    "batch": 47,
    "tool": "hand",
    "defects": [BOX],
}
COLUMNS = [{"name": "amount", "kind": "number"}]


def with_fields(workflow: Workflow, fields: str = FIELDS, *, now: datetime) -> Workflow:
    """Declare the workflow of the tests anew, with fields."""
    text = DECLARATION.format(slug=workflow.slug, name=workflow.name) + fields
    declared, _ = declare_workflow(source_toml=text, by=None, now=now)
    return declared


def filling(*rows: object) -> Callable[[dict[str, Any]], Answer]:
    """Answer "legitimate" and these fields, row by row; the last goes on."""

    def answer(request: dict[str, Any]) -> Answer:
        n = len(request["rows"])
        said = [rows[min(place, len(rows) - 1)] for place in range(n)]
        body = {
            "label_keys": LABELS,
            "probabilities": [[0.9, 0.1]] * n,
            "fields": said,
        }
        return 200, {}, json.dumps(body).encode()

    return answer


@contextmanager
def champion_elsewhere(
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    *rows: object,
    now: datetime,
) -> Iterator[tuple[ModelVersion, Elsewhere]]:
    """Serve a champion that fills in these fields."""
    with elsewhere(filling(*(rows or (SAID,)))) as server:
        settings.EXTERNAL_MODELS = {server.url: "hush"}
        version = register_external(
            workflow=workflow,
            endpoint=server.url,
            description=ModelDescription(columns=COLUMNS, label_keys=LABELS),
            by=None,
            now=now,
        )
        change_stage(
            version=version, to=Stage.CHAMPION, by=None, reason="test", now=now
        )
        yield version, server
