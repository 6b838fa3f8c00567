"""The measures of explanation quality: one description of each, which the app, the cards and the docs read."""

from dataclasses import dataclass

from explain.evaluation.sanity import SURVIVES

LOCALISATION, FAITHFULNESS, STABILITY, SANITY = "Localisation", "Faithfulness", "Stability", "Sanity check"

_BLUR = "The model is given a blurred scan"
_MEAN = "The model is given the scan with every pixel replaced by the mean intensity around it"
_BACK = "and gets its true pixels back, highest-ranked first. The value is the mean probability of the class."
_AWAY = "True pixels are removed, highest-ranked first, and replaced by"
_FALLS = "The value is the mean probability of the class: it falls early if the map marks what matters."
_HALF = "A half-replaced scan is unlike any training scan, so the probability may change for that reason alone."
_RANKS = "Rank correlation of the two maps within the head: 1 is the same map, 0 is no relation."
_UNLEARNT = f"{_RANKS} A map that does not change does not show what the network learnt."
_BESIDE = "A model may rightly use areas outside the box, such as oedema or midline shift; a box exceeds the tumour."
_RIM = "A hole smaller than the lesion is filled from the lesion's own rim, so little is removed."
_FLAT = "A map that never changes is perfectly stable: read this with the other measures, never alone."
_TASK = "How well maps agree also depends on the task."
_ROAD = "Pixels are removed and inpainted from their neighbours, which leaves no outline of what was removed."

_ZHANG, _WANG = "https://arxiv.org/abs/1608.00507", "https://arxiv.org/abs/1910.01279"
_ARRAS, _PETSIUK = "https://arxiv.org/abs/2003.07258", "https://arxiv.org/abs/1806.07421"
_RONG, _ARUN = "https://arxiv.org/abs/2202.00449", "https://doi.org/10.1148/ryai.2021200267"
_ADEBAYO = "https://arxiv.org/abs/1810.03292"


@dataclass(frozen=True)
class Measure:
    """A measure of one map of one scan: a column of explanations.csv."""

    id: str
    title: str
    short: str  # the title in a narrow table
    kind: str  # LOCALISATION, FAITHFULNESS, STABILITY or SANITY
    description: str
    pitfalls: str
    paper: str  # URL
    statistic: str = "mean"  # over scans: "mean" or "median"
    high_is_good: bool = True
    unit: str = ""  # "%": 0 to 1, shown as a percentage; "" for a plain number
    most: float | None = None  # the largest possible value

    @property
    def direction(self) -> str:
        """Whether high or low values are good, as a sentence."""
        return "Higher is better." if self.high_is_good else "Lower is better."

    @property
    def share(self) -> bool:
        """True for a value of 0 to 1 that is shown as a percentage."""
        return self.unit == "%"


_LOCALISATION = (
    Measure(
        "pointing", "Pointing game", "Pointing game", LOCALISATION,
        "Share of annotated scans in which the map's highest point lies inside the radiologist's box.",
        _BESIDE, _ZHANG, unit="%", most=1,
    ),
    Measure(
        "energy", "Evidence in the box", "Energy", LOCALISATION,
        "Mean share of the map's evidence that lies inside the box.",
        "A box around a large tumour contains more of any map; the energy lift corrects for that.",
        _WANG, unit="%", most=1,
    ),
    Measure(
        "lift", "Energy lift", "Energy lift, median", LOCALISATION,
        "How much denser the evidence is inside the box than over the whole image. Median over scans.",
        "A map of the whole head also has a lift, as the image has a black margin; compare the lift over the head.",
        _WANG, statistic="median",
    ),
    Measure(
        "head_lift", "Lift over the head", "Lift over the head, median", LOCALISATION,
        "How much denser the evidence is inside the box than over the whole head: 1 is chance. Median over scans.",
        _BESIDE, _WANG, statistic="median",
    ),
    Measure(
        "rank_accuracy", "Rank accuracy", "Rank accuracy", LOCALISATION,
        "Of the map's highest pixels, as many as the box has, the share that lies inside the box.",
        _BESIDE, _ARRAS, unit="%", most=1,
    ),
    Measure(
        "iou", "Overlap with the box", "IoU", LOCALISATION,
        "Intersection over union of the box and the map's highest pixels, as many as the box has.",
        f"A coarse map of the right place overlaps less than it appears to. {_BESIDE}",
        _ARRAS, unit="%", most=1,
    ),
)  # fmt: skip
_FAITHFULNESS = (
    Measure(
        "insertion blur", "Insertion, from a blurred scan", "Insertion, blur", FAITHFULNESS,
        f"{_BLUR} {_BACK}", _HALF, _PETSIUK, most=1,
    ),
    Measure(
        "deletion blur", "Deletion, to a blurred scan", "Deletion, blur", FAITHFULNESS,
        f"{_AWAY} a blur. {_FALLS}", _HALF, _PETSIUK, high_is_good=False, most=1,
    ),
    Measure(
        "insertion mean", "Insertion, from the local mean", "Insertion, mean", FAITHFULNESS,
        f"{_MEAN}, {_BACK}", _HALF, _PETSIUK, most=1,
    ),
    Measure(
        "deletion mean", "Deletion, to the local mean", "Deletion, mean", FAITHFULNESS,
        f"{_AWAY} the mean intensity around them. {_FALLS}", _HALF, _PETSIUK, high_is_good=False, most=1,
    ),
    Measure(
        "road", "ROAD", "ROAD", FAITHFULNESS,
        f"{_ROAD} The value is half of the difference between the probability of the class after the lowest-ranked "
        "pixels are removed and after the highest-ranked are. An uninformative map scores 0 on average.",
        _RIM, _RONG, most=0.5,
    ),
    Measure(
        "road morf", "ROAD, highest removed first", "ROAD, highest first", FAITHFULNESS,
        "Mean probability of the class while the highest-ranked pixels are removed and inpainted.",
        _RIM, _RONG, high_is_good=False, most=1,
    ),
    Measure(
        "road lerf", "ROAD, lowest removed first", "ROAD, lowest first", FAITHFULNESS,
        "Mean probability of the class while the lowest-ranked pixels are removed and inpainted.",
        _RIM, _RONG, most=1,
    ),
)  # fmt: skip
_STABILITY = (
    Measure(
        "seeds", "Stability across seeds", "Across seeds", STABILITY,
        f"For methods that draw random samples: the same scan explained with three seeds. {_RANKS}",
        _FLAT, _ARUN, most=1,
    ),
    Measure(
        "shifts and noise", "Stability under shifts and noise", "Shifts, noise", STABILITY,
        f"The same scan shifted by a few pixels, or with 1 % noise, if the prediction stays the same. {_RANKS}",
        _FLAT, _ARUN, most=1,
    ),
)  # fmt: skip
_SANITY = (
    Measure(
        "sanity logits", "Sanity check: last layer randomised", "Last layer randomised", SANITY,
        "The map, compared with that of the same network after the weights of its last layer were shuffled. "
        f"{_UNLEARNT}",
        f"{_TASK} In a network that ends in one layer after its last feature map, a CAM may hardly change here.",
        _ADEBAYO, high_is_good=False, most=1,
    ),
    Measure(
        "sanity upper half", "Sanity check: upper half randomised", "Upper half randomised", SANITY,
        "The map, compared with that of the same network after the weights of the upper half of its layers were "
        f"shuffled. {_UNLEARNT}",
        _TASK, _ADEBAYO, high_is_good=False, most=1,
    ),
    Measure(
        "sanity all", "Sanity check: all layers randomised", "All weights randomised", SANITY,
        "The map, compared with that of the same network after all its weights were shuffled, layer by layer. "
        f"{_UNLEARNT} A method fails above {SURVIVES:g}.",
        _TASK, _ADEBAYO, high_is_good=False, most=1,
    ),
)  # fmt: skip

MEASURES: dict[str, Measure] = {each.id: each for each in (*_LOCALISATION, *_FAITHFULNESS, *_STABILITY, *_SANITY)}

CONTROL_DESCRIPTIONS = {
    "random": "random values",
    "centre": "a spot at the centre of the head",
    "edges": "the edges of the image",
    "uniform": "the same value everywhere",
    "box": "the radiologist's box itself",
}
