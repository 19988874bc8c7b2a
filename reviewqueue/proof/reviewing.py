"""Simulated reviewers who know only what the API tells them, each in a thread."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from predictions.declaration import Declaration
from reviewqueue.proof.client import ApiClient, fresh_key
from reviewqueue.proof.steps import STALLED_SECONDS, ProofFailed, expected

IDLE_SECONDS = 0.5  # between claims of who finds nothing to do
WATCH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Habits:
    """How a simulated reviewer judges; shares in 0..1.

    `accuracy`: how often they see the truth. `follows`: how often they go along with a
    recommendation that they see. `doubts`: how often they can't tell. `repeats`: how
    often they press twice.
    """

    accuracy: float
    follows: float = 0.0
    doubts: float = 0.0
    repeats: float = 0.02


@dataclass(slots=True)
class Tally:
    """What one reviewer did."""

    requests: int = 0
    acknowledged: int = 0
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """What all reviewers of a workflow share."""

    declaration: Declaration
    truth: Mapping[str, str]
    port: int
    seed: int


def review_all(
    task: Task,
    reviewers: Sequence[tuple[str, Habits]],  # key and habits
    *,
    n_open: Callable[[], int],
) -> Tally:
    """Let all reviewers work at once until no case is open; add up what they did.

    Raises: ProofFailed when an answer is not as documented, or nobody gets on.
    """
    done = threading.Event()
    with ThreadPoolExecutor(len(reviewers)) as pool:
        tallies = [Tally() for _ in reviewers]
        working = [
            pool.submit(_work, task, key, habits, number, tallies[number], done)
            for number, (key, habits) in enumerate(reviewers)
        ]
        try:
            _wait(working, tallies, n_open)
        finally:
            done.set()
    for one in working:
        one.result()
    return Tally(
        requests=sum(one.requests for one in tallies),
        acknowledged=sum(one.acknowledged for one in tallies),
        repeated=sum(one.repeated for one in tallies),
    )


def _wait(
    working: Sequence[Future[None]],
    tallies: Sequence[Tally],
    n_open: Callable[[], int],
) -> None:
    last, since = -1, time.monotonic()
    while remaining := n_open():
        if any(one.done() for one in working):  # only ever by an error
            return
        acknowledged = sum(one.acknowledged for one in tallies)
        if acknowledged != last:
            last, since = acknowledged, time.monotonic()
        if time.monotonic() - since > STALLED_SECONDS:
            raise ProofFailed(f"{remaining} cases are open and nobody gets on")
        time.sleep(WATCH_SECONDS)


def _work(
    task: Task,
    key: str,
    habits: Habits,
    number: int,
    tally: Tally,
    done: threading.Event,
) -> None:
    rng = np.random.default_rng([task.seed, number])
    client = ApiClient(task.port, key)
    claim = f"workflows/{task.declaration.slug}/cases/claim"
    try:
        while not done.is_set():
            answer = client.post(claim, {})
            if answer.status == 204:
                done.wait(IDLE_SECONDS)
                continue
            expected(answer, 200, "claim")
            _decide(client, answer.body, task, habits, rng, tally)
            tally.requests = client.n_requests
    finally:
        tally.requests = client.n_requests
        client.close()


def _decide(
    client: ApiClient,
    case: Mapping[str, Any],
    task: Task,
    habits: Habits,
    rng: np.random.Generator,
    tally: Tally,
) -> None:
    said = judgement(
        case.get("recommendation"),
        truth=task.truth[case["external_id"]],
        is_final=case["kind"] == "adjudication",
        declaration=task.declaration,
        habits=habits,
        rng=rng,
    )
    body = {"lease_token": case["lease_token"], **said}
    path, once = f"cases/{case['id']}/decision", fresh_key()
    first = client.post(path, body, once=once)
    expected(first, 201, "decision")
    tally.acknowledged += 1
    if rng.random() < habits.repeats:
        second = client.post(path, body, once=once)
        if second != first:
            raise ProofFailed(f"decision, sent again: {second.status}, not as before")
        tally.repeated += 1


def judgement(
    recommendation: Mapping[str, Any] | None,
    *,
    truth: str,
    is_final: bool,
    declaration: Declaration,
    habits: Habits,
    rng: np.random.Generator,
) -> dict[str, str]:
    """Return what this reviewer says about a case; a final word is never a doubt."""
    if not is_final and rng.random() < habits.doubts:
        return {"verdict": "unsure"}
    recommended = str(recommendation["label"]) if recommendation else ""
    if recommended and rng.random() < habits.follows:
        return {"verdict": "confirm"}
    label = truth
    if rng.random() >= habits.accuracy:
        others = [key for key in declaration.label_keys if key != truth]
        label = str(rng.choice(others))
    codes = [code.key for code in declaration.reason_codes]
    if recommended and label != recommended and codes:
        return {"label": label, "reason_code": str(rng.choice(codes))}
    return {"label": label}
