"""Notes of a complaints desk, made up by a seeded generator: no corpus, no person.

Each note says something that needs somebody today, or does not; with things that only
sound urgent, negations and misspellings. Personal data is planted, and its places are
known: also in forms that the finders are known to miss. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from predictions.personal.finders import Found

URGENT, ROUTINE = "urgent", "routine"
type Said = Literal["any", "known", "new"]
CHANNELS: Final = ("phone", "letter", "web", "counter")
URGENT_SHARE: Final = 0.3
ODD_SHARE: Final = 0.2
WRONG_SHARE: Final = 0.02  # labels that whoever decided got wrong
TYPO_SHARE: Final = 0.04  # of the words

GIVEN: Final = (
    "Anna Peter Maria James Fatima Chen Lucia Omar Grace Viktor Helen Samir Ruth David"
    " Priya Karl Adaeze Bogdan Siobhan Tariq Wioletta Kwame Ingeborg Thabo"
)
FAMILY: Final = (
    "Kovacs Okafor Lindqvist Moreau Hartley Brandt Osei Petrov Silva Tanaka Novak Byrne"
    " Haddad Vermeulen Jansen Achterberg Mbeki Rossi Fields Young"
)
STREETS: Final = "Mill Church Station Victoria Park High Orchard Queens"
WAYS: Final = "Street Road Lane Avenue Close Row"

# What needs somebody today.
_URGENT: Final = (
    "has had chest pain since he was sent home and the surgery does not answer",
    "the wound is bleeding again and she feels faint",
    "was given the wrong dose of insulin twice this week",
    "cannot breathe well since the new inhaler, lips turn blue",
    "the child has had a high fever for five days after the injection",
    "says he does not want to live any more and is alone at home",
    "swollen face and a rash since the first tablet, thinks it is an allergy",
    "fell on the ward last night, nobody looked at the head wound",
    "was left without oxygen overnight because the delivery never came",
    "sudden weakness on one side since this morning, speech is slurred",
    "the pump alarm has been sounding for hours and no nurse comes",
    "took double the tablets because the label was printed wrong",
)
_ROUTINE: Final = (
    "the bill for the private room was sent twice",
    "waited three hours in the outpatient clinic and wants an apology",
    "the letter went to the old address again",
    "parking at the clinic cost too much and the machine was broken",
    "the receptionist was rude about a form",
    "wants a copy of the discharge letter for the insurer",
    "the appointment was moved three times without a call",
    "food on the ward was cold and the menu is always the same",
    "the waiting room is too small and there are no toys",
    "asks when the refund for the crutches will be paid",
    "the web page loses the form when it is sent",
    "praise for the night staff, but the television does not work",
)
# What only sounds urgent, and what sounds calm and is not.
_SOUNDS_URGENT: Final = (
    "no chest pain, no fever, only asks about the bill",
    "his father died of a bleeding stroke ten years ago, he wants the old records",
    "was not left alone and has no pain, the complaint is about parking",
    "urgent, urgent: wants the refund today, the form was lost",
    "the leaflet on allergy and overdose is hard to read, suggests larger print",
    "the wound healed well, the rash is gone, complains about the cold food",
    "the fire alarm test at noon is too loud",
)
_SOUNDS_CALM: Final = (
    "just a question: the tablets look different from last month and he sleeps all day",
    "does not want to make a fuss, but has not passed water since yesterday",
    "otherwise happy, only the cast is so tight that the toes are cold and white",
    "would like to know if it is normal that the stitches have opened",
    "thinks it is nothing, the eye has been dark at the edge since the operation",
)
_AROUND: Final = (
    "Expects an answer in writing.",
    "Was polite.",
    "Very upset on the phone.",
    "Has complained before.",
    "Prefers to be called in the morning.",
    "The ward was told.",
    "Would like to speak to the manager.",
    "Second contact about this.",
)


@dataclass(frozen=True, slots=True)
class Note:
    """A note; `planted` is the personal data in it, by its places."""

    text: str
    channel: str
    days: int
    label: str
    planted: tuple[Found, ...]
    is_odd: bool  # sounds otherwise than it is
    is_wrong: bool  # labelled otherwise than it is


@dataclass
class _Writer:
    """A text as it grows, with what was planted in it."""

    text: str = ""
    planted: list[Found] = field(default_factory=list)

    def say(self, words: str) -> None:
        self.text += words

    def plant(self, words: str, kind: str) -> None:
        start = len(self.text)
        self.text += words
        self.planted.append(Found(start, len(self.text), kind))


def draw_notes(n: int, *, seed: int, said: Said = "any") -> list[Note]:
    """Make up notes, the same for the same seed.

    Of what can be said every fourth sentence is `new`, the others `known`, so that a
    model can be asked about sentences that it never met.
    """
    rng = np.random.default_rng(seed)
    return [_note(rng, said) for _ in range(n)]


def _sentences(known: Sequence[str], said: Said) -> Sequence[str]:
    if said == "any":
        return known
    return [one for at, one in enumerate(known) if (at % 4 == 3) == (said == "new")]


def _note(rng: np.random.Generator, wanted: Said) -> Note:
    is_urgent = bool(rng.random() < URGENT_SHARE)
    plain, odd = (_URGENT, _SOUNDS_CALM) if is_urgent else (_ROUTINE, _SOUNDS_URGENT)
    is_odd = bool(rng.random() < ODD_SHARE)
    said = [_one(rng, _sentences(odd if is_odd else plain, wanted))]
    if rng.random() < 0.35:
        said.append(
            _one(rng, _sentences(_ROUTINE, wanted))
        )  # who is in need complains of parking, too
    writer = _Writer()
    _begin(writer, rng)
    for words in said:
        writer.say(_misspelt(words, rng) + ". ")
    if rng.random() < 0.6:
        writer.say(_one(rng, _AROUND) + " ")
    _end(writer, rng)
    days = int(rng.geometric(0.35 if is_urgent else 0.08))
    is_wrong = bool(rng.random() < WRONG_SHARE)
    label = URGENT if is_urgent != is_wrong else ROUTINE
    channel = _one(rng, CHANNELS)
    planted = tuple(writer.planted)
    text = writer.text.rstrip()
    return Note(text, channel, min(days, 365), label, planted, is_odd, is_wrong)


def _begin(writer: _Writer, rng: np.random.Generator) -> None:
    way, name = rng.integers(6), _name(rng)
    if way == 0:
        writer.say("Call from ")
    elif way == 1:
        writer.say("Mrs ")
    elif way == 2:
        writer.say("Patient ")
    elif way == 3:
        writer.say("Spoke to ")
    elif way == 4:
        name = name.lower()  # typed in a hurry: no finder knows it by its capitals
    else:
        name = name.split()[0]
    writer.plant(name, "person")
    if rng.random() < 0.35:
        writer.say(" (born ")
        writer.plant(_date(rng), "date_of_birth")
        writer.say(")")
    writer.say(": ")


def _end(writer: _Writer, rng: np.random.Generator) -> None:
    if rng.random() < 0.6:
        writer.say(_one(rng, ("Call back on ", "Tel. ", "Mobile: ", "Reachable at ")))
        writer.plant(_phone(rng), "phone")
        writer.say(". ")
    if rng.random() < 0.3:
        writer.say("Mail ")
        given, family = _name(rng).lower().split()
        writer.plant(f"{given}.{family}@example.org", "email")
        writer.say(". ")
    if rng.random() < 0.3:
        writer.say("Lives at ")
        number = rng.integers(1, 200)
        street = f"{_one(rng, STREETS.split())} {_one(rng, WAYS.split())}"
        writer.plant(f"{number} {street}", "address")
        writer.say(". ")
    if rng.random() < 0.3:
        writer.say(_one(rng, ("NHS no. ", "Insurance number ", "Reference ")))
        writer.plant(_number(rng), "number_id")
        writer.say(". ")


def _name(rng: np.random.Generator) -> str:
    return f"{_one(rng, GIVEN.split())} {_one(rng, FAMILY.split())}"


def _date(rng: np.random.Generator) -> str:
    year, month, day = rng.integers((1930, 1, 1), (2015, 13, 29))
    forms = (f"{day:02}/{month:02}/{year}", f"{year}-{month:02}-{day:02}", f"in {year}")
    return _one(rng, forms)


def _phone(rng: np.random.Generator) -> str:
    digits = "".join(map(str, rng.integers(0, 10, 7)))
    forms = (
        f"07700 9{digits[:5]}",
        f"+44 20 7{digits[:3]} {digits[3:7]}",
        f"020-7946-0{digits[:3]}",
        f"{digits[:3]} {digits[3:]}",
    )
    return _one(rng, forms)


def _number(rng: np.random.Generator) -> str:
    digits = "".join(map(str, rng.integers(0, 10, 10)))
    forms = (
        f"{digits[:3]} {digits[3:6]} {digits[6:]}",
        f"{digits[:3]}-{digits[3:5]}-{digits[5:9]}",
        f"AB{digits[:6]}C",
    )
    return _one(rng, forms)


def _misspelt(words: str, rng: np.random.Generator) -> str:
    return " ".join(
        _swapped(word, rng) if len(word) > 4 and rng.random() < TYPO_SHARE else word
        for word in words.split(" ")
    )


def _swapped(word: str, rng: np.random.Generator) -> str:
    at = int(rng.integers(1, len(word) - 2))
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _one(rng: np.random.Generator, known: Sequence[str]) -> str:
    return known[int(rng.integers(len(known)))]
