"""The reader of surfaces: what it finds, where, and that no bytes upset it."""

import base64
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from predictions.learning.readers.catalogue import READERS
from predictions.learning.readers.pictures import open_picture
from predictions.learning.readers.surface import read
from predictions.learning.readers.surface_columns import SURFACE_COLUMNS
from predictions.learning.readers.terms import Reading, Unreadable
from reviewqueue.demo.parts import draw_part, draw_parts

COLUMNS = {one.name for one in SURFACE_COLUMNS}


def png(grey: np.ndarray) -> bytes:
    target = io.BytesIO()
    Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).save(target, "PNG")
    return target.getvalue()


def surface(seed: int = 0, *, size: tuple[int, int] = (96, 128)) -> np.ndarray:
    return np.random.default_rng(seed).normal(120, 3, size)


@pytest.mark.parametrize(
    ("size", "longest"),
    [
        ((300, 401), 32),
        ((90, 1000), 64),
        ((1, 5000), 64),
        ((64, 64), 64),
        ((97, 80), 64),
    ],
)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_picture_is_reduced_as_a_whole_would_be(
    size: tuple[int, int], longest: int, kind: type
) -> None:
    top = np.iinfo(kind).max
    random = np.random.default_rng(1)
    pixels: np.ndarray = random.integers(0, top, size, dtype=kind, endpoint=True)
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "PNG")

    picture = open_picture(target.getvalue(), longest_side=longest)

    ratio = longest / max(size)
    rows, columns = (max(1, round(n * ratio)) if ratio < 1 else n for n in size)
    whole = Image.fromarray(pixels.astype(np.float32) / top)
    expected = whole.resize((columns, rows), Image.Resampling.BOX, reducing_gap=2.0)
    assert np.array_equal(picture.grey, np.asarray(expected))
    assert (picture.width, picture.height) == (size[1], size[0])


def levels(reading: Reading) -> np.ndarray:
    heat = reading.evidence["heat"]
    cells = np.frombuffer(base64.b64decode(heat["levels"]), dtype=np.uint8)
    return cells.reshape(heat["height"], heat["width"])


def test_columns_stay_as_stored_values_and_models_know_them() -> None:
    assert [one.name for one in SURFACE_COLUMNS] == [
        "peak",
        "contrast",
        "area",
        "length",
        "width",
        "elongation",
        "orientation",
        "solidity",
        "sharpness",
        "roughness",
        "edge_distance",
        "n_marks",
        "marked_area",
        "dark_share",
        "fine_peak",
        "coarse_peak",
        "noise",
        "brightness",
        "shading",
        "clipped",
    ]
    assert READERS["surface"].version == 1


def test_an_even_surface_has_no_mark() -> None:
    reading = read(png(surface()))

    assert reading.values["n_marks"] == 0
    assert reading.evidence["regions"] == []
    assert "peak" not in reading.values
    assert reading.values["brightness"] == pytest.approx(120 / 255, abs=0.01)
    assert levels(reading).shape == (36, 48)


def test_a_dark_hole_is_found_where_it_is() -> None:
    grey = surface()
    grey[40:50, 60:72] -= 60

    reading = read(png(grey))

    (region,) = reading.evidence["regions"]
    assert abs(region["x"] - 60) <= 2
    assert abs(region["y"] - 40) <= 2
    assert abs(region["w"] - 12) <= 4
    assert abs(region["h"] - 10) <= 4
    assert reading.values["contrast"] < -0.1
    assert reading.values["dark_share"] == 1
    assert reading.values["edge_distance"] == pytest.approx(0.46, abs=0.03)
    assert set(reading.values) == COLUMNS
    # the map that is shown is the one that it was found on
    row, column = np.unravel_index(np.argmax(levels(reading)), (36, 48))
    assert int(row) == pytest.approx(45 * 36 / 96, abs=3)
    assert int(column) == pytest.approx(66 * 48 / 128, abs=3)


def test_a_line_is_long_and_knows_its_direction() -> None:
    grey = surface()
    for i in range(60):
        grey[20 + i // 2, 30 + i : 33 + i] += 40

    values = read(png(grey)).values

    assert values["elongation"] > 0.8
    assert values["orientation"] == pytest.approx(26.6, abs=4)
    assert values["contrast"] > 0.03


def test_light_from_one_side_is_no_mark() -> None:
    grey = surface() + np.linspace(-60, 60, 128)

    values = read(png(grey)).values

    assert values["n_marks"] == 0
    assert values["shading"] > 0.2


def test_boxes_lie_in_the_pixels_of_a_larger_file() -> None:
    grey = surface(size=(1200, 1600))
    grey[600:660, 1000:1080] -= 60

    region = read(png(grey)).evidence["regions"][0]

    assert region["x"] == pytest.approx(1000, abs=12)
    assert region["y"] == pytest.approx(600, abs=12)
    assert region["w"] == pytest.approx(80, abs=24)


def test_reading_is_the_same_every_time() -> None:
    data = draw_part("scratch", np.random.default_rng(4)).jpeg()

    assert read(data) == read(data)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16", "CMYK"])
def test_every_kind_of_picture_that_is_kept_is_read(mode: str) -> None:
    grey = Image.fromarray(surface().astype(np.uint8))
    deep = Image.new("I;16", grey.size, 30_000)
    image = deep if mode == "I;16" else grey.convert(mode)
    target = io.BytesIO()
    image.save(target, "JPEG" if mode == "CMYK" else "PNG")

    values = read(target.getvalue()).values

    assert 0 <= values["brightness"] <= 1


@pytest.mark.parametrize(
    "data", [b"", b"no picture", png(np.zeros((8, 8))), png(surface())[:-300]]
)
def test_what_is_no_surface_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read(data)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    size=st.tuples(st.integers(32, 90), st.integers(32, 90)),
    spread=st.sampled_from((0.0, 1.0, 200.0)),
    blocks=st.integers(0, 30),
)
def test_any_picture_gives_finite_values_and_boxes_inside(
    seed: int, size: tuple[int, int], spread: float, blocks: int
) -> None:
    rng = np.random.default_rng(seed)
    grey = rng.normal(120, spread, size)
    for _ in range(blocks):
        y, x = rng.integers(0, size[0]), rng.integers(0, size[1])
        height, width = rng.integers(1, 40, 2)
        grey[y : y + height, x : x + width] = rng.integers(256)

    reading = read(png(grey))

    assert set(reading.values) <= COLUMNS
    assert np.isfinite(list(reading.values.values())).all()
    for region in reading.evidence["regions"]:
        assert region["w"] >= 1
        assert region["h"] >= 1
        assert region["x"] + region["w"] <= size[1]
        assert region["y"] + region["h"] <= size[0]
        assert 0 <= region["strength"] < 1


def test_most_drawn_defects_are_found_and_good_parts_are_mostly_clean() -> None:
    parts = draw_parts(60, seed=11)
    found = [read(one.jpeg()).values["n_marks"] > 0 for one in parts]
    defects = [hit for hit, one in zip(found, parts, strict=True) if one.boxes]
    good = [hit for hit, one in zip(found, parts, strict=True) if not one.boxes]

    assert np.mean(defects) >= 0.85
    assert np.mean(good) <= 0.5  # dust lies on some
