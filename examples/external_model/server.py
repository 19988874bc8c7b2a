"""A model that answers over HTTP: the standard library and scikit-learn.

It learns a small made-up set of payments when it starts, and answers `POST /score` as
`docs/external-models.openapi.json` says. `python server.py --port 8900 --token SECRET`.
"""

import argparse
import hmac
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

COLUMNS = ("amount", "card_present", "night")
LABELS = ("legitimate", "fraud")
MOST_BYTES = 64 * 1024 * 1024


def as_numbers(row: list[Any]) -> list[float]:
    """Turn one row of values into numbers; what is missing (null) stays missing."""
    amount, card_present, night = row
    known = {"yes": 1.0, "no": 0.0, True: 1.0, False: 0.0}
    return [
        float("nan") if amount is None else float(amount),
        known.get(card_present, float("nan")),
        known.get(night, float("nan")),
    ]


def trained(seed: int = 7) -> HistGradientBoostingClassifier:
    """Learn that large amounts without the card are fraud, with some noise."""
    rng = np.random.default_rng(seed)
    amount = rng.gamma(2.0, 200.0, 1500)
    card_present, night = rng.random((2, 1500)) < ((0.6,), (0.3,))
    is_fraud = ((amount > 500) & ~card_present) != (rng.random(1500) < 0.05)
    rows = np.column_stack((amount, card_present, night)).astype(float)
    return HistGradientBoostingClassifier(random_state=seed).fit(rows, is_fraud)


class Refused(ValueError):
    """The request cannot be scored; the message says why."""


def answer_to(request: object, model: HistGradientBoostingClassifier) -> dict[str, Any]:
    """Score the rows of a request. Raises: Refused."""
    if not isinstance(request, dict) or sorted(request) != ["columns", "rows"]:
        raise Refused("columns and rows are expected")
    if tuple(request["columns"]) != COLUMNS:
        raise Refused(f"the columns are {', '.join(COLUMNS)}, in this order")
    try:
        rows = np.array([as_numbers(row) for row in request["rows"]], dtype=float)
    except (TypeError, ValueError) as error:
        raise Refused("a row holds what is no value of its column") from error
    found = model.predict_proba(rows.reshape(-1, len(COLUMNS)))
    return {"label_keys": list(LABELS), "probabilities": found.tolist()}


def handler_for(
    model: HistGradientBoostingClassifier, token: str
) -> type[BaseHTTPRequestHandler]:
    """Return what serves each request."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            if self.path != "/score":
                return self.say(404, {"error": "POST /score"})
            given = self.headers.get("Authorization", "")
            if token and not hmac.compare_digest(given, f"Bearer {token}"):
                return self.say(401, {"error": "a token is needed"})
            if length > MOST_BYTES:
                return self.say(413, {"error": "too large"})
            try:
                request = json.loads(self.rfile.read(length))
                return self.say(200, answer_to(request, model))
            except json.JSONDecodeError:
                return self.say(400, {"error": "not JSON"})
            except Refused as refusal:
                return self.say(422, {"error": str(refusal)})

        def say(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: rows are personal data, and so may addresses be."""

    return Handler


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="Serve a small fraud model over HTTP.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8900)
    parser.add_argument("--token", default="", help="asked of every request")
    asked = parser.parse_args()
    handler = handler_for(trained(), asked.token)
    server = ThreadingHTTPServer((asked.host, asked.port), handler)
    print(f"http://{asked.host}:{server.server_port}/score", flush=True)  # noqa: T201 -- what it is for
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
