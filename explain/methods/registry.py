"""The registry of explanation methods: what each measures, its pitfalls and its engines."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from explain.methods import cam, gradients, keras_vis, masks, scorecam, shapley
from explain.methods import lime as regions
from explain.refinement import MethodInput, RawMap
from model_zoo import ModelCard, ModelError
from model_zoo.card_explanations import version_of

Engine = Callable[[MethodInput], Iterator[RawMap]]

GRADIENTS, FEATURE_MAP = "gradients", "a feature map"


@dataclass(frozen=True)
class Method:
    """An explanation method: its description, its properties and its engines, which yield ever better maps."""

    id: str
    title: str
    paper: str  # URL
    unit: str  # of the map's values; shown on the colour bar
    measures: str  # what the map shows, one sentence
    pitfalls: str  # when it must not be believed
    engines: dict[str, Engine]  # the first is the default
    needs: str = ""  # of the model beyond its predictions: GRADIENTS, FEATURE_MAP (and its gradients), or nothing
    signed: bool = False  # values below 0 are evidence against the class, and are kept
    quick: bool = False  # takes one or two passes of the model, whatever the scan
    random: bool = False  # draws random samples, so that a seed matters
    per_pixel: bool = False  # has one value per pixel: smoothed in the picture, so that the eye finds it
    sensitivity: bool = False  # measures what could change the prediction, not what supports it

    @property
    def version(self) -> int:
        """The version of the formula; the zoo keeps it (`VERSIONS`), since its cards quote today's maps alone."""
        return version_of(self.id)


_METHODS = (
    Method(
        id="gradcam",
        needs=FEATURE_MAP,
        title="Grad-CAM",
        paper="https://arxiv.org/abs/1610.02391",
        unit="logit × activation",
        measures="Bright regions of the model's last feature map raised the logit of the explained class.",
        pitfalls=(
            "The map is coarse and averaged: a bright region can be one that the prediction does not depend on, "
            "and it need not be a lesion."
        ),
        engines={"compiled": cam.gradcam, "tf-keras-vis": keras_vis.gradcam},
        quick=True,
    ),
    Method(
        id="gradcam++",
        needs=FEATURE_MAP,
        title="Grad-CAM++",
        paper="https://arxiv.org/abs/1710.11063",
        unit="logit × activation",
        measures=(
            "Like Grad-CAM, but weighted by the positive gradients only, so that several separate spots all appear."
        ),
        pitfalls="Evidence against the class is left out, and the weights rest on an assumption about the score.",
        engines={"compiled": cam.gradcam_plus_plus, "tf-keras-vis": keras_vis.gradcam_plus_plus},
        quick=True,
    ),
    Method(
        id="layercam",
        needs=FEATURE_MAP,
        title="LayerCAM",
        paper="https://doi.org/10.1109/TIP.2021.3089943",
        unit="logit × activation",
        measures=(
            "Each cell of the last feature map, weighted by its own positive gradient: finer than Grad-CAM, "
            "never averaged."
        ),
        pitfalls="Evidence against the class is left out; faint noise can look like evidence.",
        engines={"compiled": cam.layercam, "tf-keras-vis": keras_vis.layercam},
        quick=True,
    ),
    Method(
        id="hirescam",
        needs=FEATURE_MAP,
        title="HiResCAM",
        paper="https://arxiv.org/abs/2011.08891",
        unit="logit per cell",
        measures="What each cell of the last feature map added to the logit, or took from it.",
        pitfalls=(
            "Exact only if the logit is linear in that map, as in Candor's own networks; behind dense layers it "
            "is an approximation."
        ),
        engines={"compiled": cam.hirescam},
        signed=True,
        quick=True,
    ),
    Method(
        id="scorecam",
        needs=FEATURE_MAP,
        title="Score-CAM",
        paper="https://arxiv.org/abs/1910.01279",
        unit="activation",
        measures=(
            "Channels of the last feature map, weighted by the class's probability when only the regions that "
            "they mark are visible."
        ),
        pitfalls="Masked scans are unlike any training scan; if the model is saturated, all channels get equal weight.",
        engines={"grouped": scorecam.scorecam, "tf-keras-vis": keras_vis.scorecam},
        random=True,
    ),
    Method(
        id="saliency",
        needs=GRADIENTS,
        title="Saliency",
        paper="https://arxiv.org/abs/1312.6034",
        unit="logit per unit of intensity",
        measures="Pixels where a small change of intensity would change the logit most, up or down.",
        pitfalls="Sensitivity is not use: edges light up, and the map is noisy.",
        engines={"compiled": gradients.saliency, "tf-keras-vis": keras_vis.saliency},
        quick=True,
        per_pixel=True,
        sensitivity=True,
    ),
    Method(
        id="smoothgrad",
        needs=GRADIENTS,
        title="SmoothGrad",
        paper="https://arxiv.org/abs/1706.03825",
        unit="logit per unit of intensity",
        measures="Saliency, averaged over noisy copies of the scan, so that chance patterns fade.",
        pitfalls="It shows what the logit is sensitive to near this scan, not what the prediction is based on.",
        engines={"compiled": gradients.smoothgrad, "tf-keras-vis": keras_vis.smoothgrad},
        random=True,
        per_pixel=True,
        sensitivity=True,
    ),
    Method(
        id="integrated-gradients",
        needs=GRADIENTS,
        title="Integrated gradients",
        paper="https://arxiv.org/abs/1703.01365",
        unit="logit per pixel",
        measures="What each pixel adds to the logit, or takes from it, between a black picture and this scan.",
        pitfalls="Black pixels cannot matter by definition, so a dark lesion stays dark; bright edges stand out.",
        engines={"compiled": gradients.integrated_gradients},
        signed=True,
        per_pixel=True,
    ),
    Method(
        id="expected-gradients",
        needs=GRADIENTS,
        title="Expected gradients",
        paper="https://arxiv.org/abs/1906.10670",
        unit="logit per pixel",
        measures="What each pixel adds to the logit, or takes from it, between synthetic healthy heads and this scan.",
        pitfalls=(
            "It depends on those heads, which are not real scans; where a head ends differently, the edge lights up."
        ),
        engines={"compiled": gradients.expected_gradients, "shap": shapley.gradient_explainer},
        signed=True,
        random=True,
        per_pixel=True,
    ),
    Method(
        id="shap",
        title="SHAP over regions",
        paper="https://arxiv.org/abs/1705.07874",
        unit="logit per cell",
        measures=(
            "Each region's share of the logit's change from a blurred scan, averaged over which other regions "
            "are visible."
        ),
        pitfalls="The regions are squares that ignore anatomy, and blurred heads are unlike any training scan.",
        engines={"shap": shapley.shap_regions},
        signed=True,
    ),
    Method(
        id="lime",
        title="LIME",
        paper="https://arxiv.org/abs/1602.04938",
        unit="logit per region",
        measures="What each region of the head adds to the logit, in a simple model fitted to the network.",
        pitfalls=(
            "A region has one value and is hidden by its mean intensity, so evidence in that mean is missed; the "
            "fit can be poor (see R2), and samples are random."
        ),
        engines={"lime": regions.lime},
        signed=True,
        random=True,
    ),
    Method(
        id="occlusion",
        title="Occlusion",
        paper="https://arxiv.org/abs/1311.2901",
        unit="logit",
        measures="How far the logit falls when a window around each place is covered with its surroundings.",
        pitfalls="A structure larger than the window is never covered completely, and may seem not to matter.",
        engines={"window": masks.occlusion},
        signed=True,
    ),
    Method(
        id="rise",
        title="RISE",
        paper="https://arxiv.org/abs/1806.07421",
        unit="logit",
        measures="How much higher the logit is for random masks that show a place than for those that hide it.",
        pitfalls="Masks are coarse and random: small lesions are lost in noise, and masked heads are unlike any scan.",
        engines={"random masks": masks.rise},
        signed=True,
        random=True,
    ),
)

METHODS: dict[str, Method] = {method.id: method for method in _METHODS}


def method(method_id: str) -> Method:
    """Return the method with this id. Raises ModelError with the known ids if there is none."""
    if method_id not in METHODS:
        raise ModelError(f"no method {method_id[:40]!r}; Candor has {', '.join(METHODS)}")
    return METHODS[method_id]


def methods_for(card: ModelCard) -> list[str]:
    """Return the ids of the methods that can explain a model, in the order of METHODS."""
    return [name for name in METHODS if not _lacking(METHODS[name], card)]


def method_for(method_id: str, card: ModelCard) -> Method:
    """Return a method. Raises ModelError on an unknown one, and on one that cannot explain the model of this card."""
    chosen = method(method_id)
    if _lacking(chosen, card):
        what = "is an ONNX file" if not card.differentiable else "has none"
        raise ModelError(
            f"{chosen.title} needs {chosen.needs}, and {card.id} {what}; it can be explained by "
            f"{', '.join(methods_for(card))}"
        )
    return chosen


def _lacking(chosen: Method, card: ModelCard) -> bool:
    return bool(chosen.needs) and (not card.differentiable or (chosen.needs == FEATURE_MAP and not card.tap))
