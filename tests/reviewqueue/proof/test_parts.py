"""What is said of the model of part pictures: counts add up, boxes are matched."""

from io import StringIO

import pytest
from django.core.management import call_command

from predictions.learning.training import TrainedModel
from reviewqueue.demo.parts import DEFECTS, NOISE
from reviewqueue.management.commands import prove_parts
from reviewqueue.proof.parts import judged_on, trained_on


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return trained_on(150, seed=2, algorithm="logistic")


def test_counts_add_up_and_most_is_found(model: TrainedModel) -> None:
    judged = judged_on(model, 40, seed=5, noise=NOISE)

    labels = judged.labels.values()
    assert sum(one.n_true for one in labels) == judged.n == 40
    assert sum(one.n_called for one in labels) == 40
    assert sum(one.n_right for one in labels) >= 0.75 * 40
    for name in DEFECTS:
        one = judged.labels[name]
        assert one.n_found <= one.n_boxes
        assert 0 <= one.overlap <= one.n_boxes
    n_boxes = sum(one.n_boxes for one in labels)
    assert sum(one.n_found for one in labels) >= 0.5 * n_boxes


def test_the_command_prints_a_line_for_each_label_and_noise(
    model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prove_parts, "trained_on", lambda n, *, seed: model)
    out = StringIO()

    call_command("prove_parts", "--test=6", "--seeds=1", stdout=out)

    assert len(out.getvalue().splitlines()) == 2 + 4 * 5
