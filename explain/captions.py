"""The sentences beside a map: what its colours mean, whether it converged, and when to interpret it with caution."""

from explain.explanation import FAINT, Explanation
from explain.methods import METHODS
from explain.refinement import UNCONVERGED
from scans import Scan

_UNLIKELY = 0.01
_ONE_PASS = 2  # evaluations: one for the prediction, one for the map
_NOTE_MEANINGS = {"lime": "R2: how much of the network's response LIME's linear model reproduces; 1 would be all."}


def convergence(explanation: Explanation) -> str:
    """Return whether the map converged, and what it cost, in two or three sentences."""
    random, agreement = METHODS[explanation.method].random, explanation.stability
    cost = f"{explanation.evaluations:,} evaluations of the model, {_seconds(explanation.seconds)}."
    if agreement is None:
        if explanation.stopped == "time":
            return f"Stopped at the time limit after the first map, so convergence was not measured. {cost}"
        if random and explanation.method != "scorecam":  # whose single map covers every channel
            return f"A single map, so convergence was not measured; compare another seed. {cost}"
        if explanation.evaluations > _ONE_PASS:
            return f"Deterministic. {cost}"
        return f"Deterministic, single pass. {_seconds(explanation.seconds).capitalize()}."
    measured = f"rank correlation {agreement:.2f} with the map of at most half the samples"
    if explanation.stopped == "stable":
        return f"Converged: {measured}. {cost}"
    if explanation.stopped == "time":
        return f"Stopped at the time limit: {measured}. A longer limit gives a more stable map. {cost}"
    if agreement >= UNCONVERGED:
        return f"Complete: {measured}. {cost}"
    caution = "another seed may give another map" if random else "read it as a sketch"
    return f"Complete, but not converged: {measured}; {caution}. {cost}"


def _seconds(seconds: float) -> str:
    return "under 0.1 s" if seconds < 0.1 else f"{seconds:.1f} s"


def progress_text(share: float, seconds: float, limit: float) -> tuple[float, str]:
    """Return the progress of a running explanation, in [0, 1], and its sentence.

    `share` is that of the full effort, `seconds` how long it has been running; `limit`, the time limit, is one of work,
    of which there may be less where others use the processor, too.
    """
    share = min(share, 0.99)
    return share, (
        f"Evaluating the model … {100 * share:.0f}\u00a0%, {seconds:.0f}\u00a0s so far; at most {limit:.0f}\u00a0s of "
        "computing time."
    )


def fit_notes(explanation: Explanation) -> list[str]:
    """Return what the method reports of its own fit, one sentence each, with the meaning of its measure."""
    meaning = [_NOTE_MEANINGS[explanation.method]] if explanation.notes and explanation.method in _NOTE_MEANINGS else []
    return [*explanation.notes, *meaning]


def cautions(explanation: Explanation, name: str) -> list[str]:
    """Return the warnings to read before the map. `name` is the display name of the explained class."""
    sentences = list(explanation.warnings)
    p, positive = explanation.probability, explanation.heat.max() > FAINT * abs(explanation.heat).max()
    if p < _UNLIKELY and positive:
        sensitivity = METHODS[explanation.method].sensitivity
        shown = "what could change its score" if sensitivity else "what little evidence there is for it"
        sentences.append(f"The probability of {name} is under 1\u00a0%: the map shows {shown}, on a scale of its own.")
    return sentences


def measured_of(method: str, name: str) -> str:
    """Return what a method's map shows of the class `name`: "evidence for Glioma"."""
    return f"sensitivity of the score of {name}" if METHODS[method].sensitivity else f"evidence for {name}"


def colour_meaning(explanation: Explanation, name: str, against: bool) -> str:
    """Return what the colours mean. `against`: evidence against the class is drawn."""
    if METHODS[explanation.method].sensitivity:
        zero = f"0: a change of grey level there would not change the score of {name}."
    elif against:
        return (
            f"0: no evidence for or against {name}. Warm colours: evidence for it; blue, dashed as contours: evidence "
            "against it. Both share one scale up to the strongest of either in this scan; every map has its own scale."
        )
    else:
        zero = f"0: no evidence for {name}."
    if explanation.signed:
        return f"{zero} Peak: the strongest evidence, for or against; every map has its own scale."
    return f"{zero} Peak: the strongest in this scan; every map has its own scale."


def scan_facts(scan: Scan) -> list[str]:
    """Return the facts about a scan that identify nobody, a few words each."""
    rows, columns = scan.shape
    facts = [f"{columns} × {rows} pixels"]
    if scan.in_mm:
        facts.append(f"{scan.spacing[1]:.2f} × {scan.spacing[0]:.2f} mm")
    facts += [fact for fact in (scan.modality, scan.sequence, scan.stack, scan.plane) if fact]
    if scan.count > 1:
        facts.append(f"slice {scan.index + 1} of {scan.count}")
    return facts
