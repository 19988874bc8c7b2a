"""The text of a workflow file, before anybody reads what it declares."""

import string
from typing import Final

FIRST_GATE: Final = "\n[[gates]]"


def without_gates(text: str) -> str:
    """Return a workflow file's text up to its first gate.

    Where the first version comes before anybody asks anything of it: in a file of ours
    gates, approvals and retraining come last.
    """
    return text.partition(FIRST_GATE)[0] + "\n"


def title_fields(title: str) -> set[str]:
    """Return the feature names in a title like `Payment of {amount}`.

    Raises: ValueError for anything but plain names in braces.
    """
    fields = set()
    try:
        parts = list(string.Formatter().parse(title))
    except ValueError as error:
        raise ValueError(f"title: {error}") from error
    for _, name, spec, conversion in parts:
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError(f"title: {{{name}}} is not a plain feature name")
        fields.add(name)
    return fields
