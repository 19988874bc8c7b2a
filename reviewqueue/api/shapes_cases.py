"""What is asked of cases and answered, beside the cases themselves."""

from datetime import datetime
from typing import Annotated, NotRequired, TypedDict
from uuid import UUID

from pydantic import Field

from reviewqueue.api.schema import OneOf
from reviewqueue.api.shapes_people import CaseBrief, ClaimedCase
from reviewqueue.enums import CaseStatus, Queue

Reason = Annotated[str, Field(max_length=500)]
Note = Annotated[str, Field(max_length=4000)]
# Whoever holds a case is told more of it.
type SeenCase = CaseBrief | ClaimedCase


class QueueAsked(TypedDict):
    """Without a queue: every one that you may claim from."""

    queue: NotRequired[Annotated[str, OneOf(Queue)]]


class LeaseHeld(TypedDict):
    """The token came with the claim."""

    lease_token: UUID


class LeaseEnded(LeaseHeld):
    """The token, and why."""

    reason: NotRequired[Reason]


class SnoozeAsked(LeaseEnded):
    """Until when, in the future."""

    until: datetime


class LeaseRenewed(TypedDict):
    """Until when the case is held now."""

    id: UUID
    lease_expires_at: datetime | None


class CaseMoved(TypedDict):
    """Where a case stands now."""

    id: UUID
    status: Annotated[str, OneOf(CaseStatus)]


class CaseSnoozed(CaseMoved):
    """A case that nobody is offered before a moment."""

    snoozed_until: datetime | None


class ReasonGiven(TypedDict):
    """Why."""

    reason: NotRequired[Reason]


class AssignmentAsked(ReasonGiven):
    """Without a name, or with an empty one, the case is everybody's."""

    username: NotRequired[Annotated[str, Field(max_length=150)]]


class CaseAssigned(CaseMoved):
    """For whom a case is kept; empty where it is everybody's."""

    assigned_to: str


class NoteAsked(TypedDict):
    """What to write beside the case."""

    text: Note


class NoteWritten(TypedDict):
    """A note as it stands beside the case."""

    id: UUID
    text: str
    at: datetime
