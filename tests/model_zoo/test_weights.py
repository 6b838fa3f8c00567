"""Weights are small, standard, the same bytes each time, and never loaded with another hash than the card's."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from model_zoo import ModelError
from model_zoo.weights import load_checked, round_to_bfloat16, round_to_grid, save_packed, sha256_of
from tests.conftest import tiny_network


def test_rounding_keeps_eight_bits_of_mantissa():
    """1 + 2^-8 lies halfway between two bfloat16 numbers and goes to the even one, 1; 1 + 3 * 2^-9 goes up."""
    values = np.array([1 + 2**-8, 1 + 3 * 2**-9, -1.5, 0.0, 3e38], np.float32)
    np.testing.assert_array_equal(round_to_bfloat16(values)[:4], np.array([1, 1 + 2**-7, -1.5, 0], np.float32))


def test_rounding_leaves_the_lower_half_of_every_number_empty(noise):
    assert not (round_to_bfloat16(noise).view(np.uint32) & 0xFFFF).any()


def test_rounding_errs_by_less_than_one_part_in_256(noise):
    assert (np.abs(round_to_bfloat16(noise) - noise) <= noise / 256).all()


def test_a_grid_of_eight_bits_has_at_most_255_steps_per_channel_and_errs_by_half_of_one(noise):
    kernel = np.random.default_rng(0).normal(0, [0.1, 1, 30], (3, 3, 16, 3)).astype(np.float32)
    found = round_to_grid(kernel, 8)
    for channel in range(3):
        largest = np.abs(kernel[..., channel]).max()
        step = 2.0 ** np.ceil(np.log2(largest / 127))
        assert np.array_equal(found[..., channel] % step, np.zeros((3, 3, 16)))
        assert np.abs(found - kernel)[..., channel].max() <= step / 2 and step <= largest / 63
        assert len(np.unique(found[..., channel])) <= 255


def test_every_channel_of_a_depthwise_kernel_has_a_grid_of_its_own():
    kernel = np.random.default_rng(0).normal(0, [[0.01], [10]], (5, 5, 2, 1)).astype(np.float32)
    assert np.abs(round_to_grid(kernel, 8) - kernel)[..., 0, 0].max() < 0.001


def test_a_channel_of_zeros_stays_zero():
    assert not round_to_grid(np.zeros((3, 3, 2, 4), np.float32), 8).any()


@pytest.mark.parametrize(("bits", "bytes_per_weight"), [(8, 1.1), (7, 0.95), (6, 0.85)])
def test_a_network_on_a_grid_packs_into_about_a_byte_per_weight_and_stock_keras_reads_it(
    tmp_path, bits, bytes_per_weight
):
    import keras

    keras.utils.set_random_seed(0)
    wide = keras.layers.Dense(600, kernel_initializer="random_normal")
    network = keras.Sequential([keras.layers.Input((600,)), wide])
    before = network.get_weights()[0]
    save_packed(network, tmp_path / "model.keras", bits)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    kernel = loaded.get_weights()[0]
    assert np.array_equal(kernel, round_to_grid(before, bits))
    assert np.linalg.norm(kernel - before) / np.linalg.norm(before) < 2.0**-bits * 5
    assert (tmp_path / "model.keras").stat().st_size < bytes_per_weight * before.size


def test_a_packed_network_predicts_as_before_within_the_rounding(tmp_path, noise):
    network = tiny_network()
    before = network(noise).numpy()
    save_packed(network, tmp_path / "model.keras")
    loaded = load_checked(tmp_path / "model.keras", sha256_of(tmp_path / "model.keras"))
    np.testing.assert_allclose(loaded(noise).numpy(), before, atol=0.02)
    np.testing.assert_array_equal(loaded(noise).numpy(), network(noise).numpy())


def test_a_packed_file_is_under_two_thirds_of_a_plain_one(tmp_path):
    import keras

    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.layers.Input((300,)), keras.layers.Dense(400)])
    network.save(tmp_path / "plain.keras")
    save_packed(network, tmp_path / "model.keras")
    assert (tmp_path / "model.keras").stat().st_size < 0.66 * (tmp_path / "plain.keras").stat().st_size


def test_weights_with_another_hash_are_refused_unopened(tmp_path):
    save_packed(tiny_network(), tmp_path / "model.keras")
    right = sha256_of(tmp_path / "model.keras")
    (tmp_path / "model.keras").write_bytes(b"not a zip at all")  # opening it would raise something else
    with pytest.raises(ModelError, match="not those its card describes"):
        load_checked(tmp_path / "model.keras", right)


def test_missing_weights_say_what_to_do(tmp_path):
    with pytest.raises(ModelError, match="train the model again"):
        sha256_of(tmp_path / "model.keras")


def test_code_smuggled_in_a_lambda_is_not_run(tmp_path):
    import keras

    inputs = keras.layers.Input((4,))
    network = keras.Model(inputs, keras.layers.Lambda(lambda x: x + 1)(inputs))
    network.save(tmp_path / "model.keras")
    with pytest.raises(ModelError, match="not safe"):
        load_checked(tmp_path / "model.keras", sha256_of(tmp_path / "model.keras"))


def test_the_same_weights_give_the_same_bytes_whenever_they_are_saved(tmp_path):
    network = tiny_network()
    hashes = []
    for name in ("first.keras", "second.keras"):
        if hashes:
            time.sleep(1.1)  # Keras writes the second into the file
        save_packed(network, tmp_path / name)
        hashes.append(sha256_of(tmp_path / name))
    assert hashes[0] == hashes[1]


@pytest.mark.slow
def test_a_first_prediction_does_not_wait_for_scikit_learn_which_works_all_the_same(tmp_path):
    save_packed(tiny_network(), tmp_path / "model.keras")
    program = (
        "import pathlib, sys; from model_zoo.weights import load_checked, sha256_of; path = pathlib.Path(sys.argv[1]);"
        "load_checked(path, sha256_of(path)); assert 'sklearn' not in sys.modules;"
        "from sklearn.model_selection import StratifiedGroupKFold; assert StratifiedGroupKFold(2).n_splits == 2"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "model.keras")], cwd=root, check=True)
