"""A person's own keys on the reviewer's page: what may be changed, and to what.

1 to 9 always choose a label and are not for change.
"""

import re
from collections import defaultdict
from collections.abc import Mapping

from ui.keys import SHORTCUTS

DEFAULT_KEYS: Mapping[str, str] = {
    verb: key for verb, (key, _) in SHORTCUTS.items() if not verb.startswith("label-")
}
LABEL_KEYS = frozenset("123456789")
_ONE_KEY = re.compile(r"^[a-z0/?.,;'\[\]\\=-]$")


class InvalidKeyBindingsError(ValueError):
    """The bindings break a rule; `errors` says which, by verb."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__("; ".join(f"{verb}: {why}" for verb, why in errors.items()))


def effective_keys(own: Mapping[str, str]) -> dict[str, str]:
    """Return the key of every verb: the person's own where set, else the default."""
    return {verb: own.get(verb, key) for verb, key in DEFAULT_KEYS.items()}


def check_keys(own: Mapping[str, str]) -> None:
    """Check a person's own keys against the rules and against each other.

    Raises: InvalidKeyBindingsError naming each verb at fault.
    """
    errors = {verb: _fault(verb, key) for verb, key in own.items() if _fault(verb, key)}
    if not errors:
        errors = _conflicts(effective_keys(own))
    if errors:
        raise InvalidKeyBindingsError(errors)


def _fault(verb: str, key: str) -> str:
    if verb not in DEFAULT_KEYS:
        return "There is no such action."
    if key in LABEL_KEYS:
        return f"{key!r} is taken: 1 to 9 choose a label."
    if not _ONE_KEY.match(key):
        return (
            f"{key!r} is not one lower-case letter, 0 or one of / ? . , ; ' [ ] \\ = -."
        )
    return ""


def _conflicts(keys: Mapping[str, str]) -> dict[str, str]:
    verbs: dict[str, list[str]] = defaultdict(list)
    for verb, key in keys.items():
        verbs[key].append(verb)
    return {
        verb: f"{key!r} is also the key for {', '.join(o for o in same if o != verb)}."
        for key, same in verbs.items()
        if len(same) > 1
        for verb in same
    }
