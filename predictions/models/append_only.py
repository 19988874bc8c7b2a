"""The trigger that makes a table append-only, in the database."""

import pgtrigger


def append_only(name: str = "append_only") -> pgtrigger.Trigger:
    """Refuse UPDATE and DELETE on the table; a correction is a new row."""
    return pgtrigger.Protect(name=name, operation=pgtrigger.Update | pgtrigger.Delete)
