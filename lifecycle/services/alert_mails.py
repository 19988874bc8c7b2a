"""Mails about alerts: rows in the transaction of what they tell of, sent by workers."""

import smtplib
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts.enums import Role
from accounts.models import Membership, User
from lifecycle.enums import AlertStatus, MailStatus
from lifecycle.models import Alert, AlertEvent, AlertMail
from lifecycle.services.monitors.registry import BY_KEY
from predictions.services.wake_ups import wake
from reviewqueue.services.deliveries import pause_after

# A sender that is silent for longer is given up for dead, and its mail sent again.
IN_FLIGHT: Final = timedelta(seconds=120)
MAX_TRIES: Final = 10  # over a day
MAX_SECONDS: Final = 100
TOLD_ROLES: Final = (Role.SUPERVISOR, Role.ENGINEER)
TASK: Final = "lifecycle.send_mails"

log = structlog.get_logger(__name__)
type Clock = Callable[[], datetime]


def recipients_of(alert: Alert) -> list[User]:
    """Return whom mails about an alert go to.

    Supervisors and engineers of the workflow, and the owner of the monitor where the
    workflow names an account that has a role in it: who has an address, is no service
    account and has not switched these mails off.
    """
    monitor = BY_KEY.get(alert.monitor)
    owner = monitor.owner(alert.workflow.declaration.owners) if monitor else ""
    is_told = Q(memberships__role__in=TOLD_ROLES)
    if owner:
        is_told |= Q(username=owner.lower()) | Q(email__iexact=owner)
    # An alert is about all sites; whoever is limited to some in any role is not told.
    limited = Membership.objects.filter(
        scope_id=alert.workflow_id, site_ids__isnull=False
    )
    people = User.objects.filter(is_told, memberships__scope_id=alert.workflow_id)
    people = people.exclude(pk__in=limited.values("user"))
    wanting = people.filter(is_active=True, is_service=False, wants_alert_mails=True)
    return list(wanting.exclude(email="").distinct().order_by("username"))


def post_mails(*, event: AlertEvent, now: datetime) -> None:
    """Write a waiting mail for everybody who is told; sends nothing.

    The caller's transaction holds them; once it commits, workers are woken.
    """
    mails = AlertMail.objects.bulk_create(
        AlertMail(event=event, to=person, next_at=now)
        for person in recipients_of(event.alert)
    )
    if mails:
        transaction.on_commit(wake_mails, robust=True)


def wake_mails() -> None:
    """Wake the sending of mails."""
    wake(TASK)


def send_due_mails(*, clock: Clock) -> int:
    """Send what is due, one after the other; count the tries.

    Each mail is taken by compare-and-set for a bounded time, sent outside any
    transaction, and its result stored only where nobody has taken it over. Where the
    server did not answer at all, the round ends: the next sweep tries again.
    """
    n_tried = 0
    deadline = time.monotonic() + MAX_SECONDS
    while (mail := _take(now=clock())) is not None:
        error, is_down = _send(mail)
        _store(mail, error, now=clock())
        n_tried += 1
        if is_down or time.monotonic() > deadline:
            break
    return n_tried


def has_due_mails(*, now: datetime) -> bool:
    """Say whether any mail is due."""
    return _due(now).exists()


def _due(now: datetime) -> QuerySet[AlertMail]:
    return AlertMail.objects.filter(status=MailStatus.WAITING, next_at__lte=now)


@transaction.atomic
def _take(*, now: datetime) -> AlertMail | None:
    """Take the next mail: whoever counted the try up may store its result."""
    due = _due(now).order_by("next_at", "id")
    taken = due.select_for_update(skip_locked=True, of=("self",)).first()
    if taken is None:
        return None
    taken.n_tries += 1
    taken.next_at = now + IN_FLIGHT
    taken.save(update_fields=["n_tries", "next_at"])
    rows = AlertMail.objects.select_related("to", "event__by", "event__alert__workflow")
    return rows.get(pk=taken.pk)


def _send(mail: AlertMail) -> tuple[str, bool]:
    """Return what went wrong, if anything, and whether nobody answered at all."""
    if not _is_there(mail.to):
        return "The account has no address any more, or is closed.", False
    try:
        message_of(mail).send()
    except smtplib.SMTPResponseException as error:
        return f"{type(error).__name__} {error.smtp_code}", False
    except (smtplib.SMTPRecipientsRefused, ValueError) as error:
        return type(error).__name__, False
    except (smtplib.SMTPException, OSError) as error:
        return type(error).__name__, True
    return "", False


def _is_there(person: User) -> bool:
    return person.is_active and bool(person.email)


def message_of(mail: AlertMail) -> EmailMessage:
    """Return the mail about a step of an alert: names and shares, no values."""
    event, alert = mail.event, mail.event.alert
    workflow = alert.workflow
    monitor = BY_KEY.get(alert.monitor)
    title = monitor.title if monitor else alert.monitor
    owner = monitor.owner(workflow.declaration.owners) if monitor else ""
    is_raised = event.status == AlertStatus.RAISED
    lines = [
        f"{workflow.name}: {title}",
        alert.says,
        "",
        f"Raised {alert.raised_at:%Y-%m-%d %H:%M} UTC."
        if is_raised
        else f"Resolved {event.at:%Y-%m-%d %H:%M} UTC by "
        f"{event.by.display_name if event.by else 'its monitor'}. {event.note}",
        *([f"Owner: {owner}."] if owner else []),
        *_link(alert),
        "",
        "You get this as a supervisor, engineer or owner of the workflow. "
        "Switch it off on the page of your account.",
    ]
    what = "alert" if is_raised else "resolved"
    return EmailMessage(
        subject=" ".join(f"[Countersign] {what}: {workflow.name}, {title}".split()),
        body="\n".join(lines),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[mail.to.email],
    )


def _link(alert: Alert) -> list[str]:
    """Return where the alert is; nothing where the site's address is not known."""
    if not settings.PUBLIC_URL:
        return []
    path = reverse("lifecycle:alert-list", args=[alert.workflow.slug])
    return [f"{settings.PUBLIC_URL.rstrip('/')}{path}#a-{alert.pk}"]


def _store(mail: AlertMail, error: str, *, now: datetime) -> None:
    """Write a try's result, unless another sender has taken the mail over."""
    mine = AlertMail.objects.filter(
        pk=mail.pk, status=MailStatus.WAITING, n_tries=mail.n_tries
    )
    if not error:
        mine.update(status=MailStatus.SENT, said="")
    elif mail.n_tries >= MAX_TRIES or not _is_there(mail.to):
        mine.update(status=MailStatus.GIVEN_UP, said=error)
    else:
        mine.update(next_at=now + pause_after(mail.n_tries), said=error)
    log.info(
        "alert_mail_tried", mail_id=str(mail.pk), attempt=mail.n_tries, error=error
    )


def mails_of(alert_id: UUID) -> QuerySet[AlertMail]:
    """Return the mails about an alert."""
    return AlertMail.objects.filter(event__alert_id=alert_id)
