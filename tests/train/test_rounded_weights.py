"""The weights of a bundle are rounded from the exact ones, to as many bits as its file may have."""

import numpy as np
import pytest

from model_zoo import Estimate, Score
from model_zoo.weights import round_to_bfloat16, round_to_grid
from tests.conftest import tiny_network
from train import evaluate


@pytest.mark.parametrize(
    ("large", "limit", "bits"), [(10**9, 10**9, 16), (0, 10**9, 8), (0, 1, 6)], ids=["small", "large", "too large"]
)
def test_the_bits_of_a_weight_follow_from_the_size(tmp_path, monkeypatch, large, limit, bits):
    monkeypatch.setattr(evaluate, "_LARGE", large)
    monkeypatch.setattr(evaluate, "_LARGEST_FILE", limit)
    network = tiny_network()
    exact = network.get_weights()
    assert evaluate._save_below_limit(network, tmp_path / "model.keras") == bits
    for before, after in zip(exact, network.get_weights(), strict=True):
        on_grid = bits < 16 and before.ndim > 1
        assert np.array_equal(after, round_to_grid(before, bits) if on_grid else round_to_bfloat16(before))


@pytest.mark.parametrize(
    ("bits", "packed", "told"), [(8, 0.9685, True), (8, 0.969, False), (8, 0.98, False), (16, 0.9, False)]
)
def test_a_card_tells_what_rounding_costs_where_it_costs_more_than_two_thousandths(bits, packed, told):
    score = Score("accuracy", "val", "all scans", Estimate(packed, packed, packed, 700), "predictions.csv")
    sentences = evaluate.rounding_limits(bits, 0.971, [score])
    assert sentences == (
        [f"Its weights are rounded to 8 bits: validation accuracy {packed:.4f}, 0.9710 before."] * told
    )
