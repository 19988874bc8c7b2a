"""Words of a text as numbers, and where they stand in it. Pure, and light to import.

A word is a run of letters with the marks that belong to them; what is told apart is
its folded form, by a 15-bit hash. Places are counted in characters (Unicode code
points) of the text as it was sent, whatever folding does to it.
"""

import base64
import binascii
import re
import unicodedata
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Different words beyond these are not read: what a row takes is bounded.
MAX_WORDS: Final = 512
N_CODES: Final = 2**15
# A word of one row alone says nothing of others.
MIN_ROWS: Final = 2
# Marks on the letter before, and what is there and not seen.
_MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_UNSEEN = "\u00ad\u200b-\u200f\u2060-\u2064\ufeff"
_LETTER = rf"[^\W\d_][{_MARKS}{_UNSEEN}]*"
_WORD: Final = re.compile(rf"(?:{_LETTER})+(?:['\u2019](?:{_LETTER})+)?")
_DROPPED: Final = re.compile(rf"[{_UNSEEN}]")

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]


class Word(NamedTuple):
    """A word at characters `start` to `end`, not included; equal words, equal code."""

    start: int
    end: int
    code: int


def words_of(text: str) -> Iterator[Word]:
    """Return the words of a text, in order."""
    for found in _WORD.finditer(text):
        yield Word(found.start(), found.end(), code_of(found.group()))


@lru_cache(maxsize=65_536)
def code_of(word: str) -> int:
    """Return the code of a word, 0 to 32,767; different words seldom share one."""
    plain = _DROPPED.sub("", word).replace("\u2019", "'")
    folded = unicodedata.normalize("NFKC", plain).casefold()
    return zlib.crc32(folded.encode("utf-8", "surrogatepass")) % N_CODES


def word_cells(text: object) -> list[float]:
    """Return the codes of the first 512 different words, in order of appearance."""
    if not isinstance(text, str):
        return []
    seen = dict.fromkeys(code for _, _, code in words_of(text))
    return [float(code) for code in seen][:MAX_WORDS]


def known_codes(cells: Floats) -> Flags:
    """Return which codes [32,768] at least two rows of cells [n, 512] have."""
    codes = cells[~np.isnan(cells)].astype(np.intp)
    return np.bincount(codes, minlength=N_CODES) >= MIN_ROWS


def unknown_shares(cells: Floats, known: Flags | None) -> Floats:
    """Return the share [n] of the words of each row that are not known, 0..1.

    NaN where a row has no words; 0 where nothing is known of what is known.
    """
    is_word = ~np.isnan(cells)
    n = is_word.sum(axis=1)
    if known is None:
        return np.where(n > 0, 0.0, np.nan)
    codes = np.where(is_word, cells, 0).astype(np.intp)
    n_unknown = (is_word & ~known[codes]).sum(axis=1)
    shares: Floats = np.full(len(n), np.nan)
    np.divide(n_unknown, n, out=shares, where=n > 0)
    return shares


def packed(known: Flags) -> str:
    """Return flags [32,768] as text: no word can be read from it."""
    return base64.b64encode(zlib.compress(np.packbits(known).tobytes(), 9)).decode()


@lru_cache(maxsize=32)
def unpacked(text: str) -> Flags:
    """Return the flags that `packed` was given. Raises: ValueError."""
    try:
        reader = zlib.decompressobj()
        data = reader.decompress(base64.b64decode(text, validate=True), N_CODES // 8)
    except (binascii.Error, zlib.error) as error:
        raise ValueError("known: no packed set of words") from error
    flags = np.unpackbits(np.frombuffer(data, dtype=np.uint8)).astype(np.bool_)
    if flags.shape != (N_CODES,):
        raise ValueError("known: no packed set of words")
    return flags
