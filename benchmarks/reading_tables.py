"""Tables of what reading and looking cost, and of how well the reader tells what it is given."""

from benchmarks.record import bfloat16_of, read_results
from model_zoo.markdown import markdown_table


def reading() -> str:
    """Return how long a series of single DICOM files takes to read, and what stays of it in memory."""
    found = read_results("reading")
    machine, each, memory = found["machine"], found["seconds per file"], found["memory, MB"]
    app = found["in the app, seconds"]
    rows = {
        f"{found['files']} files, {found['threads']} threads": f"{found['all files, seconds']:g} s",
        "that is, for each file": f"{1000 * each['server']:.0f} ms",
        "for each file, with a process of its own, as before": (
            f"{1000 * each['a process each']:.0f} ms, {found['times faster']:g} times as long"
        ),
        "one file alone": f"{1000 * found['first file, seconds']:.0f} ms",
        "in the app, from the choice of the files to the first picture": f"{app['to the first picture']:g} s",
        "in the app, to the prediction and its map": f"{app['to the prediction and its map']:g} s",
        "memory of the app": (
            f"{memory['before']:,} MB before, {memory['with the series']:,} MB with the series, {memory['after']:,} MB "
            "after the browser had left"
        ),
    }
    return (
        f"`{found['command']}`: {found['pixels']}, on {machine['cores']} cores of an {machine['processor']} "
        f"({bfloat16_of(machine)}).\n\n" + markdown_table(["reading", "cost"], list(rows.items()))
    )


def viewer() -> str:
    """Return how long the viewer takes for a frame, and what becomes of a key that is held."""
    found = read_results("viewer")
    machine, held, each = found["machine"], found["held key"], found["frames"]
    kinds = ("drawing, ms", "interval, ms")
    rows = [
        [name, f"{times['processor, ms']:.1f} ms"]
        + [f"{times[kind][value]:.1f} ms" for kind in kinds for value in ("median", "95th percentile")]
        for name, times in each.items()
    ]
    columns = ["what changes", "processor", "drawing, median", "95 % below", "frame to frame, median", "95 % below"]
    side, plane = found["side of a picture, pixels"], found["side of a plane, pixels"]
    load = " and ".join(f"{load:g}" for load in found["load average before, after"])
    kept = (
        f"Slices from memory: {found['slices per second, from memory']:g} a second, one in each frame. A key held for "
        f"{held['keys']} steps, {held['keys a second']:g} a second: {held['keys lost']} lost, {held['slices drawn']} "
        f"slices drawn, and the server explains the last one (step {held['slice that the server explains']})."
    )
    return (
        f"`{found['command']}` in {found['browser']} without a graphics card, on {machine['cores']} cores of an "
        f"{machine['processor']} ({bfloat16_of(machine)}) that also run the server; two pictures of {side} x {side} "
        f"pixels and three planes of {plane} x {plane}; load average {load} before and after. "
        "Processor: time of the page's main thread for a "
        "frame, with layout and all, whatever else runs on the machine. Drawing: what the viewer's script takes by the "
        "clock; 16 ms are asked, and a browser draws a frame each 16.7 ms at best.\n\n"
        f"{markdown_table(columns, rows)}\n\n{kept}"
    )


def broken_files() -> str:
    """Return what became of the files that `make fuzz` broke."""
    found = read_results("fuzz")
    total, slowest, largest = found["total"], found["slowest"]["reply"], found["largest"]["reply"]
    machine = found["machine"]
    rows = [[name, f"{number:,}"] for name, number in total.items()]
    return (
        f"`make fuzz`: {found['mutants']:,} broken files of {len(found['counts'])} kinds, on an "
        f"{machine['processor']} ({bfloat16_of(machine)}); {slowest['seconds']:.1f} s and "
        f"{largest['megabytes']:.0f} MB at most. "
        "Slow is over 10 s, large over 1 GB.\n\n" + markdown_table(["outcome", "files"], rows)
    )


def sheets() -> str:
    """Return how often one head is taken for several, and several are found."""
    found = read_results("sheets")
    called, text = found["called a sheet, held-out pictures"], found["called text, held-out pictures"]
    rows = [[f"pictures of {name}", called[name], text[name]] for name in called]
    for grid, gutters in found["sheets found"].items():
        counts = [count.split(",")[0].split(" of ") for count in gutters.values()]
        hits, of = (sum(int(each[k]) for each in counts) for k in (0, 1))
        rows.append([f"sheets, {grid}", f"{hits} of {of}", ""])
    return f"`{found['command']}`, on the half of the scans that the limits were not chosen on.\n\n" + markdown_table(
        ["pictures", "taken for several heads", "taken to have text"], rows
    )
