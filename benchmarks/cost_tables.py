"""Tables of cost: training, predictions and the waiting times in the app, from what the benchmarks wrote."""

import json
from statistics import median

from benchmarks.model_tables import measured_cards
from benchmarks.record import bfloat16_of, measured_on, read_results
from datasets.audit import AUDITS_FOLDER
from explain.methods import METHODS
from model_zoo import ModelCard, models
from model_zoo.markdown import markdown_table
from train.recipe import find_recipe, recipe_of

_PAGES = {
    "explain": "Explain a scan",
    "compare_models": "Compare models",
    "performance": "Model performance",
    "site_calibration": "Site calibration",
    "datasets": "Datasets",
    "explanation_quality": "Explanation quality",
    "about": "About",
}


def training_cost() -> str:
    """Return what the last leg of each shipped model costs, what it takes to keep, and what the other models took."""
    costs = read_results("recipes")
    rows, changed = [], []
    shipped = [card for card in models().values() if card.task != "phantom4" and not card.imported]
    for card in shipped:
        if card.id in costs and not same_recipe(costs[card.id], card):
            changed.append(f"`{card.id}` was not measured since its recipe changed.")
        elif card.id in costs:
            cost = costs[card.id]
            rates, seconds = (
                ", ".join(f"{value:g} ({side})" for side, value in cost[name].items())
                for name in ("images per second", "seconds per epoch")
            )
            rows.append(
                [
                    f"`{card.id}`",
                    f"{card.parameters:,}",
                    f"{card.weights_bytes / 1e6:.1f} MB",
                    f"{cost['training scans']:,}",
                    rates,
                    seconds,
                    _last_leg(cost, card),
                    _named(cost.get("machine", costs["machine"])),
                ]
            )
    heads = [
        "recipe", "parameters", "size", "training scans", "images per second", "seconds per epoch", "its last leg",
        "machine",
    ]  # fmt: skip
    missing = ", ".join(f"`{card.id}`" for card in shipped if card.id not in costs)
    lines = [
        f"Measured with `{costs['command']}`. First legs and teachers are not counted.",
        *([f"Not measured: {missing}."] if missing else []),
        *changed,
    ]
    # imported models and those that were trained on another backend have none
    ours = {name: card for name, card in measured_cards().items() if "seconds_per_epoch" in card.training}
    lines += [_pace(name, card) for name, card in ours.items() if card.id not in models()]
    for path in sorted(AUDITS_FOLDER.glob("*/summary.json")):
        audit = json.loads(path.read_text())
        lines.append(
            f"`python -m train audit {audit['task']}` compared {audit['scans']:,} scans in {audit['seconds']:g} s "
            f"({audit['processor_seconds']:g} s of processor time)."
        )
    frozen = read_results("frozen")
    lines.append(
        f"An epoch of the head on features computed once is {frozen['backbone over features']:g} times as fast as "
        f"running the frozen backbone every time ({frozen['network']}; {frozen['scans']}; {_named(frozen['machine'])}; "
        f"`{frozen['command']}`)."
    )
    return "\n".join([markdown_table(heads, rows), "", *(f"- {line}" for line in lines)])


def same_recipe(cost: dict, card: ModelCard) -> bool:
    """True where a stored cost is that of the recipe by which a model was trained."""
    recipe = recipe_of(card.recipe)
    return cost["epochs"] == recipe.epochs and f"{recipe.size} px" in cost["images per second"]


def _last_leg(cost: dict, card: ModelCard) -> str:
    """Return the epochs that a model was trained for, which may be fewer than its recipe's, and their time."""
    epochs = card.training.get("epochs", cost["epochs"])
    minutes = cost["minutes of the last leg"] * epochs / cost["epochs"]
    return f"{epochs} epochs, {minutes / 60:.0f} h" if minutes > 120 else f"{epochs} epochs, {minutes:.0f} min"


def _named(machine: dict) -> str:
    """Return the machine of a measurement: cores, processor and whether it multiplies bfloat16."""
    return f"{machine['cores']} cores, {machine['processor']}, {bfloat16_of(machine)}"


def _pace(name: str, card: ModelCard) -> str:
    """Return the time per epoch of a model that is not shipped, and an estimate for its whole recipe by image area."""
    ran, whole = recipe_of(card.recipe), find_recipe(card.id)[0]
    seconds = card.training["seconds_per_epoch"]
    line = f"{name}: {seconds:g} s per epoch at {ran.size} px, {card.training['epochs']:g} epochs."
    if whole.frozen_epochs and ran.epochs < whole.epochs:
        epochs = whole.epochs - whole.frozen_epochs
        minutes = seconds * (whole.size / ran.size) ** 2 * epochs / 60
        line += f" The recipe's {epochs} of the whole network at {whole.size} px would take about {minutes:.0f} min."
    return line


def prediction_speed() -> str:
    """Return the speed of predictions and of training beside the plain way of Keras."""
    prediction, avx2, training = (
        read_results("prediction"),
        read_results("prediction", avx2=True),
        read_results("training"),
    )
    machine = prediction["machine"]
    rows = [
        [
            f"predictions per second, {name}, {batch}",
            f"{rates['model.predict, scans per second']:g} (`model.predict`)",
            f"{rates['ours, scans per second']:g} ({prediction[name]['runtime']})",
            f"{rates['ours over model.predict']:g} x",
            f"{avx2[name][batch]['ours, scans per second']:g}",
            f"{avx2[name][batch]['ours over model.predict']:g} x",
            f"`{prediction['command']}`",
        ]
        for name in prediction
        if name not in ("command", "machine")
        for batch in ("batch 1", "batch 32")
        for rates in [prediction[name][batch]]
    ]
    rows.append(
        [
            "training, images per second, cnn3-kaggle4",
            f"{training['plain, images per second']:g} (Keras loader and layers, float32)",
            f"{training['ours, images per second']:g} ({training['precision of ours']})",
            f"{training['ours over plain']:g} x",
            "",
            "",
            f"`{training['command']}`",
        ]
    )
    return (
        f"Measured on {machine['cores']} cores of an {machine['processor']} ({machine['bfloat16']}); Keras and ours "
        "take turns in one run. The ratio compares ours in bfloat16 with Keras in float32; with AVX2 alone "
        f"(`{avx2['command']}`) both compute in float32.\n\n"
        + markdown_table(["what", "Keras", "ours", "ratio", "ours, AVX2", "ratio, AVX2", "command"], rows)
    )


def cost_of_generations() -> str:
    """Return what Candor's models cost beside those before them: size, passes and maps."""
    found = read_results("generations")
    rows = []
    for name, measured in found["models"].items():
        costs = {what: measured[what] for what in ("weights, MB", "pixels")}
        costs |= {
            f"milliseconds a scan, {batch}": {which: round(1000 / rate, 1) for which, rate in rates.items()}
            for batch, rates in measured["scans per second"].items()
        }
        costs |= {f"seconds, {METHODS[method].title}": each for method, each in measured["seconds per map"].items()}
        rows += [
            [f"`{name}`", cost, f"{both['before']:g}", f"{both['now']:g}", f"{both['now'] / both['before']:.2f}"]
            for cost, both in costs.items()
        ]
    heads = ["model", "what", "before", "now", "now over before"]
    return f"Measured on {measured_on(found)}.\n\n" + markdown_table(heads, rows)


def image() -> str:
    """Return how large the image is, and how large it may be."""
    found = read_results("image")
    return f"The image has {found['megabytes']:,} MB (`{found['command']}`); above {found['most']:,} the check fails."


def waiting_times() -> str:
    """Return the waiting times of one user and of eight at once, and the memory of the app."""
    app = read_results("app")
    pages, many, memory, machine = app["pages"], app["8 users at once"], app["memory, MB"], app["machine"]
    rows = {
        "first content of a page, opened for the first time in a new browser": _by_page(pages, "first"),
        "the same by its link, warm": _by_page(pages, "by its link, warm"),
        "page painted, once the server is up": f"{app['page painted, seconds after the server was up']:g} s",
        "first prediction and map, from the start of the process": (
            f"{app['first prediction, seconds after the start of the process']:g} s"
        ),
        "upload to heatmap, warm": _spread(app["upload to heatmap, warm"]),
        "eight users at once, a LIME map each": (
            f"{many['LIME maps']} maps, {many['correct, bit for bit']} of them bit for bit the user's own, "
            f"{many['stopped at the time limit']} stopped at the time limit; each ready after "
            f"{_spread(many['LIME, from the request to the map, seconds'])}"
        ),
        "their first quick map": _spread(many["their first quick map, seconds"]),
        "quick maps of a ninth user meanwhile": _spread(many["quick maps of a ninth user meanwhile, seconds"]),
        "processor use meanwhile": (
            f"the app {100 * many['share of the processor']['the app']:.0f} %, "
            f"all processes together {100 * many['share of the processor']['everything']:.0f} %"
        ),
        "clicks on a download that were lost": f"{many['clicks on a download lost']} of {many['LIME maps']}",
        "memory of the app": f"{memory['after the first map']:,} MB after the first map, {memory['most']:,} MB at most",
    }
    return (
        f"`{app['command']}`, with a real Chromium on the same {machine['cores']} cores of an "
        f"{machine['processor']} ({machine['bfloat16']}), load average {app['load average before'][0]:g} before.\n\n"
        + markdown_table(["waiting for", "time"], list(rows.items()))
    )


def api_speed() -> str:
    """Return what eight programs get from the HTTP API at once, beside the library and the bare runtime."""
    api = read_results("api")
    many, rates, memory, machine = api["clients at once"], api["predictions"], api["memory, MB"], api["machine"]
    loads = " and ".join(f"{load:g}" for load in api["load average before, after"])
    clients = f"{api['clients']} clients"
    rows = {
        f"predictions, bare runtime ({rates['runtime']}), one scan at a time": (
            f"{rates['bare runtime, one scan at a time, per second']:g} per second"
        ),
        "networks of the gate and of the model alone, one scan at a time: no prediction is faster": (
            f"{rates['networks of the gate and of the model alone, per second']:g} per second: "
            f"{rates['both networks over bare runtime']:g} of the bare runtime"
        ),
        "predictions, library: reading, gate, model, one scan at a time": (
            f"{rates['library, reading and gate included, per second']:g} per second"
        ),
        f"predictions, API, {clients} at once": (
            f"{rates[f'API, {clients}, per second']:g} per second: {rates['API over library']:g} of the library, "
            f"{rates['API over both networks']:g} of both networks, "
            f"{rates['API over bare runtime']:g} of the bare runtime"
        ),
        f"the same, {api['files in a request']} files in a request": (
            f"{rates['API, several files, per second']:g} per second: "
            f"{rates['API, several files, over bare runtime']:g} of the bare runtime"
        ),
        "processor's time for one prediction": _milliseconds(rates["processor, ms for one"]),
        "the same by part": _milliseconds(rates["processor by part, ms for one"]),
        f"first prediction, {clients} at once": _spread(many["first prediction, seconds"]),
        f"first map (Grad-CAM), {clients} at once": _spread(many["first map, seconds"]),
        f"LIME, {clients} at once": (
            f"{_spread(many['LIME, seconds'])}; of all {many['maps']} maps {many['correct, bit for bit']} are those of "
            f"the library bit for bit, {many['stopped at the time limit']} stopped at the time limit"
        ),
        "page of the app meanwhile, on the same cores": _spread(many["page of the app meanwhile, seconds"]),
        "start, until the server is ready": f"{api['ready, seconds after the start']:g} s",
        "memory of the server": (
            f"{memory['after the predictions']:,} MB after the predictions, {memory['most']:,} MB at most"
        ),
    }
    return (
        f"`{api['command']}` with `{api['model']}`, server and clients on the same {machine['cores']} cores of an "
        f"{machine['processor']} ({machine['bfloat16']}); load average {loads} before and after.\n\n"
        + markdown_table(["what", "measured"], list(rows.items()))
    )


def _milliseconds(spent: dict[str, float]) -> str:
    return "; ".join(f"{name} {ms:g} ms" for name, ms in spent.items())


def several_users() -> str:
    """Return the waits of one user and of several at once, without a browser, and whether their maps are the same."""
    found = read_results("load")
    count, machine = found["users"], found["machine"]
    alone, many = found["one user alone"], found[f"{count} users at once"]
    first, lime = "upload to first map, seconds", "LIME, seconds"
    same, freed, cut = (
        "maps bit for bit those of one user alone",
        "uploads freed after the last user had left, seconds",
        "LIME maps cut off by the time limit",
    )
    rows = [
        ["upload to first map", _range(alone[first]), _range(many[first])],
        ["LIME, from the request to the map", _range(alone[lime]), _range(many[lime])],
        [cut, str(alone[cut]), str(many[cut])],
        ["memory at most", *(f"{each['memory at most, MB']:,} MB" for each in (alone, many))],
        ["page of one more user", "", _range(many["page of another user, seconds"])],
        [same, "", f"{many[same]} of {many['maps']}"],
        [freed.removesuffix(", seconds"), "", f"{many[freed]:g} s"],
    ]
    load = " and ".join(f"{found[f'load average {when}'][0]:g}" for when in ("before", "after"))
    where = f"{machine['cores']} cores of an {machine['processor']} ({machine['bfloat16']}), load average {load}"
    collection = read_results("garbage_collection")["collection"]
    spent = {way: median(each["processor seconds of the app"]) for way, each in collection.items()}
    garbage = (
        f"{count} first maps at once take {spent['off']:.1f} s of the app's processor time, and {spent['on']:.1f} s "
        "where Streamlit collects garbage after each run of a page (`python -m benchmarks.garbage_collection`)."
    )
    table = markdown_table(["what", "one user", f"{count} users at once"], rows)
    return f"`{found['command']}` on {where}.\n\n{table}\n\n{garbage}"


def _range(times: dict) -> str:
    return f"{times['median']:g} s ({times['fastest']:g} to {times['slowest']:g})"


def _by_page(pages: dict, kind: str) -> str:
    return ", ".join(f"{title} {pages[page][kind]:g} s" for page, title in _PAGES.items())


def _spread(times: dict) -> str:
    return f"{times['median seconds']:g} s ({times['fastest']:g} to {times['slowest']:g}, {times['times']} times)"
