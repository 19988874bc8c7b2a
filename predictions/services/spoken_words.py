"""Read a folder of recorded words: one word a file, and who said it."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from predictions.learning.speech.sound import listen, open_sound
from predictions.learning.speech.terms import DIGITS, Samples
from predictions.media.terms import MediaRefused

LABELS = "labels.csv"
MOST_FILES = 20_000
MOST_BYTES = 10_000_000


class FolderRefused(ValueError):
    """The folder does not hold what can be learnt from; the message says what."""


@dataclass(frozen=True, slots=True)
class RecordedWord:
    """Where a word is recorded, what it is and who said it."""

    path: Path
    word: str
    speaker: str


@dataclass(frozen=True, slots=True)
class RecordedWords:
    """Words in the order of their files; `refused` says of which nothing was learnt."""

    sounds: list[Samples]
    words: list[str]
    speakers: list[str]
    refused: list[str]


def read_words(folder: Path) -> RecordedWords:
    """Read the recordings that a folder's table names, or else all by their names.

    `labels.csv` has columns `file` (below the folder or its `wav`), `word` or `digit`
    and, if it is known, `speaker`. Without it a file is named
    `<word>_<speaker>_<take>.wav`, a digit as `7` or `seven`.
    Raises: FolderRefused; OSError.
    """
    found = list(_listed(folder))
    if not found:
        raise FolderRefused(
            f"{folder.name}: no {LABELS} and no file named WORD_SPEAKER_TAKE.wav"
        )
    if len(found) > MOST_FILES:
        raise FolderRefused(f"{len(found)} recordings, at most {MOST_FILES} are read")
    read = RecordedWords([], [], [], [])
    for one in found:
        try:
            samples = _word_in(one.path)
        except (MediaRefused, FolderRefused) as error:
            read.refused.append(f"{one.path.name}: {error}")
            continue
        read.sounds.append(samples)
        read.words.append(one.word)
        read.speakers.append(one.speaker)
    return read


def _listed(folder: Path) -> Iterator[RecordedWord]:
    table = folder / LABELS
    if not table.exists():
        for path in sorted(folder.rglob("*.wav")):
            word, _, rest = path.stem.partition("_")
            yield RecordedWord(path, _word(word), rest.rpartition("_")[0])
        return
    with table.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            word = row.get("word") or row.get("digit") or ""
            if not row.get("file") or not word:
                raise FolderRefused(f"{LABELS}: columns `file` and `word` are needed")
            yield RecordedWord(
                _path(folder, row["file"]), _word(word), row.get("speaker") or ""
            )


def _path(folder: Path, name: str) -> Path:
    direct = folder / name
    return direct if direct.exists() else folder / "wav" / name


def _word(text: str) -> str:
    text = text.strip().lower()
    return DIGITS[int(text)] if text in set("0123456789") else text


def _word_in(path: Path) -> Samples:
    """Return what is said in a recording. Raises: FolderRefused, MediaRefused."""
    if path.stat().st_size > MOST_BYTES:
        raise FolderRefused(f"more than {MOST_BYTES} bytes")
    sound = open_sound(path.read_bytes())
    pieces = listen(sound).pieces
    if not pieces:  # cut so closely that nothing quiet is left around it
        return sound.samples
    return sound.samples[pieces[0][0] : pieces[-1][1]]
