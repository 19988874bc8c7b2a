"""The process in which models run: started by `scorer.py`, answers on one socket."""

import ctypes
import dataclasses
import hashlib
import math
import os
import resource
import signal
import socket
import sys
import warnings
from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import sklearn

from predictions.learning import artifacts, frames
from predictions.learning.features import Matrix, columns_from_json
from predictions.learning.readers.catalogue import READERS
from predictions.learning.readers.terms import Unreadable
from predictions.learning.speech.terms import Recogniser, Unheard

MAX_MODELS: Final = 4
PR_SET_PDEATHSIG: Final = 1
NOTHING: Final[Matrix] = np.empty((0, 0))


class Refused(Exception):
    """A request that cannot be met: a reason code and a detail without item values."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Models:
    """The loaded models by the hash of their file, least recently used dropped."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, Any] = OrderedDict()

    def get(self, path: str, sha256: str, trusted: Collection[str]) -> Any:  # noqa: ANN401 -- any estimator
        """Return the model of this hash, from memory or from its file."""
        if sha256 not in self._models:
            self._models[sha256] = load_model(path, sha256, trusted)
            while len(self._models) > MAX_MODELS:
                self._models.popitem(last=False)
        self._models.move_to_end(sha256)
        return self._models[sha256]

    def hashes(self) -> list[str]:
        """Return the hashes of the models in memory."""
        return list(self._models)


def load_model(path: str, sha256: str, trusted: Collection[str]) -> Any:  # noqa: ANN401 -- any estimator
    """Read the file, see that it is the one registered, and load it.

    Raises: Refused.
    """
    data = read_artifact(path, sha256)
    try:
        loaded = artifacts.load(data, trusted=trusted)
        return recogniser_of(loaded) if isinstance(loaded, dict) else loaded
    except artifacts.UntrustedTypes as error:
        raise Refused("artifact_untrusted", str(error)) from error
    except Unheard as error:
        raise Refused("recogniser_missing", str(error)) from error
    except Exception as error:
        raise Refused("artifact_unreadable", type(error).__name__) from error


def read_artifact(path: str, sha256: str) -> bytes:
    """Return the file's bytes. Raises: Refused when it is missing or another one."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise Refused("artifact_missing", type(error).__name__) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise Refused("artifact_changed", f"sha256 is {found}, registered {sha256}")
    return data


def answer(
    models: Models, request: frames.Header, matrix: Matrix
) -> tuple[frames.Header, Matrix]:
    """Do what one request asks: read, check, load or score. Raises: Refused."""
    if request["op"] == "load_reader":
        READERS[request["reader"]].load()
        return {}, NOTHING
    if request["op"] == "read":
        data = frames.bytes_of(matrix, request["n"])
        with limited_cpu(request["cpu_seconds"]):
            return read_media(request["reader"], data)
    path, sha256, trusted = request["path"], request["sha256"], request["trusted"]
    if request["op"] == "check":
        return check(path, sha256, trusted, request), NOTHING
    model = models.get(path, sha256, trusted)
    if request["op"] == "load":
        return {"loaded": models.hashes()}, NOTHING
    if request["op"] == "hear":
        return hear(model, frames.bytes_of(matrix, request["n"])), NOTHING
    if request["op"] == "words":
        return word_effects(model, matrix, request)
    try:
        scores = np.asarray(model.predict_proba(matrix), dtype=np.float64)
    except Exception as error:
        # the type alone: a message may hold the values of an item
        raise Refused("model_raised", type(error).__name__) from error
    return {}, scores


def word_effects(
    model: Any,  # noqa: ANN401 -- any estimator
    matrix: Matrix,
    request: frames.Header,
) -> tuple[frames.Header, Matrix]:
    """Return what words did to the score of one row; nothing where it cannot say.

    Raises: Refused.
    """
    from predictions.learning.word_weights import (  # noqa: PLC0415 -- for texts alone
        exact_word_effects,
    )

    places = [(at, slice(start, stop)) for at, start, stop in request["places"]]
    try:
        found = exact_word_effects(
            model, matrix[0], places, label_index=request["label_index"]
        )
    except Exception as error:
        raise Refused("model_raised", type(error).__name__) from error
    return {"is_exact": found is not None}, NOTHING if found is None else found[None, :]


def read_media(name: str, data: bytes) -> tuple[frames.Header, Matrix]:
    """Have a named reader measure the bytes of a file. Raises: Refused."""
    try:
        reading = READERS[name].load()(data)
    except Unreadable as error:
        raise Refused("media_unreadable", str(error)) from error
    except Exception as error:
        # the type alone: a message may hold what is in the file
        raise Refused("media_unreadable", type(error).__name__) from error
    return {"values": reading.values, "evidence": reading.evidence}, NOTHING


def recogniser_of(data: dict[str, Any]) -> Recogniser:
    """Make the recogniser that plain arrays and names describe."""
    from predictions.learning.speech import (  # noqa: PLC0415 -- SciPy, for sound alone
        engines,
    )

    return engines.recogniser_of(data)


def hear(recogniser: Any, data: bytes) -> frames.Header:  # noqa: ANN401 -- any model
    """Return the words of a recording, and the words that can be. Raises: Refused."""
    from predictions.learning.speech.sound import (  # noqa: PLC0415 -- as above
        open_sound,
    )

    try:
        sound = open_sound(data)
    except Exception as error:
        raise Refused("media_unreadable", type(error).__name__) from error
    try:
        heard = [dataclasses.asdict(one) for one in recogniser.hear(sound)]
        return {"words": heard, "vocabulary": list(recogniser.vocabulary)}
    except Exception as error:
        raise Refused("model_raised", type(error).__name__) from error


def check(
    path: str, sha256: str, trusted: Collection[str], request: frames.Header
) -> frames.Header:
    """Check an artifact before it is registered. Raises: Refused."""
    data = read_artifact(path, sha256)
    columns = columns_from_json(request["columns"])
    labels = request["label_keys"]
    try:
        facts = artifacts.check_artifact(
            data, columns=columns, label_keys=labels, trusted=trusted
        )
    except artifacts.UntrustedTypes as error:
        return {"untrusted": list(error.names)}
    except artifacts.UnfitArtifact as error:
        return {"problems": list(error.problems)}
    except artifacts.NotAnArtifact as error:
        return {"problems": [str(error)]}
    except Exception as error:
        raise Refused("artifact_unreadable", type(error).__name__) from error
    return {
        "label_keys": list(facts.label_keys),
        "accepts_missing": facts.accepts_missing,
    }


def serve(channel: socket.socket) -> None:
    """Answer requests until the other end closes."""
    models = Models()
    frames.send(channel, {"ready": True}, NOTHING, deadline=math.inf)
    while True:
        try:
            request, matrix = frames.receive(channel, deadline=math.inf)
        except OSError:
            return
        try:
            header, scores = answer(models, request, matrix)
        except Refused as refusal:
            header = {"reason": refusal.reason, "detail": refusal.detail}
            scores = NOTHING
        frames.send(channel, header, scores, deadline=math.inf)


def die_with_parent(parent_pid: int) -> None:
    """End this process when its parent does, also while a model hangs (Linux)."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it was gone before the line above
        os._exit(1)


@contextmanager
def limited_cpu(seconds: float) -> Iterator[None]:
    """End this process by SIGPROF where what follows takes more of the processor.

    A handler of ours would wait for compiled code to return; the default does not.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def limit_memory(megabytes: int) -> None:
    """Refuse this process more memory than that, and any core dump."""
    n_bytes = megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":  # elsewhere the address space cannot be limited
        resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))


def main() -> None:
    """Serve on the inherited socket: descriptor, parent's pid, memory limit in MB."""
    descriptor, parent_pid, memory_limit_mb = (int(text) for text in sys.argv[1:4])
    die_with_parent(parent_pid)
    limit_memory(memory_limit_mb)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # one that is ignored is inherited
    # inputs come from our own feature matrix; finiteness is still checked
    sklearn.set_config(skip_parameter_validation=True)
    warnings.simplefilter("ignore")
    with socket.socket(fileno=descriptor) as channel:
        serve(channel)


if __name__ == "__main__":
    main()
