"""A rollback over the API: the next batch of every worker meets the old champion."""

import pytest

from tests.faults.prepare import ROLLED
from tests.faults.stack import Json, Stack, eventually
from tests.faults.traffic import new_items, routes_of

pytestmark = pytest.mark.slow


def versions_met(stack: Stack, items: list[Json]) -> set[object]:
    rows = stack.rows(
        "SELECT v.number FROM reviewqueue_route r "
        "JOIN predictions_item i ON i.id = r.item_id "
        "JOIN predictions_modelversion v ON v.id = r.model_version_id "
        "WHERE i.external_id = ANY(%s)",
        [one["external_id"] for one in items],
    )
    return {number for (number,) in rows}


def routed(stack: Stack, n: int) -> list[Json]:
    """Send items; return them once workers have routed all of them."""
    items = new_items(n)
    assert stack.send(items, slug=ROLLED, key=stack.broken[ROLLED]).status == 202
    assert eventually(lambda: len(routes_of(stack, items)) == n)
    return items


def test_rollback_takes_effect_with_the_next_batch_of_every_worker(
    stack: Stack,
) -> None:
    assert versions_met(stack, routed(stack, 50)) == {2}

    path = f"/workflows/{ROLLED}/rollback"
    key = stack.broken[ROLLED]
    answer = stack.call("POST", path, {"reason": "worse"}, key=key)

    assert (answer.status, answer.body["number"]) == (200, 1)
    for _ in range(5):
        assert versions_met(stack, routed(stack, 20)) == {1}
    repair = str(answer.body["repair"]).removeprefix("/api/v1")
    assert stack.call("GET", repair, key=key).status == 200
