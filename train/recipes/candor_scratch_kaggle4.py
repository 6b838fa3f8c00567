"""Candor's own trunk on the Kaggle four-class set alone, from random weights in three legs, before candor-kaggle4.

    python -m train candor-scratch-kaggle4

Its initial weights, for the third leg, are those of the second, as train/weights/candor-kaggle4-leg2.keras:

    leg 1   --set weights=none --set epochs=44 --set early=0.75 --set rate=1e-3 --set warmup=2     0.962   0.41
            --set curve=0.2 --set invert=0.08 --set match=0.2 --set paint=0 --set where=0
    leg 2   --set weights=(leg 1) --set epochs=24 --set curve=0.3 --set invert=0.12                0.969   0.46
            --set match=0.3 --set paint=0.35 --set dropout=0.2, the last epoch
    leg 3   this recipe                                                                            0.979   0.45

The numbers are the validation accuracy, and the balanced accuracy on 44c's validation scans: never trained on,
but used while the legs were planned, so 44c is not a fully independent test. Leg 3 was best at epoch 8 of 16.
Leg 2 draws lesions on healthy scans and trains the gate on their place; leg 3, with little of that, recovers the
accuracy lost on the own test set. On 44c most errors predict a tumour as healthy, or confuse glioma and meningioma:
the Kaggle set's tumours are nearly all contrast-enhanced T1.
"""

from train.recipe import Recipe

RECIPE = Recipe(
    task="kaggle4",
    network="candor",
    size=160,
    channels=1,
    crop=1,
    rotate=15,
    zoom=0.15,
    shift=0.06,
    squash=0.12,
    shear=5,
    contrast=0.25,
    brightness=0.05,
    noise=0.02,
    erase=0.1,
    paint=0.05,
    curve=0.1,
    invert=0.04,
    match=0.1,
    bias=0.15,
    blur=0.15,
    jpeg=0.1,
    batch=16,
    epochs=16,
    patience=0,
    early_size=112,
    early=0.0,
    rate=6e-4,
    warmup=0.5,
    decay=0.05,
    smoothing=0.05,
    dropout=0.1,
    average=0.999,
    where=0.5,
    weights="candor-kaggle4-leg2.keras",
)
