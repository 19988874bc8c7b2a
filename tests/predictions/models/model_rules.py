"""Ways to break what the database guards of items, predictions and versions."""

from collections.abc import Callable

from tests.reviewqueue.models.constraint_world import World, copy

REFUSED: list[tuple[str, Callable[[World], object]]] = [
    (
        "predictions_item_external_id_unique",
        lambda w: copy(w.spare, external_id="tx-0"),
    ),
    (
        "predictions_prediction_unique",
        lambda w: w.predict(item_id=w.held.item_id),
    ),
    ("predictions_prediction_probability_in_unit", lambda w: w.predict(probability=2)),
    ("predictions_prediction_confidence_in_unit", lambda w: w.predict(confidence=-1)),
    ("predictions_prediction_novelty_in_unit", lambda w: w.predict(novelty=0)),
    ("predictions_model_number_unique", lambda w: w.version(number=1)),
    ("predictions_model_one_champion", lambda w: w.version(stage="champion")),
    ("predictions_model_stage_known", lambda w: w.version(stage="other")),
    ("predictions_model_threshold_in_unit", lambda w: w.version(threshold=1)),
    ("predictions_model_has_its_source", lambda w: w.version(artifact="")),
    ("predictions_model_has_its_source", lambda w: w.version(endpoint="http")),
    ("predictions_model_has_its_source", lambda w: w.version(kind="http")),
    (
        "predictions_model_share_is_a_challengers",
        lambda w: w.version(route_share=0.1),
    ),
    (
        "predictions_model_share_is_a_challengers",
        lambda w: w.version(stage="challenger", route_share=0.6),
    ),
    (
        "predictions_quarantine_status_known",
        lambda w: w.quarantine(status="other", resolved_at=w.now),
    ),
    (
        "predictions_quarantine_resolved_iff_closed",
        lambda w: w.quarantine(status="discarded"),
    ),
]
