"""Ask a model that runs elsewhere, over HTTP: `docs/external-models.md`.

Only addresses that the operator allowed are asked, whoever registered them. What comes
back is held to the same rules as what our own process answers.
"""

import math
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import orjson
from django.conf import settings

from predictions.learning.explanation import (
    Contribution,
    WordEffects,
    contributions,
    occlusion_batch,
)
from predictions.learning.failures import (
    ArtifactUntrusted,
    ModelCrashed,
    ModelOutputWrong,
    ModelRaised,
    ModelTimedOut,
)
from predictions.learning.features import (
    Column,
    Matrix,
    Row,
    columns_from_json,
    feature_value,
    word_places,
)
from predictions.learning.score_results import (
    PoisonSearch,
    ScoreResult,
    judged_scores,
)
from predictions.models import ModelVersion
from predictions.outbound import Posted, post, read_url

MAX_TRIES: Final = 4
FIRST_WAIT_SECONDS: Final = 0.05
# Tried again: the server says that it is not to blame on the rows.
PASSING: Final = frozenset({429, 500, 502, 503, 504})
PROBE_SECONDS: Final = 10.0
NOT_ALLOWED: Final = "the operator allows no such address (EXTERNAL_MODELS)"
BYTES_PER_NUMBER: Final = 40
BYTES_BESIDE: Final = 64 * 1024
BYTES_OF_FIELDS: Final = 32 * 1024  # of a row, where the workflow declares fields


# The texts [n] of the rows, by the name of their column.
type Texts = Mapping[str, Sequence[object]]
NO_TEXTS: Final[Texts] = {}


@dataclass(frozen=True, slots=True)
class ExternalModel:
    """An address with what it is to be told and to answer."""

    endpoint: str
    columns: tuple[Column, ...]
    label_keys: tuple[str, ...]
    secret: str = ""
    has_fields: bool = False  # whether it may say more of a row than its label

    def load(self) -> None:
        """Do nothing: it runs elsewhere."""

    def score(
        self, matrix: Matrix, *, timeout_seconds: float, texts: Texts = NO_TEXTS
    ) -> ScoreResult:
        """Return class scores [n, n labels]; rows that it refuses are found.

        Tries again, within the time, what may pass by itself.
        Raises: ScoringFailed (its subclasses name the reason) for the whole batch.
        """
        deadline = time.monotonic() + timeout_seconds
        matrix = with_row_numbers(matrix, self.columns)

        def ask(rows: Matrix, seconds: float) -> ScoreResult:
            return self._ask(rows, seconds, texts)

        try:
            return ask(matrix, timeout_seconds)
        except ModelRaised as failure:
            n_labels = len(self.label_keys)
            search = PoisonSearch(ask, matrix, n_labels, deadline)
            return search.run(failure)

    def explain(
        self,
        row: Matrix,
        references: Matrix,
        *,
        label_indexes: Sequence[int],
        timeout_seconds: float,
        texts: Texts = NO_TEXTS,
    ) -> list[Contribution]:
        """Return what each column did to the row's score, in one request.

        A text is left out whole, in its turn.
        Raises: ScoringFailed, also when one of the altered rows has no usable score.
        """
        batch = occlusion_batch(row, references)[:, : len(self.columns)]
        for place in word_places(self.columns):
            batch[:, place] = 0  # the one row that there is a text of
            batch[place + 1, place] = np.nan
        result = self._ask(batch, timeout_seconds, texts)
        if result.bad_rows:
            raise ModelOutputWrong("an altered row has no usable score")
        return contributions(result.scores, label_indexes)

    def word_effects(
        self,
        row: Matrix,
        places: Mapping[int, slice],
        *,
        label_index: int,
        timeout_seconds: float,
    ) -> WordEffects | None:
        """Say nothing of words: what is sent is the text."""
        return None

    def _ask(
        self, matrix: Matrix, seconds: float, texts: Texts = NO_TEXTS
    ) -> ScoreResult:
        if len(matrix) == 0:
            return ScoreResult(np.empty((0, len(self.label_keys))))
        body = orjson.dumps(request_of(matrix, self.columns, texts))
        of_a_row = BYTES_PER_NUMBER * len(self.label_keys)
        of_a_row += BYTES_OF_FIELDS if self.has_fields else 0
        most_bytes = BYTES_BESIDE + of_a_row * len(matrix)
        answer = read_answer(self._posted(body, seconds, most_bytes).body)
        scores = scores_of(answer, self.label_keys, n_rows=len(matrix))
        n_labels = len(self.label_keys)
        result = judged_scores(scores, n_rows=len(matrix), n_labels=n_labels)
        if not self.has_fields:
            return result
        return replace(result, fields=fields_of(answer, n_rows=len(matrix)))

    def _posted(self, body: bytes, seconds: float, most_bytes: int) -> Posted:
        """Post until there is an answer, or the time or the tries are over."""
        deadline = time.monotonic() + seconds
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.secret:
            headers["Authorization"] = f"Bearer {self.secret}"
        for tried in range(1, MAX_TRIES + 1):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            answer = post(
                self.endpoint,
                body,
                headers,
                timeout_seconds=left,
                allow_private=True,  # the operator named the address
                most_bytes=most_bytes,
            )
            if answer.is_delivered:
                return answer
            wait = _wait_seconds(tried)
            is_passing = answer.status in PASSING or _is_broken(answer)
            is_last = tried == MAX_TRIES or time.monotonic() + wait >= deadline
            if answer.is_late or is_last or not is_passing:
                _refuse(answer)
            time.sleep(wait)
        raise ModelTimedOut(f"no answer within {seconds:g} s")


def _wait_seconds(tried: int) -> float:
    """Back off, each time about twice as long, and never all at once."""
    longest = FIRST_WAIT_SECONDS * 2 ** (tried - 1)
    return random.uniform(longest / 2, longest)  # noqa: S311 -- no secret


def _is_broken(answer: Posted) -> bool:
    """Say whether the connection failed; a long answer is as long again."""
    return answer.status is None and "longer" not in answer.error


def _refuse(answer: Posted) -> None:
    """Raise what the answer amounts to; nothing of what the other side wrote."""
    if answer.is_late:
        raise ModelTimedOut(answer.error)
    if answer.status is None:
        is_long = "longer" in answer.error
        raise (ModelOutputWrong if is_long else ModelCrashed)(answer.error)
    if 300 <= answer.status < 400:
        raise ModelOutputWrong(answer.error)
    if answer.status in PASSING:
        raise ModelCrashed(answer.error)
    raise ModelRaised(answer.error)


def texts_of(rows: Sequence[Row], columns: Sequence[Column]) -> Texts:
    """Return the texts that a model reads, by column."""
    names = [one.name for one in columns if one.kind == "text"]
    return {name: [row.get(name) for row in rows] for name in names}


def with_row_numbers(matrix: Matrix, columns: Sequence[Column]) -> Matrix:
    """Return rows [n, k] in which the cell of a text says which row it is of.

    So that the texts are found, whichever rows are asked about. Without texts the
    matrix as it is.
    """
    places = list(word_places(columns))
    if not places:
        return matrix
    rows = matrix[:, : len(columns)].copy()
    rows[:, places] = np.arange(len(rows))[:, None]
    return rows


def request_of(
    matrix: Matrix, columns: Sequence[Column], texts: Texts = NO_TEXTS
) -> Mapping[str, Any]:
    """Return what is sent: names, and rows of values as items have them; null: none."""

    def value(column: Column, cell: float) -> object:
        if column.kind != "text":
            return feature_value(column, cell)
        known = texts.get(column.name)
        return known[int(cell)] if known and not math.isnan(cell) else None

    return {
        "columns": [column.name for column in columns],
        "rows": [
            [value(*cell) for cell in zip(columns, row, strict=False)]
            for row in matrix.tolist()
        ],
    }


def read_answer(body: bytes) -> Mapping[str, Any]:
    """Return the object of an answer, which names labels. Raises: ModelOutputWrong."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ModelOutputWrong("the answer is no JSON") from error
    if not isinstance(answer, dict) or not isinstance(answer.get("label_keys"), list):
        raise ModelOutputWrong("label_keys and probabilities are expected")
    return answer


def fields_of(answer: Mapping[str, Any], *, n_rows: int) -> Mapping[int, object]:
    """Return what an answer says of fields, by row; null is nothing.

    Raises: ModelOutputWrong.
    """
    said = answer.get("fields")
    if said is None:
        return {}
    if not isinstance(said, list) or len(said) != n_rows:
        raise ModelOutputWrong(f"fields are no list of {n_rows}")
    return {row: one for row, one in enumerate(said) if one is not None}


def scores_of(
    answer: Mapping[str, Any], label_keys: Sequence[str], *, n_rows: int
) -> Matrix:
    """Return an answer's class scores in the order of the version's labels.

    Raises: ModelOutputWrong.
    """
    said = answer["label_keys"]
    is_text = all(isinstance(one, str) for one in said)
    if not is_text or sorted(said) != sorted(label_keys):
        raise ModelOutputWrong("its labels are not those registered")
    expected = (n_rows, len(label_keys))
    try:
        scores = np.array(answer.get("probabilities"), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ModelOutputWrong("the probabilities are no table of numbers") from error
    if scores.shape != expected:
        raise ModelOutputWrong(f"shape {scores.shape}, expected {expected}")
    return scores[:, [said.index(key) for key in label_keys]]


def external_model(version: ModelVersion) -> ExternalModel:
    """Describe a version that runs elsewhere. Raises: ArtifactUntrusted."""
    secret = secret_for(version.endpoint)
    if secret is None:
        raise ArtifactUntrusted(NOT_ALLOWED)
    return ExternalModel(
        endpoint=version.endpoint,
        columns=columns_from_json(version.columns),
        label_keys=tuple(version.label_keys),
        secret=secret,
        has_fields=bool(version.workflow.declaration.fields),
    )


def probe_external(
    endpoint: str, columns: Sequence[Column], label_keys: Sequence[str]
) -> None:
    """Ask an address for a row without values and one of zeros, as it will be asked.

    Raises: AddressRefused; ScoringFailed.
    """
    read_url(endpoint, allow_private=True)
    secret = secret_for(endpoint)
    if secret is None:
        raise ArtifactUntrusted(NOT_ALLOWED)
    model = ExternalModel(endpoint, tuple(columns), tuple(label_keys), secret)
    rows = np.zeros((2, len(columns)))
    rows[0] = np.nan
    result = model.score(rows, timeout_seconds=PROBE_SECONDS)
    for failure in result.bad_rows.values():
        raise failure


def secret_for(endpoint: str) -> str | None:
    """Return the secret to send to an address, maybe empty; None: it is not allowed.

    Of several prefixes that fit, the longest.
    """
    allowed: Mapping[str, str] = settings.EXTERNAL_MODELS
    fitting = [prefix for prefix in allowed if _begins_with(endpoint, prefix)]
    return allowed[max(fitting, key=len)] if fitting else None


def _begins_with(endpoint: str, prefix: str) -> bool:
    """Compare scheme, host and port as a whole, the path part by part."""
    one, allowed = urlsplit(endpoint), urlsplit(prefix)
    if (one.scheme, one.netloc.lower()) != (allowed.scheme, allowed.netloc.lower()):
        return False
    # Written otherwise, a path may be another one to the server.
    if "%" in one.path or "\\" in one.path or {".", ".."} & set(one.path.split("/")):
        return False
    folder = allowed.path.rstrip("/") + "/"
    return one.path == allowed.path or one.path.startswith(folder)
