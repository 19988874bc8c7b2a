"""Scoring in a child: hangs, crashes, wrong answers, and what outlives them."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from predictions.learning.failures import (
    MediaTimedOut,
    MediaUnreadable,
    ModelCrashed,
    ModelOutputWrong,
    ModelRaised,
    ModelTimedOut,
    ScorerBusy,
)
from predictions.learning.readers import surface
from predictions.learning.scorer import (
    Model,
    ScorerProcess,
    shared_scorer,
)
from reviewqueue.demo.parts import draw_part
from tests.predictions.learning import hanging
from tests.predictions.learning.scorers import GOOD, assert_scores_again, rows
from tests.predictions.learning.scorers import model as model
from tests.predictions.learning.scorers import scorer as scorer


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return status != "Z"


def test_score_returns_the_class_scores(scorer: ScorerProcess, model: Model) -> None:
    result = scorer.score(model, rows(GOOD, GOOD), timeout_seconds=30)
    assert result.scores.tolist() == [[0.25, 0.75], [0.25, 0.75]]
    assert result.bad_rows == {}


def test_score_of_no_rows_starts_nothing(model: Model) -> None:
    idle = ScorerProcess()
    assert idle.score(model, np.empty((0, 2)), timeout_seconds=1).scores.shape == (0, 2)
    assert idle.pid is None


def test_score_kills_a_model_that_hangs(scorer: ScorerProcess, model: Model) -> None:
    assert_scores_again(scorer, model)
    pid = scorer.pid
    assert pid
    began = time.monotonic()
    with pytest.raises(ModelTimedOut) as caught:
        scorer.score(model, rows(hanging.HANG), timeout_seconds=0.3)
    assert time.monotonic() - began < 5
    assert caught.value.reason == "model_timeout"
    assert not is_running(pid)
    assert_scores_again(scorer, model)


def test_score_names_the_exception_but_no_value(
    scorer: ScorerProcess, model: Model
) -> None:
    with pytest.raises(ModelRaised) as caught:
        scorer.score(model, rows(GOOD, hanging.RAISE), timeout_seconds=30)
    assert str(caught.value) == "model_raised: ZeroDivisionError"


def test_score_reports_rows_that_are_no_probabilities(
    scorer: ScorerProcess, model: Model
) -> None:
    batch = rows(GOOD, hanging.NAN, GOOD, hanging.NEGATIVE)
    result = scorer.score(model, batch, timeout_seconds=30)
    assert {i: bad.reason for i, bad in result.bad_rows.items()} == {
        1: "model_output",
        3: "model_output",
    }
    assert np.isnan(result.scores[[1, 3]]).all()
    assert result.scores[[0, 2]].tolist() == [[0.25, 0.75]] * 2


def test_score_refuses_a_wrong_shape(scorer: ScorerProcess, model: Model) -> None:
    with pytest.raises(ModelOutputWrong, match=r"shape \(1, 5\), expected \(2, 2\)"):
        scorer.score(model, rows(GOOD, hanging.SHAPE), timeout_seconds=30)


def test_score_outlives_a_child_that_exits(scorer: ScorerProcess, model: Model) -> None:
    with pytest.raises(ModelCrashed, match="ended with 7"):
        scorer.score(model, rows(hanging.EXIT), timeout_seconds=30)
    assert_scores_again(scorer, model)


def test_score_stops_a_model_at_the_memory_limit(
    scorer: ScorerProcess, model: Model
) -> None:
    with pytest.raises(ModelRaised, match="MemoryError"):
        scorer.score(model, rows(hanging.ALLOCATE), timeout_seconds=30)


def test_score_outlives_kill_9_in_mid_flight(
    scorer: ScorerProcess, model: Model
) -> None:
    assert_scores_again(scorer, model)
    pid = scorer.pid
    assert pid
    killer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
    killer.start()
    with pytest.raises(ModelCrashed, match="ended with -9"):
        scorer.score(model, rows(hanging.HANG), timeout_seconds=30)
    assert_scores_again(scorer, model)


def test_score_restarts_a_child_killed_while_idle(
    scorer: ScorerProcess, model: Model
) -> None:
    assert_scores_again(scorer, model)
    pid = scorer.pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    # a corpse may have threads left that hold its end of the channel
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert_scores_again(scorer, model)


def test_score_says_when_others_hold_the_scorer(
    scorer: ScorerProcess, model: Model
) -> None:
    assert_scores_again(scorer, model)
    started = threading.Event()

    def hold() -> None:
        started.set()
        with pytest.raises(ModelTimedOut):
            scorer.score(model, rows(hanging.HANG), timeout_seconds=1.0)

    holder = threading.Thread(target=hold)
    holder.start()
    started.wait()
    time.sleep(0.1)
    with pytest.raises(ScorerBusy):
        scorer.score(model, rows(GOOD), timeout_seconds=0.2)
    holder.join()


def test_score_from_many_threads_gives_each_its_own_answer(
    scorer: ScorerProcess, model: Model
) -> None:
    sizes: dict[int, int] = {}

    def ask(n: int) -> None:
        result = scorer.score(model, rows(*[GOOD] * n), timeout_seconds=30)
        sizes[n] = len(result.scores)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(1, 17)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sizes == {n: n for n in range(1, 17)}


def test_child_outlives_the_thread_that_started_it(model: Model) -> None:
    process = ScorerProcess()
    thread = threading.Thread(target=assert_scores_again, args=(process, model))
    thread.start()
    thread.join()
    pid = process.pid
    assert_scores_again(process, model)
    assert process.pid == pid
    process.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children so")
def test_child_dies_with_a_parent_killed_by_kill_9(model: Model) -> None:
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from predictions.learning.scorer import Model, ScorerProcess\n"
        "s = ScorerProcess()\n"
        "m = Model(Path(sys.argv[1]), sys.argv[2], 2, (sys.argv[3],))\n"
        "s.score(m, np.zeros((1, 2)), timeout_seconds=30)\n"
        "sys.stdout.write(f'{s.pid}\\n')\n"
        "sys.stdout.flush()\n"
        "s.score(m, np.ones((1, 2)), timeout_seconds=60)\n"
    )
    arguments = [str(model.artifact), model.sha256, hanging.TYPE_NAME]
    parent = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert parent.stdout
    child_pid = int(parent.stdout.readline())
    assert is_running(child_pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while is_running(child_pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(child_pid)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_fork_gets_its_own_child(scorer: ScorerProcess, model: Model) -> None:
    assert_scores_again(scorer, model)
    pid = scorer.pid
    read_end, write_end = os.pipe()
    forked = os.fork()
    if forked == 0:
        try:
            before = scorer.pid
            assert_scores_again(scorer, model)
            os.write(write_end, f"{before} {scorer.pid}".encode())
            scorer.close()
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as answers:
        pid_before, pid_after = answers.read().split()
    os.waitpid(forked, 0)
    assert pid_before == "None"
    assert int(pid_after) != pid
    assert_scores_again(scorer, model)
    assert scorer.pid == pid


def test_score_isolating_finds_the_poison_rows(
    scorer: ScorerProcess, model: Model
) -> None:
    batch = rows(*[GOOD] * 200)
    batch[[17, 150], 0] = hanging.RAISE
    batch[60, 0] = hanging.NAN
    result = scorer.score_isolating(model, batch, timeout_seconds=30)
    assert {i: bad.reason for i, bad in result.bad_rows.items()} == {
        17: "model_raised",
        60: "model_output",
        150: "model_raised",
    }
    good = np.setdiff1d(np.arange(200), [17, 60, 150])
    assert (result.scores[good] == [0.25, 0.75]).all()


def test_score_isolating_gives_up_on_a_model_that_always_raises(
    scorer: ScorerProcess, model: Model
) -> None:
    batch = rows(*[hanging.RAISE] * 500)
    result = scorer.score_isolating(model, batch, timeout_seconds=30)
    assert len(result.bad_rows) == 500
    assert np.isnan(result.scores).all()


def test_explain_of_a_model_that_never_changes_its_mind(
    scorer: ScorerProcess, model: Model
) -> None:
    found = scorer.explain(
        model, np.array([0.0, 5.0]), np.zeros(2), label_indexes=[1], timeout_seconds=30
    )
    assert [(c.column_index, c.contribution) for c in found] == [(0, 0.0), (1, 0.0)]


def test_child_gets_no_secret(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://very-secret")
    process = ScorerProcess()
    assert_scores_again(process, model)
    environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    process.close()
    assert b"very-secret" not in environment
    assert b"OMP_NUM_THREADS=1" in environment


def test_child_imports_no_django() -> None:
    program = (
        "import sys; import predictions.learning.scorer_child; "
        "sys.exit(any(name.split('.')[0] == 'django' for name in sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=False)
    assert done.returncode == 0


def test_shared_scorer_is_one_per_process() -> None:
    assert shared_scorer() is shared_scorer()


def test_a_named_reader_measures_bytes(scorer: ScorerProcess, model: Model) -> None:
    data = draw_part("pit", np.random.default_rng(5)).jpeg()

    there = scorer.read("surface", data, cpu_seconds=30, timeout_seconds=30)

    assert there == surface.read(data)
    assert_scores_again(scorer, model)


def test_a_file_that_cannot_be_read_costs_nothing_else(
    scorer: ScorerProcess, model: Model
) -> None:
    pid = scorer.pid

    with pytest.raises(MediaUnreadable):
        scorer.read("surface", b"no picture", cpu_seconds=30, timeout_seconds=30)

    assert_scores_again(scorer, model)
    assert scorer.pid == pid


def test_a_file_that_takes_too_long_costs_the_child(
    scorer: ScorerProcess, model: Model
) -> None:
    data = draw_part("pit", np.random.default_rng(5)).jpeg()
    scorer.load_reader("surface")

    with pytest.raises(MediaTimedOut):
        scorer.read("surface", data, cpu_seconds=30, timeout_seconds=1e-4)

    assert_scores_again(scorer, model)
    assert scorer.read("surface", data, cpu_seconds=30, timeout_seconds=30).values


def test_a_file_that_takes_too_much_of_the_processor_costs_the_child(
    scorer: ScorerProcess, model: Model
) -> None:
    pixels = np.random.default_rng(5).integers(0, 255, (2000, 2000), dtype=np.uint8)
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "PNG", compress_level=1)
    data = target.getvalue()
    scorer.load_reader("surface")

    with pytest.raises(MediaTimedOut, match=r"0\.02 s of the processor"):
        scorer.read("surface", data, cpu_seconds=0.02, timeout_seconds=60)

    assert_scores_again(scorer, model)
    # The budget is of one file: what is done later does not count.
    for _ in range(2):
        assert scorer.read("surface", data, cpu_seconds=20, timeout_seconds=60).values


def test_waiting_for_the_processor_costs_a_file_nothing(scorer: ScorerProcess) -> None:
    data = draw_part("pit", np.random.default_rng(5)).jpeg()
    scorer.load_reader("surface")
    assert scorer.pid is not None
    os.kill(scorer.pid, signal.SIGSTOP)
    threading.Timer(0.8, os.kill, (scorer.pid, signal.SIGCONT)).start()

    assert scorer.read("surface", data, cpu_seconds=0.7, timeout_seconds=60).values
