from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from predictions.models import ModelVersion, Workflow
from predictions.services.references import reference_of
from tests.factories.predictions import make_model

pytestmark = pytest.mark.django_db


def test_a_trained_version_comes_with_its_sample(
    workflow: Workflow, now: datetime
) -> None:
    version = make_model(workflow, now=now)

    found = reference_of(ModelVersion.objects.get(pk=version.pk))

    assert found is not None
    n = 1500
    assert found.matrix.shape == (n, len(version.columns))
    assert [one.name for one in found.columns] == [c["name"] for c in version.columns]
    assert found.is_held_out.sum() == n - version.report["split"]["train"]["n"]
    assert np.isfinite(found.scores).all()


def test_a_version_that_was_sent_has_none(workflow: Workflow, now: datetime) -> None:
    version = make_model(workflow, now=now)
    version.reference = ""

    assert reference_of(version) is None


def test_a_lost_or_foreign_file_is_none(workflow: Workflow, now: datetime) -> None:
    version = make_model(workflow, now=now)
    path = Path(version.reference.path)

    version.columns = version.columns[:1]
    assert reference_of(version) is None
    version.refresh_from_db()
    path.write_bytes(path.read_bytes()[:100])
    assert reference_of(version) is None
    path.unlink()
    assert reference_of(version) is None
