from ui.keys import conflicts, key_map


def test_key_map_puts_own_keys_over_the_defaults() -> None:
    keys = key_map({"confirm": "A"})
    assert (keys["confirm"], keys["skip"], keys["label-9"]) == ("a", "s", "9")


def test_key_map_ignores_unknown_actions_and_longer_keys() -> None:
    assert key_map({"erase": "x", "skip": "ctrl"}) == key_map()


def test_default_keys_do_not_conflict() -> None:
    assert conflicts(key_map()) == {}


def test_conflicts_name_the_actions_that_share_a_key() -> None:
    assert conflicts(key_map({"skip": "c"})) == {"c": ["confirm", "skip"]}
