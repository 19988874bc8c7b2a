"""Draw pictures of machined parts with scratches, pits and stains. Seeded; generated.

No camera has seen any of them: they are for the demo, for tests and for saying what
the model can do where the truth is known to the pixel.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

WIDTH: Final = 256
HEIGHT: Final = 192
GOOD: Final = "good"
DEFECTS: Final = ("scratch", "pit", "stain")
LABELS: Final = (GOOD, *DEFECTS)
SHARES: Final = (0.4, 0.2, 0.2, 0.2)
QUALITY: Final = 92
NOISE: Final = 0.018  # of a pixel, of the whole scale
BOX_AT: Final = 0.25  # a box reaches as far as this share of a defect's peak

type Grey = NDArray[np.float32]
type Box = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A drawn part: brightness [192, 256] in 0..1, its label, and where defects are."""

    grey: Grey
    label: str
    boxes: Sequence[Box]

    def jpeg(self) -> bytes:
        """Return the picture as a camera would send it."""
        from PIL import Image  # noqa: PLC0415 -- only where pictures are drawn

        levels = np.clip(np.round(self.grey * 255), 0, 255).astype(np.uint8)
        target = io.BytesIO()
        Image.fromarray(levels).save(target, "JPEG", quality=QUALITY)
        return target.getvalue()


def draw_parts(n: int, *, seed: int, noise: float = NOISE) -> list[Part]:
    """Draw n parts, two in five of them good; the same for the same seed."""
    rng = np.random.default_rng(seed)
    return [
        draw_part(str(rng.choice(LABELS, p=SHARES)), rng, noise=noise) for _ in range(n)
    ]


def draw_part(label: str, rng: np.random.Generator, *, noise: float = NOISE) -> Part:
    """Draw one part with the defects of its label; dust lies on any of them."""
    surface = _surface(rng)
    boxes: list[Box] = []
    for _ in range(_n_defects(label, rng)):
        change = _DRAW[label](rng)
        surface = surface * (1 + change)
        boxes.append(_box(change, label))
    for _ in range(int(rng.poisson(0.7))):
        surface = surface * (1 + _dust(rng))
    surface = surface + noise * rng.standard_normal(surface.shape, dtype=np.float32)
    return Part(np.clip(surface, 0, 1), label, boxes)


def _n_defects(label: str, rng: np.random.Generator) -> int:
    if label == GOOD:
        return 0
    return 1 + int(rng.random() < 0.25) + (int(rng.integers(0, 3)) * (label == "pit"))


@cache
def _grid() -> tuple[Grey, Grey]:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    return rows, columns


def _around(row: float, column: float, reach: int) -> tuple[slice, slice]:
    """Return the window of so many pixels around a place: the rest stays as it is."""
    return (
        slice(max(0, int(row) - reach), int(row) + reach + 1),
        slice(max(0, int(column) - reach), int(column) + reach + 1),
    )


def _surface(rng: np.random.Generator) -> Grey:
    """Draw brushed metal under light that falls off to one side."""
    rows, columns = _grid()
    angle, fall = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.35)
    level = rng.uniform(0.42, 0.62)
    down = level * fall * np.sin(angle) * (rows[:, :1] / HEIGHT - 0.5)
    across = level * fall * np.cos(angle) * (columns[:1] / WIDTH - 0.5)
    lines = rng.normal(0, 1, (HEIGHT, 1)) * 0.02
    shine = 0.06 * np.exp(-(((rows[:, :1] / HEIGHT - rng.uniform(0, 1)) / 0.25) ** 2))
    grain = rng.normal(0, 0.008, (HEIGHT, WIDTH // 32)).repeat(32, axis=1)
    brushed: Grey = ((level - down - across) * (1 + lines + shine + grain)).astype(
        np.float32
    )
    return brushed


def _place(rng: np.random.Generator) -> tuple[float, float]:
    return rng.uniform(0.12, 0.88) * HEIGHT, rng.uniform(0.12, 0.88) * WIDTH


def _scratch(rng: np.random.Generator) -> Grey:
    """A thin bent line, brighter or darker than what it runs through."""
    rows, columns = _grid()
    row, column = _place(rng)
    angle, length = rng.uniform(0.1, np.pi - 0.1), rng.uniform(32, 120)
    along = (columns - column) * np.cos(angle) + (rows - row) * np.sin(angle)
    across = (rows - row) * np.cos(angle) - (columns - column) * np.sin(angle)
    across = across - rng.uniform(-0.0015, 0.0015) * along**2
    ends = 1 / (1 + np.exp((np.abs(along) - length / 2) / 2))
    strength = rng.uniform(0.05, 0.25) * rng.choice((-1, 1))
    width = rng.uniform(0.7, 1.6)
    line: Grey = strength * ends * np.exp(-0.5 * (across / width) ** 2)
    return line


def _pit(rng: np.random.Generator) -> Grey:
    """A small dark hole with a bright rim on one side."""
    row, column = _place(rng)
    window = _around(row, column, 16)
    rows, columns = (axis[window] for axis in _grid())
    radius, squash = rng.uniform(1.8, 5.5), rng.uniform(0.75, 1.3)
    far = np.hypot((rows - row) * squash, (columns - column) / squash)
    hole = 1 / (1 + np.exp((far - radius) / 0.7))
    rim = np.exp(-(((far - radius - 1.2) / 1.1) ** 2)) * (rows < row)
    return _placed(window, -rng.uniform(0.12, 0.45) * hole + 0.10 * rim)


def _placed(window: tuple[slice, slice], values: Grey) -> Grey:
    change = np.zeros((HEIGHT, WIDTH), dtype=np.float32)
    change[window] = values
    return change


def _stain(rng: np.random.Generator) -> Grey:
    """A broad soft patch of uneven outline."""
    rows, columns = _grid()
    row, column = _place(rng)
    total = np.zeros((HEIGHT, WIDTH))
    size = rng.uniform(10, 23)
    for _ in range(4):
        dy, dx = rng.normal(0, size * 0.5, 2)
        spread = size * rng.uniform(0.5, 0.9)
        far = ((rows - row - dy) ** 2 + (columns - column - dx) ** 2) / spread**2
        total += np.exp(-0.5 * far)
    sign = rng.choice((-1, 1), p=(0.75, 0.25))
    patch: Grey = (sign * rng.uniform(0.025, 0.13) * total / total.max()).astype(
        np.float32
    )
    return patch


def _dust(rng: np.random.Generator) -> Grey:
    """A speck or a short fibre: nothing to reject a part for."""
    row, column = _place(rng)
    window = _around(row, column, 12)
    rows, columns = (axis[window] for axis in _grid())
    angle, length = rng.uniform(0, np.pi), rng.choice((1.0, 1.0, 5.0))
    along = (columns - column) * np.cos(angle) + (rows - row) * np.sin(angle)
    across = (rows - row) * np.cos(angle) - (columns - column) * np.sin(angle)
    far = (along / length) ** 2 + across**2
    size = rng.uniform(0.7, 1.1)
    return _placed(window, rng.uniform(0.06, 0.2) * np.exp(-0.5 * far / size**2))


_DRAW = {"scratch": _scratch, "pit": _pit, "stain": _stain}


def _box(change: Grey, label: str) -> Box:
    inside = np.abs(change) >= BOX_AT * np.abs(change).max()
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    return {
        "x": int(columns[0]),
        "y": int(rows[0]),
        "w": int(columns[-1] - columns[0] + 1),
        "h": int(rows[-1] - rows[0] + 1),
        "class": label,
    }
