"""Workflow files up to their gates."""

from pathlib import Path

import pytest

from predictions.declaration import Declaration, parse_declaration
from predictions.declaration_life import Promotion, Retraining
from predictions.declaration_text import without_gates

# A recogniser reads no columns, which is what gates are held against.
WITHOUT = "spoken-entry"
FILES = sorted(
    path
    for path in (Path(__file__).parents[2] / "workflows").glob("*.toml")
    if path.stem != WITHOUT
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_gates_and_what_follows_come_last_in_the_files_that_ship(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    whole = parse_declaration(text)

    first = parse_declaration(without_gates(text))

    assert len(whole.gates) >= 6
    assert whole.retraining.every_days >= 30
    assert whole.retraining.on_drift
    assert len(whole.retraining.candidates) == 3
    assert first == Declaration.model_validate(
        whole.model_dump()
        | {"gates": (), "promotion": Promotion(), "retraining": Retraining()}
    )


def test_text_without_gates_stays() -> None:
    assert without_gates("slug = 'a'") == "slug = 'a'\n"
