"""A folder of pictures with labels: to learn from, and as items with late truth."""

import os
from datetime import datetime
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from predictions.enums import Stage
from predictions.models import Item, ModelVersion, Workflow
from reviewqueue.demo.parts import draw_part
from reviewqueue.models import Label, Route
from tests.factories.media import image_file
from tests.factories.parts import make_parts_workflow

pytestmark = pytest.mark.django_db
SLUG = "surface-defects"


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    return make_parts_workflow(now=now)


def folder_of(path: Path, n: int, *more: str) -> Path:
    """Write n drawn parts and their labels; the moments of files are set."""
    lines = ["file,label,line"]
    rng = np.random.default_rng(31)
    for at in range(n):
        one = draw_part("pit" if at % 2 else "good", rng)
        name = f"{at}.jpg"
        (path / name).write_bytes(one.jpeg())
        os.utime(path / name, (1_700_000_000 + at, 1_700_000_000 + at))
        lines.append(f"{name},{one.label},B")
    (path / "labels.csv").write_text("\n".join([*lines, *more]) + "\n")
    return path


def run(*words: str) -> str:
    out = StringIO()
    call_command("import_media", SLUG, *words, stdout=out)
    return out.getvalue()


def test_a_model_learns_from_a_folder_without_items(
    workflow: Workflow, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path, 104, "broken.jpg,good,B")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")

    said = run(str(folder), "--learn", "--algorithm=logistic", "--promote=first")

    version = ModelVersion.objects.get(workflow=workflow)
    assert version.stage == Stage.CHAMPION
    assert {one["name"] for one in version.columns} >= {"image_peak", "image_noise"}
    assert "104 files (1 refused, such as broken.jpg" in said
    assert not Item.objects.exists()


def test_items_and_labels_are_stored_once_however_often_they_are_brought(
    workflow: Workflow, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path, 4, "tiny.png,,C")
    (tmp_path / "tiny.png").write_bytes(image_file())
    os.utime(tmp_path / "tiny.png", (1_700_000_000, 1_700_000_000))

    first, again = run(str(folder)), run(str(folder))

    assert "5 items stored, 0 known already, 4 labels (0 refused)" in first
    assert "0 items stored, 5 known already, 0 labels (0 refused)" in again
    assert Route.objects.count() == 5
    assert Label.objects.count() == 4
    item = Item.objects.get(external_id="0.jpg")
    assert item.features == {"line": "B"}
    assert item.occurred_at.timestamp() == 1_700_000_000


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("name,label\n0.jpg,good\n", "a column 'file' is needed"),
        ("file,label\nnone.jpg,good\n", "line 2: file: there is no file 'none.jpg'"),
        ("file,label\n../labels.csv,good\n", "there is no file '../labels.csv'"),
        ("file,label\n0.jpg,fine\n", "line 2: label: 'fine' is none of good, scratch"),
        ("file,label\n0.jpg,good\n0.jpg,pit\n", "0.jpg is listed twice"),
    ],
)
def test_a_table_that_breaks_a_rule_is_named_and_stores_nothing(
    workflow: Workflow, tmp_path: Path, table: str, words: str
) -> None:
    folder = folder_of(tmp_path, 1)
    (folder / "labels.csv").write_text(table)

    with pytest.raises(CommandError, match=words.replace(".", r"\.")):
        run(str(folder))

    assert not Item.objects.exists()
