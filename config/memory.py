"""What a process has loaded stays for its life: the collector need not see it again.

Two hundred thousand objects of modules and models make a full collection take a tenth
of a second, on a busy machine a whole one, which some request would pay for.
Source: `gc.freeze` and `gc.set_threshold` in Python's manual.
"""

import gc
from typing import Final

# Requests make and drop thousands of objects: the youngest are looked at less often.
YOUNGEST: Final = 10_000


def settle() -> None:
    """Take what is loaded by now out of the collector's sight."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNGEST, *gc.get_threshold()[1:])
