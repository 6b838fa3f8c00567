"""Tables of the engines: what one and two Ray workers do beside one process, and what ten million slices would cost."""

from benchmarks.engine import HERE, ONE, PLAIN_ONE, PLAIN_TWO, TWO, WORK
from benchmarks.record import RESULTS, read_results
from model_zoo.markdown import markdown_table

_SLICES = 10_000_000
_NODES = (1, 10, 100, 1000)
_HOUR, _DAY = 3600, 86_400
_NOT_YET = "Not measured yet: `make .venv/ray` and `python -m benchmarks.engine` on a quiet machine."


def engine_speed() -> str:
    """Return the files a second of each engine, and the efficiency of a second worker."""
    if not (RESULTS / "engine.json").exists():
        return _NOT_YET
    found = read_results("engine")
    machine, memory = found["machine"], found["memory, MB"]
    rows = []
    for kind in WORK:
        each = found[kind]
        rates = each["files a second"]
        rows.append(
            [
                f"{kind} ({', '.join(each['methods'])})",
                *(f"{rates[way]:g}" for way in (HERE, ONE, TWO)),
                _percent(each["two workers over twice one"]),
                *(f"{rates[way]:g}" for way in (PLAIN_ONE, PLAIN_TWO)),
                _percent(each["two plain processes over twice one"]),
                f"{each['two workers over this process']:g} x",
                f"{each['rounds with the same files']} of {found['rounds']}",
            ]
        )
    heads = [
        "files a second", HERE, ONE, TWO, "two workers over twice one", PLAIN_ONE, PLAIN_TWO,
        "two plain processes over twice one", "two workers over this process", "rounds with the same files",
    ]  # fmt: skip
    load = " and ".join(f"{found[f'load average {when}'][0]:g}" for when in ("before", "after"))
    first, loops = found["maps"]["first four files, seconds"], found["loops a second"]
    files = ", ".join(f"{found[kind]['files']} for {kind}" for kind in WORK)
    return (
        f"`{found['command']}` with `{found['model']}`, phantoms ({files}) on {machine['cores']} cores of an "
        f"{machine['processor']} ({machine['bfloat16']}), Ray {machine.get('ray', '')}, load average {load}; median of "
        f"{found['rounds']} round{'s' * (found['rounds'] > 1)}, in which all take turns. This process uses all cores, "
        "a worker one thread.\n\n"
        f"{markdown_table(heads, rows)}\n\n"
        "Two processes that run an empty loop, which needs nothing but the processor, reach "
        f"{_percent(loops[PLAIN_TWO] / (2 * loops[PLAIN_ONE]))} of twice one.\n\n"
        f"The cluster was there after {found['cluster started, seconds']:g} s. Two workers whose processes were there "
        f"took {first[TWO]:g} s to load their models and explain their first four files. Handing out empty tasks, two "
        f"workers finished {found['items of nothing a second']:,} a second. The largest worker held "
        f"{memory['largest worker']:,} MB, the rest of the cluster {memory['cluster without workers']:,} MB."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def ten_million_slices() -> str:
    """Return the time, the disk and the files of ten million slices on several numbers of machines like this one."""
    if not (RESULTS / "engine.json").exists():
        return _NOT_YET
    found = read_results("engine")
    given, kept = found["items of nothing a second"], found["lines kept a second"]
    handed, rows = 1 / (1 / given + 1 / kept), []
    rates = {kind: found[kind]["files a second"][TWO] for kind in WORK}
    for nodes in _NODES:
        cells = [f"{nodes:,}"]
        for kind in WORK:
            seconds = _SLICES / (rates[kind] * nodes)
            time = f"{seconds / _DAY:,.1f} days" if seconds >= 2 * _DAY else f"{seconds / _HOUR:,.1f} hours"
            commands = -(-rates[kind] * nodes // handed)
            cells.append(f"{time}, {commands:.0f} command{'s' * (commands > 1)}")
        rows.append(cells)
    disk = []
    for kind in WORK:
        each = found[kind]
        size, files = each["kB a file"] * _SLICES / 1e9, each["results a file"] * _SLICES / 1e6
        disk.append(f"{kind}: {size:,.1f} TB in {files:,.0f} million files")
    heads = ["machines", *(f"{kind} ({', '.join(found[kind]['methods'])})" for kind in WORK)]
    return (
        f"{markdown_table(heads, rows)}\n\n"
        f"Each machine has {found['machine']['cores']} cores, and does what two workers did in `{found['command']}`; "
        f"nothing is lost between machines. One command hands out {given:,} files a second at least and keeps {kept:,} "
        f"lines, one after the other: {handed:,.0f} files a second, beyond which there must be several commands. The "
        "lines were kept in a local temporary folder; a shared disk may be much slower: measure yours. "
        f"Results on the disk: {'; '.join(disk)}."
    )
