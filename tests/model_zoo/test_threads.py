"""The threads of a process: all that computes keeps to them, and they do not change a map."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from explain import Request, explain
from model_zoo import load_model
from model_zoo.threads import use_threads
from scans import phantom

ROOT = Path(__file__).parents[2]
SCRIPT = """
from model_zoo.threads import use_threads
use_threads(1)
import sys
import cv2
import numpy as np
import tensorflow as tf
from explain import Request, explain
from model_zoo import load_model
from model_zoo.runtime import _core
from scans import phantom
chosen = tf.config.threading
inner, outer = chosen.get_intra_op_parallelism_threads(), chosen.get_inter_op_parallelism_threads()
print(inner, outer, cv2.getNumThreads(), _core().get_property("CPU", "INFERENCE_NUM_THREADS"))
for method in ("gradcam", "lime"):
    heat = explain(Request(load_model("tiny-phantom4"), phantom("glioma", 1).scan, method)).heat
    np.save(f"{sys.argv[1]}/{method}.npy", heat)
"""

CORES = """
import os
import sys
from model_zoo.threads import use_threads
if sys.argv[1] == "one":
    use_threads(1)
from threading import Event, Thread
import numpy as np
from model_zoo import load_model
model = load_model("tiny-phantom4")
size = model.card.input
runtime, batch = model.runtime, np.zeros((400, size.height, size.width, size.channels), np.float32)
assert runtime.engine == "openvino"
seen, over = set(), Event()

def look():
    while not over.is_set():
        for thread in os.listdir("/proc/self/task"):
            try:
                seen.add(tuple(sorted(os.sched_getaffinity(int(thread)))))
            except OSError:  # it has ended since
                pass

watch = Thread(target=look, daemon=True)
watch.start()
for scans in (1, 400):
    for _ in range(5):
        runtime.logits(batch[:scans])
over.set()
watch.join()
assert seen == {tuple(sorted(os.sched_getaffinity(0)))}, seen
"""


def test_no_process_works_without_a_thread():
    with pytest.raises(ValueError, match="at least 1 thread"):
        use_threads(0)


@pytest.mark.slow
@pytest.mark.real_gate
def test_a_process_of_one_thread_makes_the_same_maps(in_tiny_zoo, tmp_path):
    """LIME to the bit; a gradient of TensorFlow is rounded by the number of threads (seen without AVX-512)."""
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    made = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=True).stdout
    assert made.split("\n")[0] == "1 1 1 1"
    theirs = {method: np.load(tmp_path / f"{method}.npy") for method in ("gradcam", "lime")}
    ours = {
        method: explain(Request(load_model("tiny-phantom4"), phantom("glioma", 1).scan, method)).heat
        for method in theirs
    }
    assert np.array_equal(ours["lime"], theirs["lime"])
    assert np.abs(ours["gradcam"] - theirs["gradcam"]).max() <= 1e-5 * np.abs(theirs["gradcam"]).max()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
@pytest.mark.parametrize("threads", ["one", "all"])
def test_no_thread_is_bound_to_a_core_which_another_process_may_use(threads, in_tiny_zoo):
    subprocess.run([sys.executable, "-c", CORES, threads], cwd=ROOT, env=dict(os.environ), check=True)
