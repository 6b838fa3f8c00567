"""What does each figure of the board say, which way is good, and when does it mislead? In plain words."""

from dataclasses import dataclass

from explain.evaluation.sanity import SURVIVES

_BLUR = "The model is given a blurred scan"
_MEAN = "The model is given the scan with every place at the mean grey around it"
_BACK = (
    "and gets its true pixels back, those first that the map ranks highest. The figure is the mean probability of the "
    "answer on the way."
)
_AWAY = "The true pixels are taken away, those first that the map ranks highest, and replaced by"
_FALLS = "The figure is the mean probability of the answer on the way: it falls early where the map marks what matters."
_HALF = (
    "A scan half replaced is none that the model has learnt from, so the probability may move for that reason alone."
)
_AGREE = "Rank correlation of the two maps within the head: 1 is the same map, 0 no relation."
_FORGET = f"{_AGREE} A map that stays as it was does not show what the network learnt."


@dataclass(frozen=True)
class Measure:
    """A column of explanations.csv as a reader meets it."""

    id: str
    title: str
    kind: str  # what it is about: one of four
    says: str
    misleads: str
    paper: str
    high_is_good: bool = True
    share: bool = False  # 0 to 1, to be read as a percentage
    most: float | None = None  # the largest value that there can be
    chance: float | None = None  # what a map that knows nothing scores, where that is known beforehand

    @property
    def direction(self) -> str:
        """Which way is good, as a sentence."""
        return "Higher is better." if self.high_is_good else "Lower is better."


_PLACED, _USED, _STEADY, _SANE = "Placement", "Faithfulness", "Steadiness", "Sanity"
_BESIDE = (
    "A model may rightly look beside the box, at swelling or a shifted midline, and a box is more than the tumour."
)
_ZHANG, _WANG = "https://arxiv.org/abs/1608.00507", "https://arxiv.org/abs/1910.01279"
_ARRAS, _PETSIUK = "https://arxiv.org/abs/2003.07258", "https://arxiv.org/abs/1806.07421"
_RONG, _ARUN = "https://arxiv.org/abs/2202.00449", "https://doi.org/10.1148/ryai.2021200267"
_ADEBAYO = "https://arxiv.org/abs/1810.03292"
_RIM = "A hole smaller than the lesion is filled from the lesion's own rim, so little is removed."
_FLAT = "A map that never changes is perfectly steady: read it beside the other figures, never alone."
_TASK = "How far maps agree by themselves depends on the task, too."

_MEASURES = (
    Measure(
        "pointing",
        "Pointing game",
        _PLACED,
        "The share of slices in which the map's brightest point lies in the radiologist's box.",
        _BESIDE,
        _ZHANG,
        share=True,
        most=1,
    ),
    Measure(
        "energy",
        "Evidence in the box",
        _PLACED,
        "The share of all evidence in the map that lies in the box, on average.",
        "A box around a large tumour catches more of any map; the energy lift allows for that.",
        _WANG,
        share=True,
        most=1,
    ),
    Measure(
        "lift",
        "Energy lift",
        _PLACED,
        "How much denser the evidence is in the box than over the whole picture: 1 is chance. Median over the slices.",
        "A map of the whole head has a lift as well, since the picture has a black margin; compare the lift over the "
        "head.",
        _WANG,
        chance=1,
    ),
    Measure(
        "head_lift",
        "Lift over the head",
        _PLACED,
        "How much denser the evidence is in the box than over the whole head: 1 is chance. Median over the slices.",
        _BESIDE,
        _WANG,
        chance=1,
    ),
    Measure(
        "rank_accuracy",
        "Rank accuracy",
        _PLACED,
        "Of the map's highest pixels, as many as the box has, the share that lies in the box.",
        _BESIDE,
        _ARRAS,
        share=True,
        most=1,
    ),
    Measure(
        "iou",
        "Overlap with the box",
        _PLACED,
        "The overlap of the box with the map's highest pixels, as many as the box has: what both cover over what "
        "either covers (intersection over union).",
        "A coarse map of the right place overlaps less than it seems to. " + _BESIDE,
        _ARRAS,
        share=True,
        most=1,
    ),
    Measure(
        "insertion blur",
        "Insertion, from a blurred scan",
        _USED,
        f"{_BLUR} {_BACK}",
        _HALF,
        _PETSIUK,
        most=1,
    ),
    Measure(
        "deletion blur",
        "Deletion, to a blurred scan",
        _USED,
        f"{_AWAY} a blur. {_FALLS}",
        _HALF,
        _PETSIUK,
        high_is_good=False,
        most=1,
    ),
    Measure(
        "insertion mean",
        "Insertion, from the mean grey",
        _USED,
        f"{_MEAN}, {_BACK}",
        _HALF,
        _PETSIUK,
        most=1,
    ),
    Measure(
        "deletion mean",
        "Deletion, to the mean grey",
        _USED,
        f"{_AWAY} the mean grey around them. {_FALLS}",
        _HALF,
        _PETSIUK,
        high_is_good=False,
        most=1,
    ),
    Measure(
        "road",
        "ROAD",
        _USED,
        "Pixels are removed and made up from their neighbours, which leaves no outline of what was removed. The figure "
        "is half of how much more probable the answer stays when what the map ranks lowest is removed than when what "
        "it ranks highest is. A map that knows nothing scores 0 on average.",
        _RIM,
        _RONG,
        most=0.5,
        chance=0,
    ),
    Measure(
        "road morf",
        "ROAD, highest removed first",
        _USED,
        "The mean probability of the answer while what the map ranks highest is removed and made up from its "
        "neighbours.",
        _RIM,
        _RONG,
        high_is_good=False,
        most=1,
    ),
    Measure(
        "road lerf",
        "ROAD, lowest removed first",
        _USED,
        "The mean probability of the answer while what the map ranks lowest is removed and made up from its "
        "neighbours.",
        _RIM,
        _RONG,
        most=1,
    ),
    Measure(
        "seeds",
        "Agreement across seeds",
        _STEADY,
        f"For methods that draw at random: the same scan explained from three seeds. {_AGREE}",
        _FLAT,
        _ARUN,
        most=1,
    ),
    Measure(
        "shifts and noise",
        "Agreement under shifts and noise",
        _STEADY,
        "The same scan a few pixels aside, or with 1 % noise, where the model still gives the same answer. " + _AGREE,
        _FLAT,
        _ARUN,
        most=1,
    ),
    Measure(
        "sanity logits",
        "Sanity: the last layer shuffled",
        _SANE,
        "The map beside that of the same network with the weights of its last layer shuffled among themselves. "
        + _FORGET,
        _TASK + " In a network that ends in one layer over its last feature map, a CAM may hardly change here.",
        _ADEBAYO,
        high_is_good=False,
        most=1,
    ),
    Measure(
        "sanity upper half",
        "Sanity: the upper half shuffled",
        _SANE,
        "The map beside that of the same network with the weights of the upper half of its layers shuffled. " + _FORGET,
        _TASK,
        _ADEBAYO,
        high_is_good=False,
        most=1,
    ),
    Measure(
        "sanity all",
        "Sanity: all layers shuffled",
        _SANE,
        "The map beside that of the same network with all its weights shuffled, layer by layer, so that nothing it "
        f"learnt is left. {_FORGET} Above {SURVIVES:g} a method fails.",
        _TASK,
        _ADEBAYO,
        high_is_good=False,
        most=1,
    ),
)

EXPLAINED: dict[str, Measure] = {measure.id: measure for measure in _MEASURES}

CONTROLS_SAY = {
    "random": "a map of chance",
    "centre": "a dot in the middle of the head",
    "edges": "the edges of the picture",
    "uniform": "a map that marks everything alike",
    "box": "the marked box itself",
}
