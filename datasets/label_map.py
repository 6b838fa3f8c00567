"""The label map: which class of one collection is which class of another."""

from collections.abc import Sequence

HEALTHY = ("notumor", "normal")  # class ids whose scans have no lesion

# 44c's class -> what the four-class collections would call it. Ganglioglioma is as much neuronal as glial.
FOUR_OF_FIFTEEN = {
    "astrocytoma": "glioma",
    "ependymoma": "glioma",
    "glioblastoma": "glioma",
    "oligodendroglioma": "glioma",
    "meningioma": "meningioma",
    "normal": "notumor",
}


def common_label(label: str, classes: Sequence[str]) -> str:
    """Return the class of `classes` that a scan labelled `label` in its own collection belongs to; "" for none."""
    if label in classes:
        return label
    if label == "notumor" and "normal" in classes:
        return "normal"
    four = FOUR_OF_FIFTEEN.get(label, "")
    return four if four in classes else ""
