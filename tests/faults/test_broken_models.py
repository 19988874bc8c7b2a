"""A broken model, met by a real worker: its items go to people, and it comes back."""

from pathlib import Path

import pytest

from tests.faults.stack import Json, Stack, eventually
from tests.faults.traffic import new_items, routes_of
from tests.predictions.learning import hanging
from tests.predictions.services.misbehaving import GOOD

pytestmark = pytest.mark.slow
TO_PEOPLE = [("review", "model_failed")]
FINE = [("review", "uncalibrated")]  # the misbehaving model has no calibration


def sent(stack: Stack, slug: str, amount: float) -> list[Json]:
    items = new_items(1, amount=float(amount))
    assert stack.send(items, slug=slug, key=stack.broken[slug]).status == 202
    return items


def routed(stack: Stack, slug: str, amount: float) -> list[tuple[object, ...]]:
    """Send an item and return how it was routed."""
    items = sent(stack, slug, amount)
    assert eventually(lambda: len(routes_of(stack, items)) == 1)
    return routes_of(stack, items)


def events(stack: Stack, slug: str) -> list[tuple[object, ...]]:
    """List failures and recoveries of the workflow's model, oldest first."""
    return stack.rows(
        "SELECT e.kind, e.reason FROM predictions_modelevent e "
        "JOIN predictions_modelversion v ON v.id = e.model_version_id "
        "JOIN predictions_workflow w ON w.scope_id = v.workflow_id "
        "WHERE w.slug = %s AND e.kind IN ('failed', 'recovered') "
        "ORDER BY e.at, e.id",
        slug,
    )


@pytest.mark.parametrize(
    ("slug", "order", "reason"),
    [
        ("raises", hanging.RAISE, "model_raised"),
        ("nan", hanging.NAN, "model_output"),
        ("shape", hanging.SHAPE, "model_output"),
        ("crashes", hanging.EXIT, "model_crashed"),
        ("hangs", hanging.HANG, "model_timeout"),
    ],
)
def test_broken_model_sends_its_items_to_people_and_recovers(
    stack: Stack, slug: str, order: float, reason: str
) -> None:
    assert routed(stack, slug, order) == TO_PEOPLE
    assert events(stack, slug) == [("failed", reason)]

    assert routed(stack, slug, GOOD) == FINE
    assert events(stack, slug) == [("failed", reason), ("recovered", "")]


def test_killed_scorer_sends_its_items_to_people_and_comes_back(stack: Stack) -> None:
    items = sent(stack, "killed", hanging.HANG)  # for longer than the test waits

    def is_routed() -> bool:
        stack.kill("scorer")
        return len(routes_of(stack, items)) == 1

    assert eventually(is_routed, seconds=30)
    assert routes_of(stack, items) == TO_PEOPLE
    assert events(stack, "killed") == [("failed", "model_crashed")]
    assert routed(stack, "killed", GOOD) == FINE


def test_missing_artifact_sends_items_to_people_until_it_is_there(
    stack: Stack, tmp_path: Path
) -> None:
    ((name, sha256),) = stack.rows(
        "SELECT v.artifact, v.sha256 FROM predictions_modelversion v "
        "JOIN predictions_workflow w ON w.scope_id = v.workflow_id "
        "WHERE w.slug = 'missing'"
    )
    stored, aside = stack.data / "media" / str(name), tmp_path / "aside"
    stored.rename(aside)
    # Neither a copy of this machine's nor one in memory: both need no stored file.
    for copy in stack.data.rglob(f"{sha256!s}.skops"):
        copy.unlink()
    stack.kill("scorer")

    assert routed(stack, "missing", GOOD) == TO_PEOPLE
    assert events(stack, "missing") == [("failed", "artifact_missing")]

    aside.rename(stored)
    assert routed(stack, "missing", GOOD) == FINE
