"""Made-up notes: the same for a seed, planted where they say, judged by counts."""

from pathlib import Path

import pytest

from predictions.declaration import Declaration, parse_declaration
from predictions.personal.finders import KINDS
from reviewqueue.demo.notes import draw_notes
from reviewqueue.proof.notes import agreed_on, judged_on, trained_on

FILE = Path(__file__).parents[3] / "workflows" / "case-notes.toml"


@pytest.fixture(scope="module")
def declaration() -> Declaration:
    return parse_declaration(FILE.read_text(encoding="utf-8"))


def test_notes_are_the_same_for_a_seed_and_hold_what_was_planted() -> None:
    notes = draw_notes(200, seed=4)

    assert notes == draw_notes(200, seed=4)
    assert notes != draw_notes(200, seed=5)
    assert {one.kind for note in notes for one in note.planted} == set(KINDS)
    for note in notes:
        assert all(note.text[p.start : p.end].strip() for p in note.planted)
    emails = [
        n.text[p.start : p.end] for n in notes for p in n.planted if p.kind == "email"
    ]
    assert all(one.endswith("@example.org") for one in emails)
    assert 40 < sum(note.label == "urgent" for note in notes) < 80


def test_counts_of_a_proof_add_up(declaration: Declaration) -> None:
    model = trained_on(declaration, 400, seed=1, algorithm="logistic")
    found = judged_on(model, declaration, 120, seed=2, said="new")

    assert found.n == sum(one.n for one in found.called.values()) == 120
    n_planted = sum(len(one.planted) for one in draw_notes(120, seed=2, said="new"))
    assert sum(one.n for one in found.masked.values()) == n_planted
    assert found.masked["email"].n_whole == found.masked["email"].n > 0
    assert 0 < found.masked["person"].n_whole < found.masked["person"].n
    plain, calm = found.called["urgent", False], found.called["routine", False]
    assert plain.n_urgent / plain.n > calm.n_urgent / calm.n


def test_two_readers_agree_more_than_by_chance(declaration: Declaration) -> None:
    agreed = agreed_on(declaration.fields[0], 150, seed=3)

    assert 0.5 < agreed.label.low < agreed.label.value < 1
    assert 0.8 < agreed.spans.value < 1
    assert agreed.spans.n_items == 150
