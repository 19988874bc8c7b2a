"""Steps that a trace shows, where this process is traced; nothing happens otherwise.

The process says how a step is begun (`config.otel`): no other module knows of it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

type Facts = dict[str, str | int]
type Begin = Callable[[str, Facts], AbstractContextManager[object]]


@dataclass(slots=True)
class _Steps:
    begin: Begin | None = None


_steps = _Steps()


def show_steps(begin: Begin | None) -> None:
    """Say how steps are begun from now on; None: they are not."""
    _steps.begin = begin


@contextmanager
def step(name: str, **facts: str | int) -> Iterator[None]:
    """Show what is done in this block as one step, with ids and counts.

    Never give it what an item holds: facts leave the machine.
    """
    if _steps.begin is None:
        yield
        return
    with _steps.begin(name, facts):
        yield
