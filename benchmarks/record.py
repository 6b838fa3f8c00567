"""Where a measurement is kept, with the machine that it was taken on."""

import json
import os
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter

from model_zoo.whole_files import write_whole

RESULTS = Path(__file__).parent / "results"
# With these the networks use no later instructions than an ordinary office machine has. OpenVINO needs both: with the
# first alone it still chooses bfloat16, which it then has no instructions for, and ends the process.
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "OV_CPU_MAX_ISA": "avx2"}


def machine() -> dict[str, str | int]:
    """Return what is needed to compare a measurement with one from elsewhere."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    flags = next((line for line in lines if line.startswith("flags")), "")
    packages = ("tensorflow-cpu", "keras", "openvino", "tf-keras-vis", "streamlit", "ray")
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "bfloat16": _bfloat16(flags),
        "python": platform.python_version(),
    } | {package: version(package) for package in packages if _installed(package)}


def load_average() -> list[float]:
    """Return the machine's load average over 1, 5 and 15 minutes."""
    return [round(each, 1) for each in os.getloadavg()]


def processor_seconds(process: int) -> float:
    """Return the processor's time that a process has taken, as the kernel counts it."""
    fields = (Path("/proc") / str(process) / "stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def limited_to_avx2() -> bool:
    """Return whether this process runs its networks as a processor without AVX-512 and bfloat16 would."""
    return AVX2.items() <= os.environ.items()


def _bfloat16(flags: str) -> str:
    if limited_to_avx2():
        return "none: limited to AVX2"
    return "amx_bf16" if "amx_bf16" in flags else "avx512_bf16" if "avx512_bf16" in flags else "none"


def _installed(package: str) -> bool:
    try:
        return bool(version(package))
    except ModuleNotFoundError:  # importlib.metadata.PackageNotFoundError is one
        return False


def write(name: str, measurements: dict) -> None:
    """Write `results/<name>.json`, or `<name>-avx2.json` where the process is limited to AVX2, and print it."""
    RESULTS.mkdir(exist_ok=True)
    limits = "".join(f"{variable}={value} " for variable, value in AVX2.items()) * limited_to_avx2()
    command = f"{limits}python -m benchmarks.{name}"
    text = json.dumps({"command": command, "machine": machine(), **measurements}, indent=2)
    write_whole(RESULTS / f"{name}{'-avx2' * limited_to_avx2()}.json", text + "\n")
    print(text)


def read_results(name: str, *, avx2: bool = False) -> dict:
    """Return `results/<name>.json`, or what was measured of it with AVX2 alone."""
    return json.loads((RESULTS / f"{name}{'-avx2' * avx2}.json").read_text())


def measured_on(results: dict) -> str:
    """Return in words on what, with which runtime and by which command something was measured."""
    machine = results["machine"]
    return (
        f"{machine['cores']} cores of an {machine['processor']} ({bfloat16_of(machine)}), {results['runtime']}: "
        f"`{results['command']}`"
    )


def bfloat16_of(machine: dict) -> str:
    """Return by which instructions a machine multiplies bfloat16, in words where by none."""
    return "no bfloat16" if machine["bfloat16"] == "none" else machine["bfloat16"]


def spread(seconds: list[float]) -> dict[str, float]:
    """Return how many times something was timed, and the median, the fastest and the slowest, in seconds."""
    return {
        "times": len(seconds),
        "median seconds": round(median(seconds), 3),
        "fastest": round(min(seconds), 3),
        "slowest": round(max(seconds), 3),
    }


def side_by_side(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each run; they take turns, so that a slow moment affects them all.

    Each is called twice beforehand: the first call traces and allocates.
    """
    for run in runs.values():
        run(), run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            started = perf_counter()
            run()
            seconds[name].append(perf_counter() - started)
    return {name: median(times) for name, times in seconds.items()}
