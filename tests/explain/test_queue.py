"""Every user gets the result of their own work, in their turn, and can leave at any time."""

import gc
import sys
import threading
import weakref
from threading import Barrier, Event, Thread

import pytest

from explain import METHODS, Cancelled, Request, explain
from explain.cache import submit
from explain.queue import (
    FORGOTTEN_AFTER,
    GRACE,
    LANES,
    PATIENCE,
    QUEUE,
    QUICK,
    SLOW,
    Busy,
    Job,
    Lane,
    Queue,
    _any_present,
)
from model_zoo import load_model
from scans import phantom

SOON = 20  # seconds: far more than any of this takes, so that a fault ends in a failure and not in a wait


def one_lane(workers: int = 1, waiting: int = 32, per_user: int = 4, **options) -> Queue:
    """A queue for one test, with one lane."""
    return Queue({SLOW: Lane(workers, waiting, per_user)}, **options)


class Gate:
    """Work that reports when it has begun and ends once opened, or at the check after a cancel."""

    def __init__(self, result: object = "map") -> None:
        self.result = result
        self.begun, self.open, self.stopped = Event(), Event(), Event()
        self.runs = 0

    def __call__(self, progress, cancelled):
        self.runs += 1
        self.begun.set()
        while not self.open.wait(0.002):
            if cancelled():
                self.stopped.set()
                raise Cancelled
        return self.result


class Time:
    """A clock that stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def busy():
    """A function that returns a queue of one worker, which is busy until the gate returned with it is opened."""
    gates = []

    def make(**numbers) -> tuple[Queue, Gate]:
        queue, gate = one_lane(**numbers), Gate()
        gates.append(gate)
        queue.submit("first", gate, "somebody")
        assert gate.begun.wait(SOON)
        return queue, gate

    yield make
    for gate in gates:
        gate.open.set()


def quick(result: object = None):
    """Work that ends at once."""
    return lambda progress, cancelled: result


def test_a_job_is_run_and_its_result_given_to_its_user():
    job = one_lane().submit("q", quick("map"), "ann")
    assert job.wait(SOON)
    assert (job.key, job.state, job.progress, job.result, job.error, job.place) == ("q", "done", 1, "map", None, 0)


def test_the_same_work_submitted_twice_runs_once_and_both_get_the_same_object(busy):
    queue, _ = busy(workers=2)
    gate = Gate(result=object())
    waiting = [queue.submit("q", gate, user) for user in ("ann", "bob")]
    assert gate.begun.wait(SOON)
    running = queue.submit("q", quick("another map"), "cy")
    gate.open.set()
    assert all(job.wait(SOON) for job in (*waiting, running))
    assert gate.runs == 1
    assert waiting[0].result is waiting[1].result is running.result is gate.result


def test_finished_work_submitted_again_runs_again_since_the_cache_comes_first():
    queue = one_lane()
    assert queue.submit("q", quick(1), "ann").wait(SOON)
    again = queue.submit("q", quick(2), "ann")
    assert again.wait(SOON) and again.result == 2


def test_eight_threads_that_submit_work_of_three_keys_get_their_own_results():
    queue, together, received = one_lane(waiting=8), Barrier(8), {}
    results = [object() for _ in range(3)]

    def submit(n: int) -> None:
        together.wait()
        job = queue.submit(f"q{n % 3}", quick(results[n % 3]), f"user {n}")
        assert job.wait(SOON)
        received[n] = job.result

    threads = [Thread(target=submit, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert received == {n: results[n % 3] for n in range(8)}


def test_progress_is_reported_stays_in_its_range_and_never_falls():
    reported, go = Event(), Event()
    shares = []

    def work(progress, cancelled):
        for share in (0.25, 0.1, float("nan"), -3):
            progress(share)
        reported.set()
        assert go.wait(SOON)
        progress(7)
        shares.append(job.progress)

    job = one_lane().submit("q", work, "ann")
    assert reported.wait(SOON) and job.progress == 0.25 and job.state == "running"
    go.set()
    assert job.wait(SOON) and job.state == "done" and shares == [1.0]


def test_the_seconds_are_those_of_the_run_and_stand_still_after_it():
    clock = Time()
    queue, first, second = one_lane(now=clock), Gate(), Gate()
    jobs = [queue.submit("first", first, "ann"), queue.submit("second", second, "ann")]
    assert first.begun.wait(SOON)
    clock.now = 5
    assert [job.seconds for job in jobs] == [5, 0]
    first.open.set()
    assert second.begun.wait(SOON)
    clock.now = 7
    assert [job.seconds for job in jobs] == [5, 2]
    second.open.set()
    assert jobs[1].wait(SOON)
    clock.now = 100
    assert [job.seconds for job in jobs] == [5, 2]


def test_waiting_with_a_timeout_returns_whether_the_job_is_over(busy):
    queue, gate = busy()
    job = queue.look("first", "somebody")
    assert not job.wait(0.01)
    gate.open.set()
    assert job.wait(SOON)


def test_a_job_cancelled_in_the_middle_stops_at_its_next_check_and_the_next_one_runs(busy):
    queue, gate = busy()
    job, after = queue.look("first", "somebody"), queue.submit("q", quick("map"), "ann")
    queue.cancel("first", "somebody")
    assert job.wait(SOON) and job.state == "cancelled" and job.result is None and job.error is None
    assert gate.stopped.wait(SOON)
    assert after.wait(SOON) and after.result == "map"


def test_a_cancelled_job_that_is_waiting_never_starts(busy):
    queue, gate = busy()
    never = Gate()
    job, after = queue.submit("never", never, "ann"), queue.submit("q", quick(), "ann")
    queue.cancel("never", "ann")
    assert job.wait(SOON) and (job.state, job.place, after.place) == ("cancelled", 0, 1)
    gate.open.set()
    assert after.wait(SOON) and never.runs == 0


def test_one_of_two_users_who_cancels_leaves_the_other_s_job_running(busy):
    queue, gate = busy()
    job = queue.submit("first", quick(), "ann")
    queue.cancel("first", "ann")
    assert job.state == "running" and queue.look("first", "ann") is None
    gate.open.set()
    assert job.wait(SOON) and job.state == "done" and queue.look("first", "somebody").result == "map"


def test_the_last_of_two_users_who_cancels_stops_the_job(busy):
    queue, gate = busy()
    job = queue.submit("first", quick(), "ann")
    for user in ("ann", "somebody"):
        queue.cancel("first", user)
    assert job.wait(SOON) and job.state == "cancelled" and gate.stopped.wait(SOON)


def test_nobody_cancels_or_looks_at_a_job_that_is_not_theirs(busy):
    queue, gate = busy()
    job = queue.look("first", "somebody")
    queue.cancel("first", "ann")
    queue.leave("ann")
    queue.cancel("no such job", "ann")
    assert job.state == "running" and queue.look("first", "ann") is None
    gate.open.set()
    assert job.wait(SOON)
    assert queue.look("first", "ann") is None and queue.look("first", "somebody") is job


def test_a_job_that_is_asked_for_anew_while_its_deserted_forerunner_stops_is_not_dropped_with_it():
    """The page comes back between the two moments at which the worker asks whether anyone is still there."""
    time = Time()
    queue, there, begun, look, looked = one_lane(now=time), [True], Event(), Event(), Event()

    def work(progress, cancelled):
        begun.set()
        assert look.wait(SOON)
        assert cancelled()
        looked.set()
        raise Cancelled

    queue.submit("q", work, "ann", lambda: there[0])
    assert begun.wait(SOON)
    there[0] = False
    time.now += GRACE + 1
    lock, fresh = queue._lock, []

    class Late:  # the worker gets the lock only after the page has asked again
        def __enter__(self):
            if threading.current_thread() is not threading.main_thread() and not fresh:
                fresh.append(None)
                fresh[0] = queue.submit("q", quick("map"), "ann")
            return lock.__enter__()

        def __exit__(self, *error):
            return lock.__exit__(*error)

    queue._lock = Late()
    look.set()
    assert looked.wait(SOON) and fresh[0].wait(SOON) and fresh[0].result == "map"


def test_work_submitted_again_after_a_cancel_is_a_new_job_and_not_the_one_that_is_stopping():
    queue, begun, go = one_lane(), Event(), Event()

    def deaf(progress, cancelled):
        begun.set()
        assert go.wait(SOON)
        return "too late"

    old = queue.submit("q", deaf, "ann")
    assert begun.wait(SOON)
    queue.cancel("q", "ann")
    new = queue.submit("q", quick("map"), "ann")
    assert new is not old and new.state == "waiting"
    go.set()
    assert new.wait(SOON) and new.result == "map"
    assert old.state == "cancelled" and old.result is None
    assert queue.look("q", "ann") is new


def test_a_user_who_leaves_is_withdrawn_from_their_jobs_and_nobody_else_is(busy):
    queue, gate = busy(per_user=3)
    own = [queue.submit(key, quick(), "ann") for key in ("a", "b")]
    shared = queue.submit("shared", quick("map"), "ann")
    queue.submit("shared", quick(), "bob")
    queue.leave("ann")
    assert [job.state for job in (*own, shared)] == ["cancelled", "cancelled", "waiting"]
    gate.open.set()
    assert shared.wait(SOON) and shared.result == "map"


def test_a_full_queue_refuses_and_has_room_again_when_somebody_leaves(busy):
    queue, gate = busy(waiting=2)
    jobs = [queue.submit(f"q{n}", quick(), f"user {n}") for n in range(2)]
    with pytest.raises(Busy, match=r"\b3\b.*\b3\b"):
        queue.submit("q2", quick(), "user 2")
    assert queue.submit("q1", quick(), "user 2") is jobs[1], "joining needs no room"
    queue.leave("user 0")
    after = queue.submit("q2", quick(), "user 3")
    gate.open.set()
    assert after.wait(SOON)


def test_a_user_has_a_limited_number_of_jobs_and_others_may_still_submit(busy):
    queue, gate = busy(per_user=2)
    jobs = [queue.submit(f"q{n}", quick(), "ann") for n in range(2)]
    for key in ("q2", "first"):
        with pytest.raises(Busy, match=r"\b2\b.*\b2\b"):
            queue.submit(key, quick(), "ann")
    assert queue.submit("q0", quick(), "ann") is jobs[0], "submitting one's own again is no other job"
    assert queue.submit("q2", quick(), "bob").place == 2
    queue.cancel("q0", "ann")
    assert queue.submit("q3", quick(), "ann").state == "waiting"
    gate.open.set()
    assert jobs[1].wait(SOON)


@pytest.mark.parametrize("numbers", [{"workers": 0}, {"waiting": 0}, {"per_user": 0}], ids=str)
def test_a_queue_that_could_run_nothing_is_refused(numbers):
    with pytest.raises(ValueError, match="at least 1"):
        one_lane(**numbers)


@pytest.mark.parametrize("error", [ValueError("no such layer"), SystemExit(1)], ids=repr)
def test_a_failing_job_s_error_reaches_its_user_and_the_next_job_runs(error):
    def fail(progress, cancelled):
        progress(0.5)
        raise error

    queue = one_lane()
    job, after = queue.submit("q", fail, "ann"), queue.submit("next", quick("map"), "bob")
    assert job.wait(SOON) and after.wait(SOON)
    assert (job.state, job.progress, job.result) == ("failed", 0.5, None) and job.error is error
    assert queue.look("q", "ann").error is error
    assert after.result == "map"


def test_users_take_turns_however_many_jobs_one_of_them_submits(busy):
    queue, gate = busy()
    started, jobs = [], []
    for key in ("a1", "a2", "a3", "b1", "b2", "c1"):
        jobs.append(queue.submit(key, lambda progress, cancelled, key=key: started.append(key), key[0]))
    assert [job.place for job in jobs] == [1, 4, 6, 2, 5, 3]
    gate.open.set()
    assert all(job.wait(SOON) for job in jobs)
    assert started == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_a_user_who_submits_waiting_work_again_keeps_their_place(busy):
    """As a page does whenever it reruns."""
    queue, gate = busy()
    ann, bob = (queue.submit(user, quick(), user) for user in ("ann", "bob"))
    assert queue.submit("ann", quick(), "ann") is ann and (ann.place, bob.place) == (1, 2)
    gate.open.set()
    assert bob.wait(SOON)


def test_a_user_who_was_just_served_comes_after_those_who_wait(busy):
    queue, gate = busy()
    next_gate = Gate()
    ann = queue.submit("a1", next_gate, "ann"), queue.submit("a2", quick(), "ann")
    bob = queue.submit("b1", quick(), "bob")
    assert [job.place for job in (*ann, bob)] == [1, 3, 2]
    gate.open.set()
    assert next_gate.begun.wait(SOON)
    late = queue.submit("c1", quick(), "cy")
    assert [job.place for job in (*ann, bob, late)] == [0, 2, 1, 3], "cy submitted after ann was last served"
    next_gate.open.set()
    assert late.wait(SOON)


def test_a_shared_job_is_taken_at_the_earliest_turn_of_its_users_and_is_a_turn_of_each(busy):
    queue, gate = busy()
    a1, a2 = (queue.submit(key, quick(), "ann") for key in ("a1", "a2"))
    b1, c1 = queue.submit("b1", quick(), "bob"), queue.submit("c1", quick(), "cy")
    assert [job.place for job in (a1, a2, b1, c1)] == [1, 4, 2, 3]
    queue.submit("a2", quick(), "bob")
    assert [job.place for job in (a1, a2, b1, c1)] == [1, 4, 2, 3], "bob's own b1 comes before the job he joined"
    queue.submit("a1", quick(), "cy")
    assert [job.place for job in (a1, a2, b1, c1)] == [1, 3, 2, 4], "a1 is a turn of cy, too"
    gate.open.set()
    assert a2.wait(SOON)


def test_a_waiting_job_that_nobody_looks_at_is_dropped_when_its_turn_comes():
    clock = Time()
    queue, gate, never = one_lane(now=clock), Gate(), Gate()
    queue.submit("first", gate, "ann")
    assert gate.begun.wait(SOON)
    dead, looked, joined = (
        queue.submit("dead", never, "bob"),
        *[queue.submit(k, quick(), "ann") for k in "lt"],
    )
    clock.now = PATIENCE
    assert queue.look("l", "ann") is looked
    assert queue.submit("t", quick(), "ann") is joined
    clock.now = 1.5 * PATIENCE
    gate.open.set()
    assert looked.wait(SOON) and joined.wait(SOON)
    assert dead.state == "cancelled" and never.runs == 0 and queue.look("dead", "bob") is None
    assert looked.state == joined.state == "done"


def test_a_waiting_caller_counts_as_present():
    clock = Time()
    queue, gate = one_lane(now=clock), Gate()
    queue.submit("first", gate, "ann")
    job = queue.submit("q", quick("map"), "bob")
    thread = Thread(target=job.wait, args=(SOON,))
    thread.start()
    while not job.waiters:
        pass
    clock.now = 10 * PATIENCE
    gate.open.set()
    thread.join(SOON)
    assert job.state == "done" and job.result == "map"


def test_jobs_of_closed_browsers_take_no_room_from_others():
    clock = Time()
    queue, gate = one_lane(waiting=1, now=clock), Gate()
    running = queue.submit("first", gate, "ann")
    assert gate.begun.wait(SOON)
    queue.submit("dead", quick(), "bob")
    with pytest.raises(Busy):
        queue.submit("q", quick(), "cy")
    clock.now = PATIENCE + 1
    job = queue.submit("q", quick(), "cy")
    gate.open.set()
    assert running.wait(SOON) and running.state == "done", "a running job is finished, for the cache"
    assert job.wait(SOON)


def test_a_finished_job_is_given_to_each_user_once_and_then_forgotten(busy):
    queue, gate = busy()
    job = queue.submit("first", quick(), "ann")
    gate.open.set()
    assert job.wait(SOON)
    assert queue.look("first", "ann") is job and queue.look("first", "ann") is None
    assert queue.look("first", "somebody") is job and queue.look("first", "somebody") is None


def test_finished_jobs_nobody_fetches_are_forgotten_after_newer_ones():
    queue = one_lane()
    for n in range(FORGOTTEN_AFTER + 2):
        assert queue.submit(f"q{n}", quick(n), f"user {n}").wait(SOON)
    assert queue.look("q0", "user 0") is None and queue.look("q1", "user 1") is None
    assert queue.look("q2", "user 2").result == 2


def test_newer_means_ended_later_not_submitted_later(busy):
    queue, gate = busy(workers=2)
    for n in range(FORGOTTEN_AFTER):
        assert queue.submit(f"q{n}", quick(), f"user {n}").wait(SOON)
    job = queue.submit("first", quick(), "ann")
    gate.open.set()
    assert job.wait(SOON) and queue.look("first", "ann") is job and queue.look("q0", "user 0") is None


def test_a_finished_job_nobody_fetches_in_time_is_forgotten():
    clock = Time()
    queue = one_lane(now=clock)
    assert queue.submit("q", quick(), "ann").wait(SOON)
    clock.now = PATIENCE + 1
    assert queue.submit("other", quick(), "bob").wait(SOON)
    assert queue.look("q", "ann") is None


def test_objects_held_by_the_work_are_released_when_it_is_over():
    class Pixels:
        pass

    pixels = Pixels()
    held = weakref.ref(pixels)
    job = one_lane().submit("q", lambda progress, cancelled, pixels=pixels: "map", "ann")
    del pixels
    assert job.wait(SOON)
    for thread in lane_threads():
        thread.join(SOON)
    gc.collect()
    assert held() is None and job.result == "map"


def test_an_idle_queue_has_no_threads_and_a_busy_one_no_more_than_its_workers():
    queue, gates = one_lane(workers=2), [Gate() for _ in range(3)]
    before = set(lane_threads())
    jobs = [queue.submit(f"q{n}", gate, "ann") for n, gate in enumerate(gates)]
    assert gates[0].begun.wait(SOON) and gates[1].begun.wait(SOON)
    ours = set(lane_threads()) - before
    assert len(ours) == 2 and all(thread.daemon for thread in ours)
    assert jobs[2].state == "waiting" and not gates[2].begun.is_set()
    for gate in gates:
        gate.open.set()
    assert all(job.wait(SOON) for job in jobs)
    for thread in ours:
        thread.join(SOON)
    assert not any(thread.is_alive() for thread in ours)
    assert queue.submit("again", quick(), "ann").wait(SOON)


def test_users_who_come_and_go_at_once_leave_nothing_behind():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads switch as often as they can
    try:
        queue, wrong = one_lane(workers=2, waiting=8), []

        def come_and_go(user: str) -> None:
            for n in range(60):
                key = f"q{n % 5}"
                try:
                    job = queue.submit(key, quick(key), user)
                except Busy:
                    continue
                if n % 3 == 0:
                    queue.cancel(key, user)
                elif not job.wait(SOON) or job.result != key:  # others may have left, this user has not
                    wrong.append(job)
            queue.leave(user)

        threads = [Thread(target=come_and_go, args=(f"user {n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SOON)
        for thread in lane_threads():
            thread.join(SOON)
        assert wrong == [] and queue._jobs == {} and queue.idle and queue._served == {}
    finally:
        sys.setswitchinterval(interval)


def test_an_explanation_runs_as_a_job_and_stops_at_its_next_check_when_cancelled(in_tiny_zoo):
    model, scan = load_model("tiny-phantom4", precision="f32"), phantom("glioma", 5, 100).scan
    queue, begun, go, finished = one_lane(), Event(), Event(), []

    def work(progress, cancelled):
        def check() -> bool:
            begun.set()
            assert go.wait(SOON)
            return cancelled()

        finished.append(explain(Request(model, scan, "rise"), progress=progress, cancelled=check))
        return finished[-1]

    stopped = queue.submit("q", work, "ann")
    assert begun.wait(SOON)
    queue.cancel("q", "ann")
    go.set()
    job = queue.submit("q", work, "ann")
    assert job.wait(SOON) and job.state == "done" and job.progress == 1 and job.result.method == "rise"
    assert stopped.state == "cancelled" and finished == [job.result], "the first never came to its end"


def test_the_process_has_one_queue_that_runs_one_job_at_a_time():
    assert QUEUE.lanes == LANES and LANES[SLOW] == Lane(workers=1, waiting=32, per_user=4)


def lane_threads() -> list[Thread]:
    return [thread for thread in threading.enumerate() if thread.name.endswith(" lane")]


def test_a_running_job_whose_user_has_gone_is_stopped_after_a_while():
    clock, gate, connected = Time(), Gate(), [True]
    queue = one_lane(now=clock)
    queue.submit("a", gate, "ann", lambda: connected[0])
    assert gate.begun.wait(SOON)
    clock.now = 1000.0  # connected, though no page looks: a browser in the background
    assert not gate.stopped.wait(0.05)
    connected[0] = False
    assert not gate.stopped.wait(0.05)  # a page that reloads is away for a moment
    clock.now += GRACE + 1
    assert gate.stopped.wait(SOON)
    assert queue.look("a", "ann") is None


def test_a_user_may_join_while_the_queue_looks_who_is_still_there():
    """A worker looks without the queue's lock, while others submit."""
    job = Job(one_lane(), "a", SLOW, None)

    def join() -> bool:
        job.present["ben"] = lambda: True
        return False

    job.present["ann"] = join
    assert not _any_present(job) and _any_present(job)


def test_a_user_keeps_a_shared_job_when_the_other_has_gone():
    clock, gate = Time(), Gate()
    queue = one_lane(now=clock)
    queue.submit("a", gate, "gone", lambda: False)
    queue.submit("a", gate, "there", lambda: True)
    assert gate.begun.wait(SOON)
    clock.now = 10 * GRACE
    assert not gate.stopped.wait(0.05)
    gate.open.set()
    job = queue.look("a", "there")
    assert job is None or job.wait(SOON)


def test_a_waiting_job_of_a_page_in_the_background_is_kept_and_of_a_closed_one_dropped():
    clock, gate, connected = Time(), Gate(), [True]
    queue = one_lane(now=clock)
    queue.submit("long", gate, "other")
    assert gate.begun.wait(SOON)
    waiting = queue.submit("a", Gate(), "ann", lambda: connected[0])
    clock.now = 2 * PATIENCE
    queue.submit("b", Gate(), "third")  # the queue checks who is present
    assert waiting.state == "waiting"
    connected[0] = False
    clock.now += GRACE + 1
    queue.submit("c", Gate(), "third")
    assert waiting.state == "cancelled"
    queue.leave("third")
    gate.open.set()


def test_quick_methods_have_a_lane_of_their_own(in_tiny_zoo):
    model, scan = load_model("tiny-phantom4"), phantom("glioma", 5, 100).scan
    queue = Queue()
    jobs = {name: submit(queue, Request(model, scan, name), f"user {name}") for name in METHODS}
    lanes = {name: job.lane for name, job in jobs.items()}
    for name in METHODS:
        queue.leave(f"user {name}")
    assert lanes["gradcam"] == lanes["saliency"] == QUICK
    assert lanes["lime"] == lanes["rise"] == lanes["scorecam"] == SLOW


def test_a_lane_does_not_wait_for_another():
    queue, gate = Queue({SLOW: Lane(), QUICK: Lane()}), Gate()
    queue.submit("slow", gate, "ann", lane=SLOW)
    assert gate.begun.wait(SOON)
    job = queue.submit("quick", quick("map"), "ann", lane=QUICK)
    assert job.wait(SOON) and job.result == "map"
    gate.open.set()
