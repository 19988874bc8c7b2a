"""Mails about alerts: to whom, what they say, tries, and when they are given up."""

import smtplib
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from pytest_django import Settings

from accounts.models import User
from lifecycle.enums import MailStatus
from lifecycle.models import AlertMail
from lifecycle.services.alert_mails import MAX_TRIES, recipients_of, send_due_mails
from lifecycle.services.alerts import resolve_alert
from predictions.models import Workflow
from tests.lifecycle.alarms import raised

pytestmark = pytest.mark.django_db


class Failing(BaseEmailBackend):
    """A mail server that refuses, or does not answer."""

    error: Exception = ConnectionRefusedError()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        raise self.error


@pytest.fixture
def failing(settings: Settings) -> type[Failing]:
    backend = f"{__name__}.Failing"
    settings.MAILERS = {"default": {"BACKEND": backend}}
    return Failing


def addressed(person: User) -> User:
    person.email = f"{person.username}@example.org"
    person.save(update_fields=["email"])
    return person


def test_supervisors_and_engineers_are_told(
    workflow: Workflow, sam: User, erin: User, alice: User, audrey: User, now: datetime
) -> None:
    for person in (sam, erin, alice, audrey):
        addressed(person)

    alert = raised(workflow, now=now)

    assert [one.username for one in recipients_of(alert)] == ["erin", "sam"]
    assert AlertMail.objects.count() == 2
    assert mail.outbox == []


def test_whoever_switched_it_off_or_has_no_address_is_not(
    workflow: Workflow, sam: User, erin: User, now: datetime
) -> None:
    addressed(sam)
    sam.wants_alert_mails = False
    sam.save(update_fields=["wants_alert_mails"])

    assert recipients_of(raised(workflow, now=now)) == []


def test_owner_is_told_where_they_have_a_role(
    workflow: Workflow, alice: User, mallory: User, now: datetime
) -> None:
    for person in (alice, mallory):
        addressed(person)
    owners = workflow.declaration_json["owners"]
    owners["monitoring"] = "alice@example.org"
    owners["data"] = "mallory"
    workflow.save(update_fields=["declaration_json"])
    workflow = Workflow.objects.get(pk=workflow.pk)

    of_monitoring = recipients_of(raised(workflow, now=now))
    of_data = recipients_of(raised(workflow, now=now, monitor="arrivals"))

    assert [one.username for one in of_monitoring] == ["alice"]
    assert of_data == []


def test_mail_says_what_and_where(
    workflow: Workflow, sam: User, now: datetime, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://reviews.example.org/"
    addressed(sam)
    alert = raised(workflow, now=now)

    assert send_due_mails(clock=lambda: now) == 1
    assert send_due_mails(clock=lambda: now) == 0

    [sent] = mail.outbox
    assert sent.to == ["sam@example.org"]
    assert sent.subject == "[Countersign] alert: Cards, Oldest waiting case"
    assert "The oldest case has waited 3 h." in sent.body
    assert "Raised 2026-03-02 09:00 UTC." in sent.body
    link = f"https://reviews.example.org/w/cards/alerts/#a-{alert.pk}"
    assert link in sent.body
    assert AlertMail.objects.get().status == MailStatus.SENT


def test_resolution_is_told_with_its_note(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    addressed(sam)
    alert = raised(workflow, now=now)
    resolve_alert(alert_id=alert.pk, by=sam, note="A full disk.", now=now)

    assert send_due_mails(clock=lambda: now) == 2

    assert mail.outbox[1].subject == (
        "[Countersign] resolved: Cards, Oldest waiting case"
    )
    assert "by Sam. A full disk." in mail.outbox[1].body


def test_server_that_does_not_answer_is_tried_again_and_given_up(
    workflow: Workflow, sam: User, erin: User, now: datetime, failing: type[Failing]
) -> None:
    addressed(sam)
    addressed(erin)
    raised(workflow, now=now)

    # the round ends with the first: nobody answers
    assert send_due_mails(clock=lambda: now) == 1
    tried = AlertMail.objects.get(n_tries=1)
    assert tried.status == MailStatus.WAITING
    assert tried.next_at == now + timedelta(seconds=30)
    assert tried.said == "ConnectionRefusedError"

    moment = now
    for _ in range(2 * MAX_TRIES):
        moment += timedelta(hours=7)
        send_due_mails(clock=lambda at=moment: at)

    rows = AlertMail.objects.values_list("status", "n_tries")
    assert list(rows) == [(MailStatus.GIVEN_UP, MAX_TRIES)] * 2


def test_refused_address_holds_no_other_up(
    workflow: Workflow,
    sam: User,
    erin: User,
    now: datetime,
    failing: type[Failing],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        failing, "error", smtplib.SMTPRecipientsRefused({"sam@example.org": (550, b"")})
    )
    addressed(sam)
    addressed(erin)
    raised(workflow, now=now)

    assert send_due_mails(clock=lambda: now) == 2

    said = AlertMail.objects.values_list("said", flat=True)
    assert list(said) == ["SMTPRecipientsRefused"] * 2


def test_account_that_was_closed_meanwhile_is_given_up(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    addressed(sam)
    raised(workflow, now=now)
    sam.is_active = False
    sam.save(update_fields=["is_active"])

    assert send_due_mails(clock=lambda: now) == 1

    assert mail.outbox == []
    assert AlertMail.objects.get().status == MailStatus.GIVEN_UP


def test_mail_of_a_dead_sender_is_sent_again(
    workflow: Workflow, sam: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    addressed(sam)
    raised(workflow, now=now)

    def dies(_: EmailMessage) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(EmailMessage, "send", dies)
    with pytest.raises(KeyboardInterrupt):
        send_due_mails(clock=lambda: now)
    monkeypatch.undo()

    assert send_due_mails(clock=lambda: now) == 0
    assert send_due_mails(clock=lambda: now + timedelta(seconds=120)) == 1
    assert AlertMail.objects.get().status == MailStatus.SENT


def test_name_of_two_lines_holds_no_mail_up(
    workflow: Workflow, sam: User, erin: User, now: datetime
) -> None:
    workflow.name = "Payments\r\nBcc: everybody@example.org"
    workflow.save(update_fields=["name"])
    addressed(sam)
    addressed(erin)
    raised(workflow, now=now)

    assert send_due_mails(clock=lambda: now) == 2

    sent = [str(one.message()["Subject"]) for one in mail.outbox]
    assert len(sent) == 2
    assert all("Payments Bcc: everybody@example.org, " in one for one in sent)


def test_mail_that_cannot_be_written_is_tried_like_another_and_holds_none_up(
    workflow: Workflow,
    sam: User,
    erin: User,
    now: datetime,
    failing: type[Failing],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(failing, "error", ValueError("not a header"))
    addressed(sam)
    addressed(erin)
    raised(workflow, now=now)

    assert send_due_mails(clock=lambda: now) == 2

    said = AlertMail.objects.values_list("said", "status")
    assert list(said) == [("ValueError", MailStatus.WAITING)] * 2
