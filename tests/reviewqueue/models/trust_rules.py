"""Ways to break what the database guards of trust, gold and notices."""

from collections.abc import Callable
from math import nan
from typing import Any

from reviewqueue.models import FieldObservation
from tests.reviewqueue.models.constraint_world import World, broken, copy, twice

OF_FIELD: dict[str, Any] = {"field": "torque", "declared": "abc", "label": ""}
WITHOUT: dict[str, Any] = {
    "without_confidence": True,
    "low": 0,
    "high": 1,
    "level": 0,
    "review_probability": 1,
}
REFUSED: list[tuple[str, Callable[[World], object]]] = [
    # plans, segments and their moves
    ("reviewqueue_plan_version_unique", lambda w: w.plan(version=99)),
    *(
        ("reviewqueue_plan_promises_in_unit", broken(World.plan, **columns))
        for columns in (
            {"delta": 0},
            {"delta": 1},
            {"delta": nan},
            {"alpha": 0},
            {"alpha": 1},
            {"evidence": "some"},
        )
    ),
    *(
        ("reviewqueue_plan_shares_in_unit", broken(World.plan, **columns))
        for columns in (
            {"min_share": -0.1},
            {"min_share": 1.1},
            {"gold_share": -0.1},
            {"gold_share": 0.51},
            {"gold_floor": -0.1},
            {"gold_floor": 1.1},
            {"drift_distance": 0.0},
            {"drift_distance": 1.1},
            {"review_minutes": 0},
        )
    ),
    ("reviewqueue_segment_unique", lambda w: w.segment(slicing=99)),
    ("reviewqueue_segment_unique", lambda w: twice(lambda: w.segment(**OF_FIELD))),
    *(
        ("reviewqueue_segment_of_label_or_field", broken(World.segment, **columns))
        for columns in (
            {"declared": "abc"},
            {"without_confidence": True, "level": 0, "review_probability": 1},
            {**OF_FIELD, "declared": ""},
            {**OF_FIELD, "label": "fraud"},
            {**OF_FIELD, "feature": "site"},
            {**OF_FIELD, "value": "north"},
        )
    ),
    *(
        (
            "reviewqueue_segment_without_confidence_at_review_all",
            broken(World.segment, **(OF_FIELD | WITHOUT | columns)),
        )
        for columns in (
            {"level": 1, "review_probability": 0.5},
            {"low": 0.5},
            {"high": 0.5},
        )
    ),
    (
        "reviewqueue_field_observed_once",
        lambda w: twice(
            lambda: FieldObservation.objects.create(
                case=w.held,
                item_id=w.held.item_id,
                segment=w.trust.segment,
                routed_at=w.now,
                due_at=w.now,
                draw=0.5,
                is_blind=False,
            )
        ),
    ),
    *(
        ("reviewqueue_segment_band_ordered", broken(World.segment, **columns))
        for columns in ({"low": -0.1}, {"high": 1.1}, {"low": 0.7, "high": 0.7})
    ),
    *(
        ("reviewqueue_segment_review_all_iff_level_0", broken(World.segment, **columns))
        for columns in (
            {"level": 0},
            {"review_probability": 1},
            {"review_probability": 0},
        )
    ),
    *(
        ("reviewqueue_segment_shadow_has_its_share", broken(World.segment, **columns))
        for columns in (
            {"shadow_share": -0.1},
            {"shadow_share": 1.0},
            {"shadow": {"level": 1}},
        )
    ),
    *(
        ("reviewqueue_move_one_step_down_or_all_up", broken(World.move, **columns))
        for columns in (
            {"to_level": 2},
            {"cause": "shadow", "to_level": 0},
            {"to_level": 0},
            {"kind": "withdraw", "from_level": 2},
            {"kind": "withdraw", "to_level": 0},
            {"kind": "other"},
        )
    ),
    ("reviewqueue_move_cause_known", lambda w: w.move(cause="other")),
    # gold and notices
    ("reviewqueue_gold_known", lambda w: w.gold(source="other")),
    ("reviewqueue_gold_known", lambda w: w.gold(label="")),
    (
        "reviewqueue_gold_retired_by_once_retired",
        lambda w: w.gold(retired_by=w.trust.gold.added_by),
    ),
    ("reviewqueue_gold_never_twice", lambda w: w.place()),
    (
        "reviewqueue_goldplacement_pkey",
        lambda w: copy(w.trust.placement, reviewer=w.bob),
    ),
    (
        "reviewqueue_notice_read_once",
        lambda w: copy(w.trust.read, id=w.trust.read.pk + 1),
    ),
    ("reviewqueue_delivery_once", lambda w: copy(w.trust.delivery)),
    (
        "reviewqueue_delivery_next_iff_waiting",
        lambda w: w.deliver(next_at=None),
    ),
    (
        "reviewqueue_delivery_next_iff_waiting",
        lambda w: w.deliver(status="delivered"),
    ),
]
