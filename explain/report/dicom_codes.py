"""Codes of classes, methods and what the gate saw: those of SNOMED CT and DICOM where pydicom's dictionary has the
concept itself, Candor's own elsewhere.

A code of SNOMED CT is given only where it means exactly what the class means: "Carcinoma (metastasis)" or "Papilloma"
of a brain collection are not the concepts of nearly the same name. Candor's own codes have the designator of a private
scheme (PS3.16 8.2: 99...), and every object that holds one says what that scheme is.
"""

from explain.methods import METHODS
from model_zoo import ModelCard
from model_zoo.gate import ASPECTS, KIND, PLANE, UNKNOWN

SCHEME = "99CANDOR"
SCHEME_NAME = "Codes of Candor's own: a private scheme, registered nowhere"
_LONGEST_MEANING = 63  # characters; PS3.5 has 64 (LO), but pydicom counts the space that pads an odd number of bytes

# class id of Candor's own bundles -> keyword of pydicom's dictionary of SNOMED CT
SNOMED_CLASSES = {"astrocytoma": "Astrocytoma", "glioblastoma": "Glioblastoma"}
# method id -> keyword of pydicom's dictionary of DICOM codes (CID 7180), where it has the method's family
DICOM_METHODS = {
    "gradcam": "GradientWeightedClassActivation",
    "gradcam++": "GradientWeightedClassActivation",
    "layercam": "GradientWeightedClassActivation",
    "hirescam": "GradientWeightedClassActivation",
    "scorecam": "ClassActivation",
    "saliency": "Saliency",
    "smoothgrad": "Saliency",
}
_PLANES = {"axial": "Axial", "coronal": "Coronal", "sagittal": "Sagittal"}


def own(value: str, meaning: str):
    """Return a code of the private scheme."""
    from pydicom.sr.coding import Code

    return Code(value, SCHEME, meaning[:_LONGEST_MEANING])


def class_code(card: ModelCard, class_id: str):
    """Return the code of a class: of SNOMED CT for the few that it has, else `class.ID` of the private scheme.

    The class ids of a model that others made may mean anything: its codes are always private.
    """
    from pydicom.sr.codedict import codes

    if class_id in SNOMED_CLASSES and not card.imported:
        return getattr(codes.SCT, SNOMED_CLASSES[class_id])
    return own(f"class.{class_id}", card.names[card.classes.index(class_id)])


def method_code(method: str):
    """Return the code of what a method's map holds: of DICOM's CID 7180, else `map.ID` of the private scheme."""
    from pydicom.sr.codedict import codes

    if method in DICOM_METHODS:
        return getattr(codes.DCM, DICOM_METHODS[method])
    return own(f"map.{method}", f"{METHODS[method].title} map")


def gate_code(aspect: str, seen: str):
    """Return the code of what the gate says of one aspect of a picture."""
    from pydicom.sr.codedict import codes

    if aspect == PLANE and seen in _PLANES:
        return getattr(codes.SCT, _PLANES[seen])
    meaning = "not known" if seen == UNKNOWN else ASPECTS[aspect][seen]
    return own(f"gate.{aspect}.{seen}", meaning[0].upper() + meaning[1:] if aspect == KIND else meaning)


def schemes() -> list:
    """Return the items that say what the private scheme is."""
    from highdicom.coding_schemes import CodingSchemeIdentificationItem

    return [CodingSchemeIdentificationItem(SCHEME, name=SCHEME_NAME, responsible_organization="Candor")]
