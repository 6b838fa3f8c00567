"""The precision of a training ends with it, however it ends."""

import keras
import pytest

from datasets.records import DatasetError
from train.pipeline import train
from train.precision import dtype_policy, precision_policy
from train.recipe import Recipe


def test_the_precision_is_that_of_before_also_after_an_error():
    with pytest.raises(ZeroDivisionError), dtype_policy("mixed_bfloat16"):
        assert keras.mixed_precision.dtype_policy().name == "mixed_bfloat16"
        1 / 0  # noqa: B018
    assert keras.mixed_precision.dtype_policy().name == "float32"


def test_a_training_that_cannot_begin_leaves_the_precision_as_it_was(tmp_path):
    recipe = Recipe(task="kaggle4", network="cnn3", size=32, precision="mixed_bfloat16")
    with pytest.raises(DatasetError):
        train("cnn3-kaggle4", recipe, tmp_path / "no scans", tmp_path, resume=False)
    assert keras.mixed_precision.dtype_policy().name == "float32"


@pytest.mark.parametrize("network", ["candor-lite0", "gate-lite0", "efficientnetb0", "mobilenetv2", "xception"])
def test_networks_of_depthwise_convolutions_train_in_float32_everywhere(network):
    assert precision_policy(Recipe(task="kaggle4", network=network)) == "float32"
    assert precision_policy(Recipe(task="kaggle4", network=network, precision="mixed_bfloat16")) == "mixed_bfloat16"
