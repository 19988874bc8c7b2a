"""What is up to date already is not done again; what is not, is."""

from pathlib import Path

import pytest

from embedded.preparation import Preparation, Stamp


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "servers" / "postgres"
    folder.mkdir(parents=True)
    (folder / "PG_VERSION").write_text("18\n")
    return tmp_path


def tables(data: Path, *, owns_database: bool = True) -> Stamp:
    return Preparation(data, {}, owns_database=owns_database)._tables()


def test_tables_are_made_once_per_database_folder(data: Path) -> None:
    assert not tables(data).is_current()

    tables(data).renew()
    assert tables(data).is_current()

    version = data / "servers" / "postgres" / "PG_VERSION"
    version.unlink()
    version.write_text("18\n")
    assert not tables(data).is_current()


def test_new_migration_is_applied(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables(data).renew()
    project = data / "project"
    (project / "app" / "migrations").mkdir(parents=True)
    (project / "requirements.txt").touch()
    monkeypatch.setattr("embedded.preparation.PROJECT", project)
    tables(data).renew()
    assert tables(data).is_current()

    (project / "app" / "migrations" / "0002_more.py").write_text("# more")

    assert not tables(data).is_current()


def test_database_of_others_is_always_asked(data: Path) -> None:
    tables(data).renew()

    tables(data, owns_database=False).renew()

    assert not tables(data, owns_database=False).is_current()
    assert not tables(data).is_current()
