"""The generated tables of the README and the docs, made from the files that the commands wrote.

python -m benchmarks.report      # after the benchmarks, or after a model was trained

A document holds a table between two marks, `<!-- NAME: made by python -m benchmarks.report -->` and
`<!-- end of NAME -->`; everything outside the marks is written by hand.
"""

import re
from pathlib import Path

from benchmarks import (
    ablation_tables,
    cost_tables,
    engine_tables,
    explanation_tables,
    generation_tables,
    model_tables,
    neighbour_tables,
    reading_tables,
    training_tables,
    trust_tables,
)
from model_zoo.whole_files import write_whole

ROOT = Path(__file__).parents[1]
TABLES = {
    make.__name__.replace("_", " "): make
    for make in (
        model_tables.shipped_models,
        model_tables.accuracy,
        model_tables.external_validation,
        neighbour_tables.neighbouring_slices,
        neighbour_tables.random_slices,
        model_tables.generations,
        model_tables.seeds,
        generation_tables.aims,
        model_tables.errors,
        model_tables.shared_errors,
        ablation_tables.ablations,
        ablation_tables.single_changes,
        ablation_tables.kinds_of_errors,
        ablation_tables.test_time_augmentation,
        model_tables.shortcuts,
        model_tables.imported_models,
        model_tables.not_brain,
        explanation_tables.methods,
        explanation_tables.measures,
        explanation_tables.localisation,
        explanation_tables.localisation_on_more_scans,
        ablation_tables.map_placement,
        generation_tables.maps_of_generations,
        explanation_tables.explanation_quality,
        explanation_tables.removing_a_lesion,
        explanation_tables.method_speed,
        explanation_tables.sampling,
        explanation_tables.eight_bits,
        training_tables.tasks,
        training_tables.recipes,
        cost_tables.training_cost,
        cost_tables.prediction_speed,
        cost_tables.cost_of_generations,
        cost_tables.waiting_times,
        cost_tables.image,
        cost_tables.api_speed,
        cost_tables.several_users,
        engine_tables.engine_speed,
        engine_tables.ten_million_slices,
        reading_tables.viewer,
        reading_tables.reading,
        reading_tables.broken_files,
        reading_tables.sheets,
        trust_tables.gate,
        trust_tables.ct_scans,
        trust_tables.gate_speed,
        trust_tables.gate_near_and_far,
        trust_tables.gate_planes,
        trust_tables.gate_sequences,
        trust_tables.coverage,
        trust_tables.selective_prediction,
        trust_tables.similar_cases,
    )
}
_BLOCK = re.compile(r"(<!-- ([\w ]+): made by python -m benchmarks\.report -->\n).*?(<!-- end of \2 -->)", re.DOTALL)


def documents() -> list[Path]:
    """Return the README and the docs."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def table_names(text: str) -> list[str]:
    """Return the names of the tables that a document holds."""
    return [match[2] for match in _BLOCK.finditer(text)]


def filled(text: str) -> str:
    """Return a document with its tables made anew. Raises KeyError on a table of an unknown name."""
    return _BLOCK.sub(lambda match: f"{match[1]}{TABLES[match[2]]()}\n{match[3]}", text)


def main() -> None:
    """Put the tables into the README and the docs."""
    for path in documents():
        write_whole(path, filled(path.read_text()))


if __name__ == "__main__":
    main()
