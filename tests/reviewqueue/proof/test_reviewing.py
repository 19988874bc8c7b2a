"""What simulated reviewers say of a case."""

import numpy as np

from predictions.declaration import parse_declaration
from reviewqueue.proof.reviewing import Habits, judgement
from tests.factories.predictions import DECLARATION

CARDS = parse_declaration(DECLARATION.format(slug="cards", name="Cards"))


def said(
    habits: Habits, *, recommended: str | None = "legitimate", is_final: bool = False
) -> dict[str, str]:
    return judgement(
        {"label": recommended} if recommended else None,
        truth="fraud",
        is_final=is_final,
        declaration=CARDS,
        habits=habits,
        rng=np.random.default_rng(0),
    )


def test_who_sees_the_truth_overrides_with_a_reason() -> None:
    assert said(Habits(accuracy=1)) == {
        "label": "fraud",
        "reason_code": "customer_confirmed",
    }


def test_who_follows_confirms_what_is_shown() -> None:
    assert said(Habits(accuracy=1, follows=1)) == {"verdict": "confirm"}


def test_nobody_follows_what_is_withheld() -> None:
    assert said(Habits(accuracy=1, follows=1), recommended=None) == {"label": "fraud"}


def test_who_never_sees_the_truth_says_another_label() -> None:
    assert said(Habits(accuracy=0)) == {"label": "legitimate"}


def test_doubt_is_for_reviewers_not_for_the_last_word() -> None:
    doubtful = Habits(accuracy=1, doubts=1)

    assert said(doubtful) == {"verdict": "unsure"}
    assert said(doubtful, is_final=True)["label"] == "fraud"
