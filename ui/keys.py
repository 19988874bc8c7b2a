"""The single-key shortcuts: what each does, its default and a person's own choice."""

from collections.abc import Mapping
from typing import Final

# Action -> (key, what it does). Elements name the action in `data-key-action`.
SHORTCUTS: Final[Mapping[str, tuple[str, str]]] = {
    "confirm": ("c", "Confirm the recommendation"),
    **{f"label-{n}": (str(n), f"Choose label {n}") for n in range(1, 10)},
    "unsure": ("0", "Cannot tell"),
    "escalate": ("e", "Escalate"),
    "skip": ("s", "Skip"),
    "snooze": ("z", "Snooze"),
    "undo": ("u", "Undo the last decision"),
    "note": ("n", "Write a note"),
    "fields": ("f", "Go to the first field"),
    "picture": ("v", "Go to the picture"),
    "regions": ("r", "Show the marks that were found in a picture"),
    "heat": ("h", "Show the heat map over a picture"),
    "words": ("w", "Show the words that moved the score"),
    "compare": ("g", "Show a good one beside a picture"),
    "draw": ("b", "Draw a region in a picture"),
    "play": ("p", "Play or stop the recording"),
    "piece": ("l", "Play the piece of the next field"),
    "next": ("j", "Next in the list"),
    "previous": ("k", "Previous in the list"),
    "search": ("/", "Search"),
    "help": ("?", "Show the keys"),
}


def key_map(own: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the key of every action, a person's own choices over the defaults.

    Unknown actions and anything but one character are ignored.
    """
    keys = {action: key for action, (key, _) in SHORTCUTS.items()}
    for action, key in (own or {}).items():
        if action in keys and len(key) == 1:
            keys[action] = key.lower()
    return keys


def conflicts(keys: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the keys that more than one action has, each with its actions."""
    by_key: dict[str, list[str]] = {}
    for action, key in keys.items():
        by_key.setdefault(key, []).append(action)
    return {key: actions for key, actions in by_key.items() if len(actions) > 1}
