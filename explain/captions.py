"""How is a map to be read: what do its colours say, how settled is it, and what makes it doubtful? In plain words."""

from explain.explanation import Explanation
from explain.methods import METHODS
from scans import Scan

SATURATED = 0.9999  # a probability above this is the same to Score-CAM whatever is hidden

_UNSETTLED = 0.9  # rank correlation of the last two maps
_UNLIKELY = 0.01
_ONE_PASS = 2  # evaluations: the answer is one, the map another
_FAINT = 1e-6  # of the strongest: evidence for the class below this is rounding
_GLOSSES = {"lime": "R2 is the share of the network's reactions that LIME's simple model follows; 1 would be all."}


def settled(explanation: Explanation) -> str:
    """Return how stable the map is, and what it took, in two sentences."""
    drawn, agreed = METHODS[explanation.method].random, explanation.stability
    took = f"{explanation.evaluations:,} evaluations of the model, {_seconds(explanation.seconds)}."
    if agreed is None:
        if explanation.stopped == "time":
            return f"Cut off by the time budget after its first map, so its stability was not measured. {took}"
        if drawn and explanation.method != "scorecam":  # whose only map is that of every channel by itself
            return f"One map, so its stability was not measured; compare another seed. {took}"
        if explanation.evaluations > _ONE_PASS:
            return f"Exact: nothing drawn at random. {took}"
        return f"Exact: one pass, nothing drawn at random. {_seconds(explanation.seconds).capitalize()}."
    agree = f"the last two maps agree by {agreed:.2f}"
    if explanation.stopped == "stable":
        return f"Stable: {agree} (rank correlation). {took}"
    if explanation.stopped == "time":
        return f"Cut off by the time budget: {agree} (rank correlation). A larger budget gives a steadier map. {took}"
    if agreed >= _UNSETTLED:
        return f"Complete: {agree} (rank correlation). {took}"
    doubt = "another seed may give another map" if drawn else "read it as a sketch"
    return f"Complete, but not settled: {agree} only (rank correlation); {doubt}. {took}"


def _seconds(seconds: float) -> str:
    return "under 0.1 s" if seconds < 0.1 else f"{seconds:.1f} s"


def under_way(share: float, seconds: float, budget: float) -> tuple[float, str]:
    """Return how far a running explanation is, in [0, 1], and its sentence. `share` is that of the full effort.

    Work ends with the effort or with the budget, so the greater share of the two is how far it is.
    """
    if seconds >= budget:
        return 1.0, f"Evaluating the model … the {budget:.0f}\u00a0s are over, waiting for a first map."
    share = min(max(share, seconds / budget), 0.99)
    return (
        share,
        f"Evaluating the model … {100 * share:.0f}\u00a0%, {seconds:.0f}\u00a0s of at most {budget:.0f}\u00a0s.",
    )


def remarks(explanation: Explanation) -> list[str]:
    """Return what the method says of its own fit, a sentence each, and what its measure means."""
    gloss = [_GLOSSES[explanation.method]] if explanation.notes and explanation.method in _GLOSSES else []
    return [*explanation.notes, *gloss]


def doubts(explanation: Explanation, name: str) -> list[str]:
    """Return the warnings to be read before the map. `name` is the display name of the class explained."""
    found = list(explanation.warnings)
    p, positive = explanation.probability, explanation.heat.max() > _FAINT * abs(explanation.heat).max()
    if p < _UNLIKELY and positive:
        found.append(
            f"The model gives {name} under 1\u00a0%: the map shows what little speaks for it, on a scale of its own."
        )
    if explanation.method == "scorecam" and positive and not 1 - SATURATED < p < SATURATED:
        found.append(
            "The model's probability is saturated, and Score-CAM weighs by it: it can hardly tell what matters. "
            "Methods that read the logit, which are all the others, can."
        )
    return found


def scale(explanation: Explanation, name: str, against: bool) -> str:
    """Return what the colours mean. `against`: evidence against the class is drawn."""
    if METHODS[explanation.method].sensitivity:
        zero = f"0: a change of grey there would not move the score of {name}."
    elif against:
        return (
            f"0: no evidence for or against {name}. Warm colours: for it; blue, dashed as contours: against it. "
            "Both on one scale, up to the strongest of either in this scan; every map has its own scale."
        )
    else:
        zero = f"0: no evidence for {name}."
    if explanation.signed:
        return f"{zero} Peak: the strongest evidence, for or against; every map has its own scale."
    return f"{zero} Peak: the strongest in this scan; every map has its own scale."


def facts(scan: Scan) -> list[str]:
    """Return what is known of a scan and tells nobody's name, a few words each."""
    rows, columns = scan.shape
    known = [f"{columns} × {rows} pixels"]
    if scan.spacing != (1.0, 1.0):
        known.append(f"{scan.spacing[1]:.2f} × {scan.spacing[0]:.2f} mm")
    known += [fact for fact in (scan.modality, scan.sequence, scan.plane) if fact]
    if scan.count > 1:
        known.append(f"slice {scan.index + 1} of {scan.count}")
    return known
