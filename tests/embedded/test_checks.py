from unittest.mock import PropertyMock, patch

import pytest
from django.db.backends.postgresql.base import DatabaseWrapper

from embedded.checks import check_postgres_version


@pytest.mark.django_db
def test_current_server_passes() -> None:
    assert check_postgres_version(databases=["default"]) == []


@pytest.mark.parametrize(("version", "n_errors"), [(170_011, 1), (180_000, 0)])
def test_server_below_18_is_refused_by_name(version: int, n_errors: int) -> None:
    server = PropertyMock(return_value=version)
    with patch.object(DatabaseWrapper, "pg_version", server):
        errors = check_postgres_version(databases=["default"])

    assert [error.id for error in errors] == ["embedded.E001"] * n_errors
    assert all("is PostgreSQL 17;" in error.msg for error in errors)


def test_check_without_databases_connects_to_none() -> None:
    assert check_postgres_version(databases=None) == []
