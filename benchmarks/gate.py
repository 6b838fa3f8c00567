"""What the gate costs a prediction: milliseconds a slice, with and without it, in turns."""

from benchmarks.record import side_by_side, write
from explain.prediction import predict
from model_zoo import load_model
from model_zoo.gate import load_gate
from scans import fit, phantom


def main() -> None:
    """Measure one phantom slice of 256 pixels: the gate alone, and the app's default model alone."""
    scan, model, gate = phantom("glioma", 900_010).scan, load_model("candor-pooled4"), load_gate()
    runs = {
        "the gate": lambda: gate.check(scan),
        "candor-pooled4, fit and forward pass": lambda: model.predict(fit(scan, model.card.input)[0][None]),
        "predict, a slice that the gate has seen": lambda: predict(model, scan),
    }
    seconds = side_by_side(runs, rounds=40)
    facts = {"runtime": f"{gate.runtime.engine} {gate.runtime.precision}"}
    write("gate", facts | {f"{name}, ms": round(1000 * s, 2) for name, s in seconds.items()})


if __name__ == "__main__":
    main()
