"""A model's life on a small made-up stream, by the command and its parts."""

import json
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils.html import escape

from lifecycle.models import TrainingRun
from lifecycle.proof import candidates
from lifecycle.proof.declared import LATENCY
from predictions.models import GateReport, ModelVersion, Workflow
from reviewqueue.models import Decision
from tests.factories.predictions import make_items
from tests.lifecycle.proof.stream import write_months

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_months(tmp_path_factory.mktemp("sets"), n=1000)


def without_timing(folder: Path) -> Path:
    """Write the workflow file without the gate that times 400 batches."""
    source = Path(settings.BASE_DIR, "workflows", "card-fraud.toml")
    timed = f"[[gates]]\n{LATENCY.format(250)}\n"
    text = source.read_text(encoding="utf-8")
    assert timed in text
    target = folder / "workflows" / source.name
    target.parent.mkdir()
    target.write_text(text.replace(timed, ""), encoding="utf-8")
    return folder


def proved(data: Path, out: Path, **options: object) -> dict[str, Any]:
    """Run the command, whether or not all holds, and read its figures and page."""
    output = StringIO()
    try:
        call_command(
            "prove_life", data=data, out=out, stdout=output, stderr=output, **options
        )
        is_held = True
    except CommandError as error:
        if not str(error).startswith("Does not hold"):
            raise
        is_held = False
    figures: dict[str, Any] = json.loads((out / "life-proof.json").read_text())
    assert is_held == all(one["is_reached"] for one in figures["goals"])
    page = (out / "life-proof.html").read_text()
    assert "<script" not in page
    assert "http" not in page
    assert all(escape(one["name"]) in page for one in figures["goals"])
    return figures


def test_months_are_lived_through_and_bad_candidates_stop(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "BASE_DIR", without_timing(tmp_path))
    some = [one for one in candidates.KINDS if one.name in {"leaking", "lying"}]
    monkeypatch.setattr(candidates, "KINDS", some)

    figures = proved(
        data,
        tmp_path,
        only=["life"],
        past_share=1.0,
        share=0.3,
        days=8,
        looks_a_day=1,
        retrain_days=4,
        shadow_days=1,
        beside_days=3,
    )

    life = figures["life"]
    stopped = {one["kind"]: one["failed"] for one in life["planted"]}
    assert stopped["leaking"] == ["no_leaking_columns"]
    assert "artifact_safety" in stopped["lying"]
    first, *later = life["versions"]
    assert first["number"] == 1
    assert first["verdict"] == "passed"
    assert first["promoted_at"].startswith("2025-02-01")
    assert len(later) + len(life["declined"]) >= 1
    assert all(one["gates"] for one in later)
    assert life["n_decided"] == Decision.objects.count() >= 1000
    assert TrainingRun.objects.filter(trigger="schedule").count() >= 1
    held = GateReport.objects.values_list("model_version_id", flat=True)
    assert set(held) == set(ModelVersion.objects.values_list("pk", flat=True))


def test_broken_upstream_raises_the_right_alarms_and_no_other_workflow_does(
    data: Path, tmp_path: Path
) -> None:
    figures = proved(
        data,
        tmp_path,
        only=["upstream"],
        upstream_past_share=0.7,
        upstream_share=0.7,
        upstream_days=3,
        break_day=2,
    )

    met = {one["slug"]: one for one in figures["upstream"]}
    assert met["upstream-steady"]["raised"] == []
    assert len({one["n_after"] for one in met.values()}) == 1
    alarms = {
        slug: {bad["monitor"] for bad in one["raised"] if bad["items"] is not None}
        for slug, one in met.items()
    }
    assert "missing_values" in alarms["upstream-gone"]
    assert "quarantine" in alarms["upstream-category"]
    assert not any(
        bad["items"] is None for one in met.values() for bad in one["raised"]
    )


def test_calm_days_are_counted_against_the_budget(data: Path, tmp_path: Path) -> None:
    figures = proved(
        data, tmp_path, only=["calm"], calm_days=10, calm_per_day=30, calm_past=600
    )

    calm = figures["calm"]
    assert calm["budget"] == pytest.approx(2 * 0.8 * 10 / 365)
    assert calm["n_judged"]["drift_features"] == 4  # after seven whole days
    assert calm["n_judged"]["missing_values"] == 10
    assert calm["n_alerts"] == 0
    assert (calm["low"], round(calm["high"], 3)) == (0.0, 3.689)
    assert Workflow.objects.get().declaration.subject is None


def test_a_database_in_use_is_left_alone(
    data: Path, tmp_path: Path, workflow: Workflow, now: datetime
) -> None:
    make_items(workflow, n=1, now=now)

    with pytest.raises(CommandError, match="holds items"):
        call_command("prove_life", data=data, out=tmp_path)
