"""The imports of Keras and OpenVINO, without the parts that Candor never uses."""

import sys


def import_keras():
    """Return the keras module, imported without scikit-learn where neither was imported before.

    Keras brings wrappers for scikit-learn and so imports it, with half of SciPy, wherever it is installed:
    2 of the 8 seconds that a first prediction waits for TensorFlow. With the name barred for the time of
    the import the wrappers are left out; scikit-learn itself can be imported afterwards as ever.
    """
    if "keras" not in sys.modules and "sklearn" not in sys.modules:
        sys.modules["sklearn"] = None
        try:
            import keras
        finally:
            del sys.modules["sklearn"]
    import keras

    return keras


def import_openvino():
    """Return the openvino module, without what reports the converter's use to its makers.

    It reports nothing where that module is missing: a program that reads patients' scans talks to nobody.
    """
    sys.modules.setdefault("openvino_telemetry", None)
    import openvino

    return openvino
