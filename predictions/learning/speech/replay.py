"""Weeks of entries, made of recorded words: how many people confirm, what gets by.

The entries are put together from single recordings with a seed; nobody said them so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from predictions.declaration_fields import FieldSpec
from predictions.fields.predicted import Predicted
from predictions.learning.speech.entry import read_entry
from predictions.learning.speech.sound import listen
from predictions.learning.speech.terms import DIGITS, RATE, Samples, Sound
from predictions.learning.speech.training import takes_of, train_words
from predictions.learning.speech.words import WordModel

GAP_MS, FIELD_MS = (180, 400), (750, 1100)
NOISE: Final = (0.0005, 0.01)  # between a quiet room and one with machines


@dataclass(frozen=True, slots=True)
class Bank:
    """Recorded words: by speaker and word the takes, in their order."""

    takes: dict[tuple[str, str], list[Samples]]

    @property
    def speakers(self) -> list[str]:
        """Everybody who spoke."""
        return sorted({who for who, _ in self.takes})


@dataclass(slots=True)
class Lesson:
    """Words to learn from, with their speakers."""

    sounds: list[Samples]
    words: list[str]
    speakers: list[str]
    known: set[tuple[str, str, int]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Week:
    """What became of a week's entries; `n_new` are of speakers who began that week.

    `n_wrong`: of those that nobody confirmed, how many hold a wrong value.
    """

    number: int
    n: int
    n_confirmed: int
    n_passed: int
    n_wrong: int
    n_new: int
    n_new_confirmed: int
    n_lessons: int


@dataclass(frozen=True, slots=True)
class Terms:
    """How it is played. `joins` is the week in which the later half of the speakers
    begin; `first` takes of each word teach the first model, `weekly` are said a week.
    """

    fields: Sequence[FieldSpec]
    least: float
    weeks: int = 6
    entries: int = 100
    first: int = 8
    weekly: int = 2
    joins: int = 3
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Entry:
    sound: Sound
    digits: tuple[str, ...]
    speaker: str
    takes: tuple[int, ...]


def replay_weeks(bank: Bank, terms: Terms) -> list[Week]:
    """Play the weeks: hear each entry, pass it or have it confirmed, learn from those.

    A week says takes that no model has heard. What people confirmed is what the next
    week's model learns from beside what it knew; what passed teaches nothing, for
    nobody said whether it was right. Raises: TooFewWords.
    """
    rng = np.random.default_rng(terms.seed)
    half = (len(bank.speakers) + 1) // 2
    early, late = bank.speakers[:half], bank.speakers[half:]
    lesson = _first_lesson(bank, early, terms)
    weeks = []
    for number in range(1, terms.weeks + 1):
        model = _taught(lesson, terms.seed)
        speakers = early if number < terms.joins else early + late
        new = set(late) if number == terms.joins else set()
        entries = [
            _entry(bank, speakers[i % len(speakers)], number, terms, rng)
            for i in range(terms.entries)
        ]
        weeks.append(_week(number, model, entries, new, lesson, terms))
    return weeks


def _first_lesson(bank: Bank, speakers: Sequence[str], terms: Terms) -> Lesson:
    lesson = Lesson([], [], [])
    for (who, word), takes in sorted(bank.takes.items()):
        if who in speakers:
            for one in takes[: terms.first]:
                _teach(lesson, one, word, who)
    return lesson


def _teach(lesson: Lesson, sound: Samples, word: str, speaker: str) -> None:
    lesson.sounds.append(sound)
    lesson.words.append(word)
    lesson.speakers.append(speaker)


def _taught(lesson: Lesson, seed: int) -> WordModel:
    takes = takes_of(lesson.sounds, lesson.words, lesson.speakers, seed=seed)
    return train_words(takes, seed=seed)[0]


def _entry(
    bank: Bank, who: str, week: int, terms: Terms, rng: np.random.Generator
) -> _Entry:
    """Put an entry together of this week's takes, field after field."""
    digits: list[str] = []
    used: list[int] = []
    parts = [np.zeros(RATE // 3)]
    for spec in terms.fields:
        for place in range(spec.spoken.digits if spec.spoken else 0):
            word = DIGITS[int(rng.integers(10))]
            low = terms.first + (week - 1) * terms.weekly
            takes = bank.takes[who, word]
            used.append((low + int(rng.integers(terms.weekly))) % len(takes))
            take = takes[used[-1]]
            is_last = spec.spoken is not None and place == spec.spoken.digits - 1
            pause = rng.integers(*(FIELD_MS if is_last else GAP_MS))
            loudest = max(1e-6, float(np.abs(take).max()))
            parts += [take * (0.5 / loudest), np.zeros(RATE * int(pause) // 1000)]
            digits.append(word)
    whole = np.concatenate(parts)
    level = np.exp(rng.uniform(*np.log(NOISE)))
    noisy = whole + rng.normal(0, level, len(whole))
    return _Entry(Sound(noisy, 0.0), tuple(digits), who, tuple(used))


def _week(
    number: int,
    model: WordModel,
    entries: Sequence[_Entry],
    new: set[str],
    lesson: Lesson,
    terms: Terms,
) -> Week:
    confirmed: list[_Entry] = []
    n_wrong = 0
    for one in entries:
        said = _read(model, one, terms)
        if said.is_unsure(terms.fields, terms.least):
            confirmed.append(one)
        else:
            n_wrong += said.values != _truth(one, terms)
    for one in confirmed:
        _learn(lesson, one)
    return Week(
        number,
        n=len(entries),
        n_confirmed=len(confirmed),
        n_passed=len(entries) - len(confirmed),
        n_wrong=n_wrong,
        n_new=sum(one.speaker in new for one in entries),
        n_new_confirmed=sum(one.speaker in new for one in confirmed),
        n_lessons=len(lesson.words),
    )


def _read(model: WordModel, one: _Entry, terms: Terms) -> Predicted:
    told = read_entry(model.hear(one.sound), terms.fields)
    return Predicted(
        {
            name: said["value"]
            for name, said in told.items()
            if said["value"] is not None
        },
        {
            name: said["confidence"]
            for name, said in told.items()
            if "confidence" in said
        },
        {name: said["evidence"] for name, said in told.items()},
    )


def _truth(one: _Entry, terms: Terms) -> dict[str, object]:
    """Return what the words mean, by the rules that read them when they are sure."""
    values: dict[str, object] = {}
    place = 0
    for spec in terms.fields:
        n = spec.spoken.digits if spec.spoken else 0
        text = "".join(
            str(DIGITS.index(word)) for word in one.digits[place : place + n]
        )
        place += n
        if spec.type == "text":
            values[spec.name] = text
        elif spec.type == "integer":
            values[spec.name] = int(text)
        else:
            decimals = spec.spoken.decimals if spec.spoken else 0
            values[spec.name] = int(text) / 10**decimals
    return values


def _learn(lesson: Lesson, one: _Entry) -> None:
    """Learn each word of a confirmed entry, where the cut gives as many as were said.

    A take is learnt once, however many entries were put together of it: the held-out
    words by which confidences are calibrated must be others.
    """
    pieces = listen(one.sound).pieces
    if len(pieces) != len(one.digits):
        return
    for piece, word, take in zip(pieces, one.digits, one.takes, strict=True):
        key = (one.speaker, word, take)
        if key not in lesson.known:
            lesson.known.add(key)
            sound = one.sound.samples[piece[0] : piece[1]]
            _teach(lesson, sound, word, one.speaker)
