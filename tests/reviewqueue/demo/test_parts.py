"""Drawn parts: the same every time, with truth that fits what is drawn."""

import numpy as np
import pytest

from predictions.learning.readers import surface
from reviewqueue.demo.parts import HEIGHT, LABELS, WIDTH, draw_parts
from reviewqueue.demo.streams import PAST_SEED, measured_parts, parts, site_of


def test_parts_are_the_same_for_the_same_seed() -> None:
    first, again, other = (draw_parts(6, seed=seed) for seed in (3, 3, 4))

    assert [one.jpeg() for one in first] == [one.jpeg() for one in again]
    assert first[0].jpeg() != other[0].jpeg()


def test_boxes_are_there_for_defects_alone_and_lie_inside() -> None:
    for one in draw_parts(40, seed=9):
        assert one.label in LABELS
        assert bool(one.boxes) == (one.label != "good")
        assert one.grey.shape == (HEIGHT, WIDTH)
        assert 0 <= one.grey.min() <= one.grey.max() <= 1
        for box in one.boxes:
            assert box["class"] == one.label
            assert box["w"] >= 1 <= box["h"]
            assert 0 <= box["x"] <= WIDTH - box["w"]
            assert 0 <= box["y"] <= HEIGHT - box["h"]


def test_kept_measures_are_what_the_reader_measures_now() -> None:
    kept = measured_parts()

    assert len(kept) == 200
    for one, (values, label) in zip(draw_parts(8, seed=PAST_SEED), kept, strict=False):
        now = {f"image_{k}": v for k, v in surface.read(one.jpeg()).values.items()}
        assert label == one.label
        assert values.keys() == now.keys()
        for name, value in values.items():
            assert value == pytest.approx(now[name], rel=0.05, abs=0.01), name


def test_the_demo_has_a_picture_for_every_part() -> None:
    stream = parts(5)

    assert len(stream.files) == len(stream.fields) == len(stream.live)
    assert np.mean([label == "good" for _, label in stream.live]) < 0.7


def test_parts_come_from_two_plants_and_payments_from_nowhere() -> None:
    names = [parts(5).external_id(place) for place in range(46)]

    sites = [site_of("surface-defects", name) for name in names]

    assert set(sites) == {"east", "west"}
    assert sites == [site_of("surface-defects", name) for name in names]
    assert site_of("card-fraud", "tx-00001") == ""
