"""Which readers there are, and the columns of each. Imports nothing heavy.

A reader's columns stay as they are: stored values and trained models mean by them. A
change of how one is measured raises the version; a column that goes or means something
else is another reader, under another name.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from predictions.learning.readers.sound_columns import SOUND_COLUMNS
from predictions.learning.readers.surface_columns import SURFACE_COLUMNS
from predictions.learning.readers.terms import Measured, Reading


@dataclass(frozen=True, slots=True)
class Reader:
    """A named reader of one kind of media; `function` takes the bytes of a file."""

    name: str
    version: int
    kind: str
    columns: tuple[Measured, ...]
    module: str
    function: str = "read"

    def load(self) -> Callable[[bytes], Reading]:
        """Import the code that reads, which takes a second the first time."""
        found: Callable[[bytes], Reading] = getattr(
            importlib.import_module(self.module), self.function
        )
        return found


READERS: Final[Mapping[str, Reader]] = {
    one.name: one
    for one in (
        Reader(
            name="surface",
            version=1,
            kind="image",
            columns=SURFACE_COLUMNS,
            module="predictions.learning.readers.surface",
        ),
        Reader(
            name="sound",
            version=1,
            kind="audio",
            columns=SOUND_COLUMNS,
            module="predictions.learning.readers.sound",
        ),
    )
}
