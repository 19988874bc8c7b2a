import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.key_bindings import (
    DEFAULT_KEYS,
    InvalidKeyBindingsError,
    check_keys,
    effective_keys,
)


def test_defaults_are_without_conflict_and_leave_the_label_keys() -> None:
    check_keys({})
    assert len(set(DEFAULT_KEYS.values())) == len(DEFAULT_KEYS)
    assert not set(DEFAULT_KEYS.values()) & set("123456789")


def test_own_keys_stand_over_the_defaults() -> None:
    check_keys({"confirm": "a"})
    assert effective_keys({"confirm": "a"}) == {**DEFAULT_KEYS, "confirm": "a"}


def test_two_actions_may_swap_keys() -> None:
    check_keys({"confirm": "s", "skip": "c"})


def test_conflict_names_both_actions() -> None:
    with pytest.raises(InvalidKeyBindingsError) as caught:
        check_keys({"confirm": "s"})
    assert caught.value.errors == {
        "confirm": "'s' is also the key for skip.",
        "skip": "'s' is also the key for confirm.",
    }


@pytest.mark.parametrize(
    ("verb", "key", "said"),
    [
        ("confirm", "1", "choose a label"),
        ("confirm", "C", "not one lower-case letter"),
        ("confirm", "", "not one lower-case letter"),
        ("confirm", "cc", "not one lower-case letter"),
        ("confirm", " ", "not one lower-case letter"),
        ("explode", "x", "no such action"),
    ],
)
def test_bad_keys_are_refused(verb: str, key: str, said: str) -> None:
    with pytest.raises(InvalidKeyBindingsError) as caught:
        check_keys({verb: key})
    assert said in caught.value.errors[verb]


@given(st.dictionaries(st.sampled_from(sorted(DEFAULT_KEYS)), st.text(max_size=2)))
def test_accepted_bindings_give_every_action_a_key_of_its_own(
    own: dict[str, str],
) -> None:
    try:
        check_keys(own)
    except InvalidKeyBindingsError:
        return
    keys = effective_keys(own)
    assert len(set(keys.values())) == len(DEFAULT_KEYS)
    assert not set(keys.values()) & set("123456789")
