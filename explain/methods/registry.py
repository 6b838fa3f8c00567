"""Which methods are there, what does each measure, and when does it mislead? One signature, one registry."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from explain.methods import cam, gradients, keras_vis, masks, scorecam, shapley
from explain.methods import lime as regions
from explain.refinement import Question, RawMap
from model_zoo import ModelError

Engine = Callable[[Question], Iterator[RawMap]]


@dataclass(frozen=True)
class Method:
    """A method's plain description, and its engines, each a generator of ever better maps."""

    id: str
    title: str
    paper: str
    unit: str
    measures: str  # one sentence for the reader of the map
    misleads: str  # when not to believe it
    engines: dict[str, Engine]  # the first is the default
    signed: bool = False  # below 0 is evidence against the class, and is kept

    @property
    def quick(self) -> bool:
        """True where it takes a pass or two of the model, whatever the scan."""
        return self.id in ("gradcam", "gradcam++", "layercam", "hirescam", "saliency")

    @property
    def drawn(self) -> bool:
        """True where the map is drawn at random, so that a seed matters."""
        return self.id in ("scorecam", "smoothgrad", "expected-gradients", "lime", "rise")


_METHODS = (
    Method(
        id="gradcam",
        title="Grad-CAM",
        paper="https://arxiv.org/abs/1610.02391",
        unit="logit × activation",
        measures="Bright regions of the model's last feature map raised the logit of the explained class.",
        misleads=(
            "It is coarse, and it averages: a bright region can be one the answer does not depend on, and "
            "it need not be a lesion."
        ),
        engines={"compiled": cam.gradcam, "tf-keras-vis": keras_vis.gradcam},
    ),
    Method(
        id="gradcam++",
        title="Grad-CAM++",
        paper="https://arxiv.org/abs/1710.11063",
        unit="logit × activation",
        measures="As Grad-CAM, but weighing the places where the gradient is positive, so that several spots all show.",
        misleads="What spoke against the class is left out, and its weights rest on an assumption about the score.",
        engines={"compiled": cam.gradcam_plus_plus, "tf-keras-vis": keras_vis.gradcam_plus_plus},
    ),
    Method(
        id="layercam",
        title="LayerCAM",
        paper="https://doi.org/10.1109/TIP.2021.3089943",
        unit="logit × activation",
        measures="Each cell of the last feature map by its own positive gradient: finer than Grad-CAM, never averaged.",
        misleads="What spoke against the class is left out; faint noise can look like evidence.",
        engines={"compiled": cam.layercam, "tf-keras-vis": keras_vis.layercam},
    ),
    Method(
        id="hirescam",
        title="HiResCAM",
        paper="https://arxiv.org/abs/2011.08891",
        unit="logits",
        measures="What each cell of the last feature map added to the logit, or took from it.",
        misleads=(
            "Exact only where the logit is linear in that map, as in Candor's own networks; behind dense layers it "
            "is a first guess."
        ),
        engines={"compiled": cam.hirescam},
        signed=True,
    ),
    Method(
        id="scorecam",
        title="Score-CAM",
        paper="https://arxiv.org/abs/1910.01279",
        unit="activation",
        measures="Channels of the last feature map, weighed by how sure the model stays if shown only what they mark.",
        misleads="Masked scans look like none it has learnt from; a model sure of everything weighs all alike.",
        engines={"grouped": scorecam.scorecam, "tf-keras-vis": keras_vis.scorecam},
    ),
    Method(
        id="saliency",
        title="Saliency",
        paper="https://arxiv.org/abs/1312.6034",
        unit="logits a unit of grey",
        measures="Pixels where a small change of grey would change the logit most, up or down.",
        misleads="Sensitive is not the same as used: edges light up, and the map is noisy.",
        engines={"compiled": gradients.saliency, "tf-keras-vis": keras_vis.saliency},
    ),
    Method(
        id="smoothgrad",
        title="SmoothGrad",
        paper="https://arxiv.org/abs/1706.03825",
        unit="logits a unit of grey",
        measures="Saliency, averaged over noisy copies of the scan, so that chance patterns fade.",
        misleads="It tells what the logit is sensitive to near this scan, not what it rests on.",
        engines={"compiled": gradients.smoothgrad, "tf-keras-vis": keras_vis.smoothgrad},
    ),
    Method(
        id="integrated-gradients",
        title="Integrated gradients",
        paper="https://arxiv.org/abs/1703.01365",
        unit="logits a pixel",
        measures="What each pixel adds to the logit, or takes from it, between a black picture and this scan.",
        misleads="Black pixels cannot matter by its definition, so a dark lesion stays dark; bright edges stand out.",
        engines={"compiled": gradients.integrated_gradients},
        signed=True,
    ),
    Method(
        id="expected-gradients",
        title="Expected gradients",
        paper="https://arxiv.org/abs/1906.10670",
        unit="logits a pixel",
        measures="What each pixel adds to the logit, or takes from it, between synthetic healthy heads and this scan.",
        misleads="It depends on those heads, which no scanner made; where a head ends differently, the edge lights up.",
        engines={"compiled": gradients.expected_gradients, "shap": shapley.gradient_explainer},
        signed=True,
    ),
    Method(
        id="shap",
        title="SHAP over regions",
        paper="https://arxiv.org/abs/1705.07874",
        unit="logits a cell",
        measures="Each region's share of the logit's change from a blurred scan, averaged over what else is shown.",
        misleads="Regions are squares that know no anatomy, and the model has learnt from no blurred heads.",
        engines={"shap": shapley.shap_regions},
        signed=True,
    ),
    Method(
        id="lime",
        title="LIME",
        paper="https://arxiv.org/abs/1602.04938",
        unit="logits a region",
        measures="What each region of the head adds to the logit, in a simple model fitted to the network.",
        misleads=(
            "A region is one number and is hidden by its mean grey, so what that mean alone says goes unseen; the fit "
            "can be poor (see R2), and chance plays a part."
        ),
        engines={"lime": regions.lime},
        signed=True,
    ),
    Method(
        id="occlusion",
        title="Occlusion",
        paper="https://arxiv.org/abs/1311.2901",
        unit="logits",
        measures="How far the logit falls when a window around each place is covered by what surrounds it.",
        misleads="What is larger than a window is never covered whole, and may seem not to matter.",
        engines={"window": masks.occlusion},
        signed=True,
    ),
    Method(
        id="rise",
        title="RISE",
        paper="https://arxiv.org/abs/1806.07421",
        unit="logits",
        measures="How much higher the logit is for random masks that show a place than for those that hide it.",
        misleads="Masks are coarse and random: small lesions drown in noise, and half a head is no head.",
        engines={"random masks": masks.rise},
        signed=True,
    ),
)

METHODS: dict[str, Method] = {method.id: method for method in _METHODS}


def method(method_id: str) -> Method:
    """Return a method. Raises ModelError that lists the ids there are."""
    if method_id not in METHODS:
        raise ModelError(f"no method {method_id[:40]!r}; Candor has {', '.join(METHODS)}")
    return METHODS[method_id]
