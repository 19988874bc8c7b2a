"""Maps as pages draw them: cells of a shade side by side are one stripe."""

import base64

from reviewqueue.anomaly_maps import Stripe, found_in, heat_of


def test_cells_of_the_same_shade_become_stripes() -> None:
    levels = bytes([0, 39, 40, 49, 50, 255, 255, 60])
    data = {"width": 4, "height": 2, "levels": base64.b64encode(levels).decode()}

    heat = heat_of(data)

    assert heat is not None
    assert heat.stripes == (
        Stripe(2, 0, 2, 1),
        Stripe(0, 1, 1, 2),
        Stripe(1, 1, 2, 4),
        Stripe(3, 1, 1, 3),
    )


def test_evidence_of_readers_without_a_map_draws_none() -> None:
    found = found_in({"voice": {"words": []}})

    assert found["voice"].marks == ()
    assert found["voice"].heat is None
    assert heat_of({"width": 1, "height": 1, "levels": "no base64!"}) is None
