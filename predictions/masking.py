"""What is masked in the values of an item, as its workflow declares it.

Models and people see the same: whoever may see what lies under a mask asks for it.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from predictions.declaration import Declaration
from predictions.personal.finders import Found, find_personal, masked

type Places = Sequence[tuple[int, int]]
# By the name of the text, what people marked in it.
type Marks = Mapping[str, Places]

MIN_SECRET = 3  # letters of a name that is looked for elsewhere


def is_masking(declaration: Declaration) -> bool:
    """Say whether any text of the workflow is masked."""
    return bool(declaration.masked)


def masked_values(
    features: Mapping[str, Any], declaration: Declaration, marks: Marks | None = None
) -> Mapping[str, Any]:
    """Return the values with personal data masked, each text as long as it was.

    Found by the finders of each text, and as people marked it. Where the workflow masks
    anything, so it does in what no feature declares. Without masks, what was given.
    """
    if not declaration.masked:
        return features
    kinds, declared = declaration.masked_kinds, declaration.feature
    return {
        name: _masked(value, declaration.masked[name], (marks or {}).get(name, ()))
        if name in declaration.masked
        else value
        if declared(name) is not None
        else masked_json(value, kinds)
        for name, value in features.items()
    }


def masked_json(value: Any, kinds: Collection[str]) -> Any:  # noqa: ANN401 -- JSON
    """Return JSON with personal data masked in every text of it."""
    if isinstance(value, str):
        return _masked(value, tuple(sorted(kinds)), ())
    if isinstance(value, Mapping):
        return {name: masked_json(one, kinds) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [masked_json(one, kinds) for one in value]
    return value


def unmasked_json(
    sent: Any,  # noqa: ANN401 -- JSON
    before: Any,  # noqa: ANN401 -- JSON
    kinds: Collection[str],
) -> Any:  # noqa: ANN401 -- JSON
    """Return what was sent back, with each text that is as it was shown unmasked.

    `before` is what was masked for whoever corrected it: a mask must not be stored.
    """
    if isinstance(sent, str) and isinstance(before, str):
        return before if kinds and sent == masked_json(before, kinds) else sent
    if isinstance(sent, Mapping) and isinstance(before, Mapping):
        return {
            name: unmasked_json(one, before.get(name), kinds)
            for name, one in sent.items()
        }
    if isinstance(sent, list) and isinstance(before, list):
        pairs = zip(sent, before, strict=False)
        known = [unmasked_json(one, other, kinds) for one, other in pairs]
        return [*known, *sent[len(known) :]]
    return sent


def secrets_of(
    features: Mapping[str, Any], declaration: Declaration, marks: Marks | None = None
) -> frozenset[str]:
    """Return what is masked in an item, whole and by its words."""
    found: set[str] = set()
    for name, kinds in declaration.masked.items():
        text = features.get(name)
        if isinstance(text, str):
            for start, end in _places(text, kinds, (marks or {}).get(name, ())):
                found |= {text[start:end], *re.findall(r"[^\W\d_]+", text[start:end])}
    return frozenset(one for one in found if len(one) >= MIN_SECRET)


def masked_words(
    text: str, declaration: Declaration, secrets: Iterable[str] = ()
) -> str:
    """Return what somebody wrote beside an item, masked like the item itself.

    `secrets` are looked for as they are, in capitals or not, as whole words.
    """
    if not declaration.masked or not text:
        return text
    places: list[tuple[int, int]] = [
        (one.start, one.end) for one in _found(text, tuple(declaration.masked_kinds))
    ]
    wanted = sorted(secrets, key=len, reverse=True)
    if wanted:
        said = "|".join(re.escape(one) for one in wanted)
        pattern = re.compile(rf"(?<!\w)(?:{said})(?!\w)", re.IGNORECASE)
        places += [one.span() for one in pattern.finditer(text)]
    return masked(text, places)


def _masked(value: Any, kinds: tuple[str, ...], marks: Places) -> Any:  # noqa: ANN401 -- as it was sent
    if not isinstance(value, str):
        return masked_json(value, kinds) if value is not None else None
    return masked(value, _places(value, kinds, marks))


def _places(text: str, kinds: tuple[str, ...], marks: Places) -> list[tuple[int, int]]:
    return [*((one.start, one.end) for one in _found(text, kinds)), *marks]


@lru_cache(maxsize=256)
def _found(text: str, kinds: tuple[str, ...]) -> tuple[Found, ...]:
    return tuple(find_personal(text, kinds))
