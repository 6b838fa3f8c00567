"""How many threads the networks and the libraries of this process may use: all cores, unless a worker shares them."""

import os

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_chosen: list[int] = []


def use_threads(count: int) -> None:
    """Bound TensorFlow, OpenVINO, OpenCV and the numeric libraries to `count` threads each, from 1.

    To be called before the first model is loaded. OMP_NUM_THREADS, which Ray sets, bounds neither TensorFlow nor
    OpenVINO. Raises ValueError below 1, RuntimeError where TensorFlow has started with other threads.
    """
    if count < 1:
        raise ValueError(f"a process needs at least 1 thread, not {count}")
    os.environ.update(dict.fromkeys(_VARIABLES, str(count)))  # of the libraries that are imported from now on
    import cv2

    from model_zoo.backend import import_keras

    import_keras()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(count)
    cv2.setNumThreads(count)
    _chosen[:] = [count]


def openvino_threads() -> dict[str, int | bool]:
    """Return OpenVINO's properties for the processor: its threads, where they were chosen, and that they may move.

    Of itself it binds each thread to a core. The first thread of every process is then on the first core: two processes
    of one thread work one after the other, and two of two threads predict single scans half as fast (seen with 2026.4).
    """
    return {"ENABLE_CPU_PINNING": False} | ({"INFERENCE_NUM_THREADS": _chosen[0]} if _chosen else {})
