"""What simulated reviewers say, by their habits."""

import numpy as np
import pytest

from reviewqueue.replay.options import Habits
from reviewqueue.replay.people import judged


@pytest.mark.parametrize(
    ("shown", "habits", "share"),
    [
        ("", Habits(accuracy=0.9, follows=0.5), 0.9),
        ("fraud", Habits(accuracy=0.9, follows=0.5), 0.9),  # right: nothing to follow
        ("legitimate", Habits(accuracy=1.0, follows=0.3), 0.7),
        ("legitimate", Habits(accuracy=0.9, follows=0.3), 0.63),
    ],
)
def test_people_err_and_follow_as_often_as_they_are_told(
    shown: str, habits: Habits, share: float
) -> None:
    rng = np.random.default_rng(1)

    said = [
        judged(
            "fraud",
            shown=shown,
            label_keys=["legitimate", "fraud"],
            habits=habits,
            rng=rng,
        )
        for _ in range(20_000)
    ]

    assert said.count("fraud") / 20_000 == pytest.approx(share, abs=0.01)
