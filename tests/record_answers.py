"""python -m tests.record_answers OUT | --compare BEFORE AFTER: every map, prediction and report of the shipped models.

Run before and after a change that must not alter any answer. Only the commands that a user calls are used, so the
same script records any version of Candor: `--checkout DIR` is the version that answers, by default this one. The
inputs are phantoms that this script writes itself: two pictures, and a volume with oblong voxels.
"""

import argparse
import base64
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import nibabel
import numpy as np

from scans import phantom

ROOT = Path(__file__).parents[1]
_UNHURRIED = "3600"  # seconds a map: no answer may depend on how busy the machine is
_FACTS = [
    "method",
    "engine",
    "signed",
    "model",
    "weights",
    "target",
    "predicted",
    "probabilities",
    "probability",
    "scan",
    "slice",
    "plane",
    "seed",
    "evaluations",
    "stopped",
    "stability",
    "shape",
    "range",
    "raw_shape",
]
_QUICK = ("gradcam", "gradcam++", "layercam", "hirescam", "saliency", "integrated-gradients")


def main() -> int:
    """Run the command. Returns 0, or 1 where two records differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.record_answers", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--compare", action="store_true", help="compare two records instead of making one")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="the version of Candor that answers")
    options = parser.parse_args()
    if options.compare:
        return compare(*options.folders)
    record(options.folders[0].resolve(), options.checkout.resolve())
    return 0


def record(out: Path, checkout: Path) -> None:
    """Write a file of answers per model, and the maps, to `out`; a model whose file is there is left as it is."""
    out.mkdir(parents=True, exist_ok=True)
    pictures, volume = _inputs(out)
    for model in [each["id"] for each in json.loads(_run(checkout, "model_zoo", "list", "--json"))]:
        path = out / f"{model}.json"
        if path.exists():
            continue
        maps = out / "maps" / model
        answers = _predictions(checkout, model, [*pictures, volume])
        answers |= _maps(checkout, maps, model, pictures[:1], ("all",))
        answers |= _maps(checkout, maps, model, [*pictures[1:], volume], _QUICK)
        answers |= _reports(checkout, out / "reports" / model, model, pictures[0])
        path.write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n")
        print(f"{model}: {len(answers)} answers", flush=True)


def compare(before: Path, after: Path) -> int:
    """Print how two records differ. Returns 0 where every answer is the same to the bit, else 1."""
    old, new = (_answers(folder) for folder in (before, after))
    differing = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    for key in differing:
        first, second = old.get(key, {}), new.get(key, {})
        facts = [name for name in first.keys() | second.keys() if first.get(name) != second.get(name)]
        print(f"{key}: {', '.join(sorted(facts))}{_distance(before, after, first, second)}")
    print(f"{len(old.keys() | new.keys())} answers, {len(differing)} differ")
    return int(bool(differing))


def _answers(folder: Path) -> dict[str, dict]:
    return {key: facts for path in sorted(folder.glob("*.json")) for key, facts in json.loads(path.read_text()).items()}


def _distance(before: Path, after: Path, first: dict, second: dict) -> str:
    """Return how far two maps lie apart, as a share of the first one's strongest value."""
    if not (first.get("file") and second.get("file")):
        return ""
    a, b = np.load(before / first["file"]), np.load(after / second["file"])
    if a.shape != b.shape:
        return f" (shapes {a.shape} and {b.shape})"
    return f" (largest difference {np.abs(a - b).max() / max(np.abs(a).max(), 1e-12):.1e} of the strongest)"


def _inputs(out: Path) -> tuple[list[Path], Path]:
    """Write the phantoms to `out`; return the pictures and the volume."""
    pictures = []
    for kind in ("glioma", "notumor"):
        path = out / f"phantom-{kind}.png"
        cv2.imwrite(str(path), np.round(255 * phantom(kind, 7).scan.pixels).astype(np.uint8))
        pictures.append(path)
    slices = [phantom("meningioma", seed).scan.pixels for seed in (1, 2, 3)]
    voxels = np.round(1000 * np.stack(slices, axis=-1)).astype(np.int16)
    path = out / "phantom-volume.nii"
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([1.0, 1.5, 4.0, 1.0])), path)
    return pictures, path


def _predictions(checkout: Path, model: str, scans: list[Path]) -> dict[str, dict]:
    found = json.loads(_run(checkout, "model_zoo", "predict", model, *map(str, scans), "--json"))
    return {f"{model} predicts {Path(each.pop('file')).name} {number}": each for number, each in enumerate(found)}


def _maps(checkout: Path, out: Path, model: str, scans: list[Path], methods: tuple[str, ...]) -> dict[str, dict]:
    asked = [part for method in methods for part in ("--method", method)]
    asked += ["--model", model, "--seconds", _UNHURRIED, "--out", str(out), "--json"]
    answers = {}
    for each in json.loads(_run(checkout, "explain", *map(str, scans), *asked)):
        path = Path(each["map"])
        facts = {name: each[name] for name in _FACTS}
        values = hashlib.sha256(np.ascontiguousarray(np.load(path)).tobytes()).hexdigest()
        file = str(path.relative_to(out.parents[1]))
        answers[f"{model} {each['method']} {Path(each['file']).name}"] = facts | {"values": values, "file": file}
    return answers


def _reports(checkout: Path, out: Path, model: str, scan: Path) -> dict[str, dict]:
    """Return the pictures in an HTML report, without the colour bars, which hold words."""
    _run(checkout, "explain", "report", str(scan), "--model", model, "--format", "html", "--out", str(out))
    page = next(path for path in sorted(out.glob("*.html")) if path.name != "index.html").read_text()
    pictures = [_pixels(data) for data in re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)]
    kept = [picture for picture in pictures if picture.shape[0] == picture.shape[1]]
    values = [hashlib.sha256(picture.tobytes()).hexdigest() for picture in kept]
    return {f"{model} report {scan.name}": {"pictures": values}}


def _pixels(data: str) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_UNCHANGED)


def _run(checkout: Path, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=checkout, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


if __name__ == "__main__":
    sys.exit(main())
