"""Candor's own network: small, explainable by construction.

A trunk, joined with its finer stages to a map of one cell per 8 pixels (20 x 20 at 160 px), or per 4 with `cell=4`. The
trunk is a residual one of our own without normalisation, down to one cell per 16 pixels, or EfficientNet-Lite with
ImageNet's weights, down to one per 32 ("candor-lite0" to "candor-lite2"). A gate, `where`, between 0 and 1 per cell,
multiplies that map; the logits are linear in its mean. So a cell with a closed gate adds nothing to any class, and a
class activation map of the layer `evidence` sums exactly to the logits. Boxes can train the gate (`where`), and the
place of the evidence for the true class (`look`, after Ross et al. 2017, "Right for the right reasons",
https://arxiv.org/abs/1703.03717, but on the map that sums to the logits).

Batch normalisation costs two fifths of a training step on a processor. Instead each kernel of our own is kept at
mean 0 and a learnt scale while training (weight standardisation: Qiao et al. 2019,
https://arxiv.org/abs/1903.10520; without normalisation: Brock et al. 2021, https://arxiv.org/abs/2101.08692),
and folded into plain convolutions when the model is saved.
"""

from dataclasses import replace

import keras
from keras import layers, ops

from train.backbones import preprocessed
from train.efficientnet_lite import stages
from train.recipe import Recipe

WIDTHS = (48, 96, 192)
BLOCKS = 2  # residual blocks per width
NECK = 96  # channels of the feature map `evidence`
_BRANCH = 0.3  # first scale of a residual branch: every block starts near the identity
LITE = {f"candor-lite{variant}": variant for variant in (0, 1, 2)}  # network of a recipe -> EfficientNet-Lite's variant
_NAMES = {4: "finest", 8: "fine", 16: "coarse", 32: "coarsest"}  # of the neck's layers, by pixels per cell of its input
_LITE_SCALE = 0.1  # first scale of the neck on EfficientNet-Lite, whose maps have deviations of 3 to 9, not 1
_POOLED = 10.0  # a lesion fills a few cells of 400: the mean is scaled up here instead of in the last layer


@keras.saving.register_keras_serializable("candor")
class StandardConv2D(layers.Conv2D):
    """A convolution whose kernel has mean 0 and standard deviation gamma * sqrt(2 / fan_in) per filter."""

    def __init__(self, *arguments, first_scale: float = 1.0, **settings) -> None:
        # Autocasting would round the kernel to bfloat16 before its mean is taken off.
        super().__init__(*arguments, **settings | {"autocast": False})
        self.first_scale = first_scale

    def build(self, input_shape) -> None:
        super().build(input_shape)
        scale = keras.initializers.Constant(self.first_scale)
        self.gamma = self.add_weight(name="gamma", shape=(self.filters,), initializer=scale)

    def standard_kernel(self):
        """Return the standardised kernel (h, w, in, out), float32."""
        kernel = ops.convert_to_tensor(self._kernel)
        fan_in = kernel.shape[0] * kernel.shape[1] * kernel.shape[2]
        centred = kernel - ops.mean(kernel, axis=(0, 1, 2), keepdims=True)
        spread = ops.sqrt(ops.mean(ops.square(centred), axis=(0, 1, 2), keepdims=True) + 1e-8)
        return centred / spread * ops.convert_to_tensor(self.gamma) * (2 / fan_in) ** 0.5

    def call(self, inputs):
        inputs = ops.cast(inputs, self.compute_dtype)
        outputs = self.convolution_op(inputs, ops.cast(self.standard_kernel(), self.compute_dtype))
        return outputs + ops.cast(ops.convert_to_tensor(self.bias), self.compute_dtype)

    def save_own_variables(self, store) -> None:  # a convolution's own saves kernel and bias alone
        for index, variable in enumerate(self._trainable_variables):
            store[str(index)] = variable

    def load_own_variables(self, store) -> None:
        for index, variable in enumerate(self._trainable_variables):
            variable.assign(store[str(index)])

    def get_config(self) -> dict:
        config = super().get_config() | {"first_scale": self.first_scale}
        config.pop("autocast", None)
        return config


def candor(recipe: Recipe, classes: int, *, training: bool = False) -> keras.Model:
    """Return Candor's network: logits (N, classes); while training with `where`, also the gate's logits.

    With `look` it also returns the class maps, and evidence can only be for a class: with negative weights or a
    bias a network could predict a class from the lack of evidence for the others, and the loss would have nothing
    to train. The training network takes pictures of any side that its coarsest cell divides, 16 pixels or 32 on
    EfficientNet-Lite; the saved one takes the recipe's. Raises ValueError where the recipe has another side.
    """
    convolution = StandardConv2D if training else _plain
    side = None if training else recipe.size
    scan = layers.Input((side, side, recipe.channels), name="scan")
    on_lite = recipe.network in LITE
    maps = _lite_trunk(scan, recipe) if on_lite else _own_trunk(scan, convolution)
    for name in ("size", "early_size") if recipe.early else ("size",):
        if getattr(recipe, name) % max(maps):
            raise ValueError(
                f"{name}={getattr(recipe, name)} is no multiple of {max(maps)}, the coarsest cell of {recipe.network}"
            )
    maps = {part: x for part, x in maps.items() if part >= recipe.cell}
    # Copies of a cell, fourfold or more, would show as steps in the map.
    smooth = {"interpolation": "bilinear"} if max(maps) > 2 * recipe.cell else {}
    parts = []
    for part, x in sorted(maps.items(), reverse=True):
        x = convolution(NECK, 1, first_scale=_LITE_SCALE if on_lite else 1.0, name=f"neck_{_NAMES[part]}")(x)
        if part > recipe.cell:
            x = layers.UpSampling2D(part // recipe.cell, name=f"neck_up_{_NAMES[part]}", **smooth)(x)
        parts.append(x)
    x = layers.ReLU(name="neck_relu")(layers.Add(name="neck_sum")(parts))
    x = _convolved(x, convolution, NECK, 3, 1, "neck_mix")
    where = layers.Conv2D(1, 1, dtype="float32", name="where")(x)  # (N, side / cell, side / cell, 1)
    gate = layers.Activation("sigmoid", name="gate")(where)
    evidence = layers.Multiply(name="evidence")([x, gate])
    pooled = layers.GlobalAveragePooling2D(name="pool")(evidence)
    pooled = layers.Rescaling(_POOLED, dtype="float32", name="scale")(pooled)
    pooled = layers.Dropout(recipe.dropout, dtype="float32", name="dropout")(pooled)
    small = keras.initializers.RandomNormal(stddev=0.02, seed=recipe.seed)
    if recipe.look:
        small = keras.initializers.RandomUniform(0, 0.04, seed=recipe.seed)
    only_for = {"use_bias": False, "kernel_constraint": "non_neg"} if recipe.look else {}
    read = layers.Dense(classes, kernel_initializer=small, dtype="float32", name="logits", **only_for)
    logits = read(pooled)
    if not training or not recipe.where:
        return keras.Model(scan, logits, name="candor")
    outputs = {"logits": logits, "where": where}
    if recipe.look:
        scaled = layers.Rescaling(_POOLED, dtype="float32", name="scale_map")(evidence)
        outputs["look"] = read(scaled)  # (N, side / cell, side / cell, classes): their means are the logits
    return keras.Model(scan, outputs, name="candor")


def _own_trunk(scan, convolution) -> dict:
    """Return Candor's own maps (N, h, w, C) by the pixels per cell: 4, 8 and 16."""
    x = _convolved(scan, convolution, 32, 5, 2, "stem")
    maps = {}
    for stage, width in enumerate(WIDTHS, start=1):
        for block in range(1, BLOCKS + 1):
            x = _block(x, convolution, width, 2 if block == 1 else 1, f"stage{stage}_block{block}")
        maps[2 ** (stage + 1)] = x
    return maps


def _lite_trunk(scan, recipe: Recipe) -> dict:
    """Return EfficientNet-Lite's maps (N, h, w, C) by the pixels per cell: 4, 8, 16 and 32.

    Batch normalisation keeps the moments that come with the initial weights: a batch of sixteen scans is too small to
    estimate others. Random initial weights have none, so there it is trained.
    """
    variant = LITE[recipe.network]
    shown = preprocessed(scan, replace(recipe, network=f"efficientnet-lite{variant}"))
    maps = stages(variant, shown, frozen_norms=recipe.weights != "none")
    return {4: maps[1], 8: maps[2], 16: maps[4], 32: maps[6]}


def _plain(filters: int, size: int, first_scale: float = 1.0, **settings) -> layers.Conv2D:
    return layers.Conv2D(filters, size, **settings)


def _convolved(x, convolution, filters: int, size: int, stride: int, name: str):
    x = convolution(filters, size, strides=stride, padding="same", name=name)(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _block(x, convolution, width: int, stride: int, name: str):
    """Two 3 x 3 convolutions beside a short cut; the first of a stage halves the map."""
    branch = _convolved(x, convolution, width, 3, stride, f"{name}_a")
    branch = convolution(width, 3, padding="same", first_scale=_BRANCH, name=f"{name}_b")(branch)
    if stride != 1:
        x = convolution(width, 1, strides=stride, padding="same", name=f"{name}_short")(x)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_sum")([x, branch]))


def folded(trained: keras.Model, plain: keras.Model) -> keras.Model:
    """Give `plain` the weights of the training network `trained`, layer by layer, and return it."""
    for layer in plain.layers:
        if not layer.weights:
            continue
        source = trained.get_layer(layer.name)
        if isinstance(source, StandardConv2D):
            kernel = keras.ops.convert_to_numpy(source.standard_kernel())
            layer.set_weights([kernel, keras.ops.convert_to_numpy(source.bias)])
        else:
            layer.set_weights(source.get_weights())
    return plain
