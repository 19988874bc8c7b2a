import io

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User

pytestmark = pytest.mark.django_db
VARIABLE = "COUNTERSIGN_ADMIN_PASSWORD"


def test_admin_is_made_with_the_password_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, "correct-horse-battery")
    out = io.StringIO()
    call_command("create_admin", "Root", "--email", "root@example.org", stdout=out)
    root = User.objects.get(username="root")
    assert root.is_superuser
    assert root.is_staff
    assert root.check_password("correct-horse-battery")
    assert out.getvalue() == "Created the site admin root.\n"


def test_password_is_read_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO("correct-horse-battery\n"))
    call_command("create_admin", "root", stdout=io.StringIO())
    assert User.objects.get().check_password("correct-horse-battery")


@pytest.mark.parametrize("password", ["short", "password1234"])
def test_weak_password_is_refused(
    monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv(VARIABLE, password)
    with pytest.raises(CommandError, match="password"):
        call_command("create_admin", "root")
    assert not User.objects.exists()


def test_second_of_the_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "correct-horse-battery")
    call_command("create_admin", "root", stdout=io.StringIO())
    with pytest.raises(CommandError, match="root is taken"):
        call_command("create_admin", "ROOT")
