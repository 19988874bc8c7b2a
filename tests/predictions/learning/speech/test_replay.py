"""Weeks of entries put together from single words: the counts, and what is learnt."""

from predictions.declaration_fields import FieldSpec
from predictions.learning.speech.generated import spoken_word, voice
from predictions.learning.speech.replay import Bank, Terms, replay_weeks
from predictions.learning.speech.terms import DIGITS

FIELDS = (
    FieldSpec.model_validate(
        {
            "name": "batch",
            "type": "text",
            "required": True,
            "spoken": {"name": "batch", "digits": 2},
        }
    ),
)


def bank() -> Bank:
    takes = {
        (f"v{who}", word): [spoken_word(word, voice(3 * who), n) for n in range(12)]
        for who in (0, 1)
        for word in DIGITS
    }
    return Bank(takes)


def test_what_people_confirm_is_learnt_from_and_what_passes_is_not() -> None:
    terms = Terms(FIELDS, least=0.5, weeks=2, entries=12, joins=2, seed=1)

    first, second = replay_weeks(bank(), terms)

    assert (first.n, first.n_new, second.n, second.n_new) == (12, 0, 12, 6)
    for week in (first, second):
        assert week.n_confirmed + week.n_passed == week.n
        assert 0 <= week.n_wrong <= week.n_passed
    assert first.n_passed == 12
    assert first.n_lessons == 80
    assert replay_weeks(bank(), terms) == [first, second]


def test_where_nothing_is_sure_enough_everything_is_confirmed() -> None:
    terms = Terms(FIELDS, least=0.9999, weeks=1, entries=12, seed=1)

    (week,) = replay_weeks(bank(), terms)

    assert (week.n_confirmed, week.n_passed, week.n_wrong) == (12, 0, 0)
    assert week.n_lessons > 80
