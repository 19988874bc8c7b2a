"""Sound to words to values: where words are, what is refused, what fills a field."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictions.declaration_fields import FieldSpec
from predictions.learning.readers.sound import read
from predictions.learning.speech.engines import recogniser_of
from predictions.learning.speech.entry import read_entry
from predictions.learning.speech.features import N_FEATURES, word_features
from predictions.learning.speech.generated import spoken_entry, spoken_word, voice
from predictions.learning.speech.sound import listen, open_sound
from predictions.learning.speech.terms import DIGITS, RATE, Unheard, Word
from predictions.learning.speech.training import TooFewWords, takes_of, train_words
from predictions.learning.speech.words import model_from_data
from predictions.media.sounds import Encoding, write_wav
from tests.factories.speech import SAID, said, trained, wav

BATCH = FieldSpec.model_validate(
    {
        "name": "batch",
        "type": "text",
        "required": True,
        "spoken": {"name": "batch", "digits": 2},
    }
)
TORQUE = FieldSpec.model_validate(
    {
        "name": "torque",
        "type": "number",
        "maximum": 99.9,
        "spoken": {"name": "torque", "digits": 3, "decimals": 1},
    }
)
SPECS = (BATCH, TORQUE)


def words(text: str, *, gap_ms: int = 200, sure: float = 0.9) -> list[Word]:
    """Lay words of 300 ms in a row; `|` is a long pause."""
    at, found = 0, []
    for one in text.split():
        if one == "|":
            at += 900
            continue
        found.append(Word(one, sure, at, at + 300))
        at += 300 + gap_ms
    return found


def test_an_entry_is_heard_where_it_was_said() -> None:
    sound = open_sound(said())
    found = trained().hear(sound)

    assert tuple(word.text for word in found) == SAID
    assert all(word.confidence > 0.9 for word in found)
    edges = [edge for word in found for edge in (word.start_ms, word.end_ms)]
    assert edges == sorted(edges)
    assert edges[-1] <= sound.seconds * 1000


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 48_000])
def test_any_rate_two_channels_and_24_bits_are_read(rate: int) -> None:
    at = np.arange(rate) / rate
    tone = np.round(0.4 * np.sin(2 * np.pi * 440 * at) * (2**23 - 1)).astype("<i4")
    both = np.repeat(tone, 2).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()

    sound = open_sound(write_wav(Encoding(2, rate, 3), both))

    assert abs(sound.seconds - 1) < 0.001
    spectrum = np.abs(np.fft.rfft(sound.samples))
    assert np.argmax(spectrum) * RATE / len(sound.samples) == pytest.approx(440, abs=2)


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        (np.zeros(RATE), "silence"),
        (np.random.default_rng(1).normal(0, 0.1, RATE * 2), "noise"),
        (np.clip(spoken_entry(SAID, voice(0), seed=1) * 40, -1, 1), "clipped"),
        (spoken_entry(SAID, voice(0), seed=1), ""),
    ],
)
def test_what_cannot_be_read_is_said_in_a_word(
    samples: np.ndarray, problem: str
) -> None:
    reading = read(wav(samples))

    assert reading.evidence["problem"] == problem
    heard = trained().hear(open_sound(wav(samples)))
    assert bool(heard) == (problem == "")


def test_a_bang_among_words_is_less_sure_than_words_are() -> None:
    bang = np.random.default_rng(3).normal(0, 0.3, RATE // 4) * np.hanning(RATE // 4)
    quiet = np.random.default_rng(4).normal(0, 0.001, RATE)
    samples = np.concatenate((quiet, bang, quiet))

    (heard,) = trained().hear(open_sound(wav(samples)))

    assert heard.confidence < 0.8


@settings(max_examples=25)
@given(n=st.integers(1, 4000), loud=st.floats(0, 1), seed=st.integers(0, 2**16))
def test_features_are_numbers_whatever_the_sound(
    n: int, loud: float, seed: int
) -> None:
    samples = np.random.default_rng(seed).uniform(-loud, loud, n)

    found = word_features(samples)

    assert found.shape == (N_FEATURES,)
    assert np.isfinite(found).all()


def test_loudness_changes_nothing() -> None:
    word = spoken_word("seven", voice(1), 3)
    np.testing.assert_allclose(word_features(word), word_features(word * 0.01))


def test_pieces_lie_within_the_sound_and_apart() -> None:
    sound = open_sound(said(DIGITS, seed=5))
    pieces = listen(sound).pieces

    assert len(pieces) == len(DIGITS)
    edges = [edge for piece in pieces for edge in piece]
    assert edges == sorted(edges)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("batch four seven torque one two point five", ("47", 12.5)),
        ("torque one two five batch four seven", ("47", 12.5)),
        ("four seven | one two five", ("47", 12.5)),
        ("four seven one two five", ("47", 12.5)),
        ("four seven", ("47", None)),
        ("four seven | one two five | nine", ("47", 12.5)),
        ("batch one two batch four seven", ("47", None)),
        ("batch zero oh torque zero zero one", ("00", 0.1)),
    ],
)
def test_words_fill_fields(text: str, values: tuple[object, object]) -> None:
    found = read_entry(words(text), SPECS)

    assert tuple(found.get(k, {}).get("value") for k in ("batch", "torque")) == values


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("batch four", "2 digits expected, 1 heard"),
        ("batch point five five", "no number"),
        ("torque nine nine nine point", "no number"),
        ("torque one two three four", "3 digits expected, 4 heard"),
        ("torque nine nine point", "no number"),
    ],
)
def test_what_is_no_value_is_left_out_and_said(text: str, wrong: str) -> None:
    (found,) = read_entry(words(text), SPECS).values()

    assert found["value"] is None
    assert found["evidence"]["wrong"] == wrong
    assert "confidence" not in found


def test_a_value_out_of_range_is_left_out() -> None:
    spec = TORQUE.model_copy(update={"maximum": 50})
    (found,) = read_entry(words("torque nine nine nine"), (spec,)).values()
    assert found["evidence"]["wrong"] == "99.9 is above 50"


def test_a_field_is_as_sure_as_all_its_words_and_knows_where_they_are() -> None:
    found = read_entry(words("batch four seven", sure=0.9), SPECS)["batch"]

    assert found["confidence"] == pytest.approx(0.9**3)
    assert found["evidence"] == {"start_ms": 500, "end_ms": 1300, "said": "four seven"}


def test_a_place_that_had_to_be_guessed_is_never_sure() -> None:
    found = read_entry(words("four seven | one | two", sure=1.0), SPECS)
    assert found["batch"]["confidence"] == 0.3


def test_a_category_is_said_by_its_value() -> None:
    spec = FieldSpec.model_validate(
        {
            "name": "result",
            "type": "category",
            "values": ["pass", "fail"],
            "spoken": {"name": "result"},
        }
    )
    assert read_entry(words("result pass"), (spec,))["result"]["value"] == "pass"
    assert read_entry(words("result four"), (spec,))["result"]["value"] is None


@given(st.lists(st.sampled_from([*DIGITS, "point", "batch", "torque", "|"])))
def test_no_row_of_words_breaks_the_declaration(said_words: list[str]) -> None:
    for name, one in read_entry(words(" ".join(said_words)), SPECS).items():
        value = one["value"]
        if name == "batch":
            assert value is None or (isinstance(value, str) and len(value) in {2, 3})
        else:
            assert value is None or 0 <= value <= 99.9
        assert 0 <= one.get("confidence", 0) <= 1


def test_a_trained_model_survives_its_file() -> None:
    model = trained()
    again = model_from_data(model.to_data())

    sound = open_sound(said())
    assert again.hear(sound) == model.hear(sound)


def test_what_is_no_model_is_refused_by_name() -> None:
    data = trained().to_data()
    with pytest.raises(ValueError, match=r"^weights"):
        model_from_data(data | {"weights": data["weights"][:, 1:]})
    with pytest.raises(ValueError, match=r"^scale"):
        model_from_data(data | {"scale": data["scale"] * np.nan})
    with pytest.raises(ValueError, match=r"^engine"):
        recogniser_of({"engine": "os.system"})


def test_training_says_how_it_does_on_voices_that_it_never_heard() -> None:
    spoken = [
        (w, v, t) for v in range(3) for w in ("one", "two", "six") for t in range(3)
    ]
    takes = takes_of(
        [spoken_word(w, voice(v), t) for w, v, t in spoken],
        [w for w, _, _ in spoken],
        [f"v{v}" for _, v, _ in spoken],
        seed=0,
    )
    _, report = train_words(takes, seed=0)

    assert report["n_takes"] == 27
    assert report["known_voices"]["n"] == report["unknown_voices"]["n"] == 27
    assert {k: v["n"] for k, v in report["by_speaker"].items()} == {
        "v0": 9,
        "v1": 9,
        "v2": 9,
    }
    assert sum(band["n"] for band in report["reliability"]) == 54


def test_training_declines_too_few() -> None:
    one = spoken_word("one", voice(0), 0)
    with pytest.raises(TooFewWords, match=r"one \(7\)"):
        train_words(
            takes_of([one] * 15, ["one"] * 7 + ["two"] * 8, [""] * 15, seed=0), seed=0
        )


def test_an_extra_that_is_not_installed_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(Unheard, match="extra `speech`"):
        recogniser_of({"engine": "pocketsphinx", "vocabulary": ["one"]})
