"""A crowd's labels against agreement, models and gold, at a small size."""

from datetime import datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from reviewqueue.management.commands.prove_crowd import _broken, _broken_gold, through
from reviewqueue.proof.crowd import (
    CrowdFile,
    crowd_figures,
    gold_answers,
    planted,
    read_crowd,
    read_truth,
)
from reviewqueue.proof.crowd_run import meet_gold, read_twice


@pytest.fixture
def crowd(tmp_path: Path) -> CrowdFile:
    """Forty items: ann and ben nearly always right, yes-man never anything but yes."""
    rows = ["item,worker,label"]
    for at in range(40):
        true = "yes" if at % 2 else "no"
        wrong = "no" if at % 2 else "yes"
        rows.append(f"i{at},ann,{wrong if at == 3 else true}")
        rows.append(f"i{at},yes-man,yes")
        rows.append(f"i{at},ben,{wrong if at == 6 else true}")
    rows += ["i0,ann,no", "i1,ann,no"]  # once more, and with another label
    path = tmp_path / "labels.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return read_crowd(path)


@pytest.fixture
def truth(tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "gold.csv"
    lines = [f"i{at},{'yes' if at % 2 else 'no'}" for at in range(10)]
    path.write_text("\n".join(["item,gold", *lines]), encoding="utf-8")
    return read_truth(path)


def test_first_label_of_a_pair_counts(crowd: CrowdFile) -> None:
    assert (crowd.n_rows, crowd.n_repeated, crowd.n_changed) == (122, 2, 1)
    assert crowd.labels["i1", "ann"] == "yes"


def test_who_says_one_label_is_found_and_left_out(
    crowd: CrowdFile, truth: dict[str, str]
) -> None:
    found = crowd_figures(crowd, truth, seed=1)

    assert (found.n_items, found.n_people, found.people.n) == (40, 3, 3)
    assert found.people.one_label == found.people.no_discernment == {"yes-man"}
    assert found.people.one_label_share == pytest.approx(1 / 3)
    assert found.alpha.value < 0.5 < found.alpha_without.value
    assert {name: one.k for name, one in found.gold.items()} == {
        "most votes": 9,  # i6: ben and yes-man are wrong together
        "Dawid and Skene": found.gold["Dawid and Skene"].k,
        "votes weighed by gold": found.gold["votes weighed by gold"].k,
    }
    assert gold_answers(crowd, truth) == {
        "ann": (9, 10),
        "ben": (9, 10),
        "yes-man": (5, 10),
    }


def test_planted_answers_keep_who_judged_what(crowd: CrowdFile) -> None:
    made, truth = planted(crowd, seed=4)

    assert made.labels.keys() == crowd.labels.keys()
    assert all(
        label == "yes" for (_, who), label in made.labels.items() if who == "yes-man"
    )
    assert truth.keys() == {item for item, _ in crowd.labels}
    assert planted(crowd, seed=4)[0] == made


@pytest.mark.django_db
def test_product_makes_of_them_what_the_file_says(
    crowd: CrowdFile, truth: dict[str, str], now: datetime
) -> None:
    twice = read_twice(crowd, n_items=6, now=now, say=lambda _: None)
    # ann and yes-man differ on 0, 2, 3 (where ann errs) and 4
    assert (twice.n_agreed, twice.n_adjudicated, twice.n_decisions) == (2, 4, 16)
    assert list(_broken(twice)) == []

    few = {item: truth[item] for item in ("i1", "i2", "i3")}
    met = meet_gold(crowd, few, n_people=1, now=now, say=lambda _: None)
    assert list(_broken_gold(met, crowd, few)) == []
    assert met[0].n_placed == met[0].n_answered == 3
    assert "labels of an adjudicator | 4" in through(twice, met)


@pytest.mark.django_db
def test_command_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"crowdflower_labels\.csv"):
        call_command("prove_crowd", data=tmp_path)
