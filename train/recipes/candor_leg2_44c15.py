"""Teacher of candor-44c15 and the model before it, on EfficientNet-Lite0, in two legs.

    python -m train candor-leg2-44c15 --out /tmp/zoo     # its bundle is model_zoo/measured/candor-leg2-44c15

Its initial weights are those of the first leg, candor-lite0-44c15. This leg sees larger pictures, and half of what it
is trained towards are the probabilities of candor-scratch-44c15, the model before, another trunk trained on the same
scans: the mean of the two models is right on 0.926 of the validation scans, and they alone on 0.895 and 0.905.
Validation accuracy 0.913, best at epoch 20 of 24. The loss fell from 0.38 (either of them) to 0.32; the mean of this
model and the one before it would still be right on 0.928.
"""

from dataclasses import replace

from train.recipes.candor_lite0_44c15 import RECIPE as FIRST_LEG

RECIPE = replace(
    FIRST_LEG,
    weights="candor-lite0-44c15.keras",
    teacher="candor-scratch-44c15",
    size=192,
    epochs=24,
    early_size=160,
    early=0.5,
    rate=4e-4,
    warmup=0.5,
    smoothing=0.0,
    average=0.999,
)
