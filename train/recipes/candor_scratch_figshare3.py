"""Candor's own trunk on figshare's three tumours, from candor-pooled13, before candor-figshare3.

    python -m train candor-scratch-figshare3

Groups are blocks of twenty neighbouring numbers (patients where their ids are known). Neither this recipe nor
its initial weights used the Kaggle set, which holds figshare's slices mirrored.

Experiments, each a run of 40 epochs from the same initial weights; on the validation scans, by group: accuracy, and of
the HiResCAM of the true class within the model's square the median energy lift of the box and the pointing game:

    cell=8, gate trained (where), evidence not (look=0)      0.951    12    0.60     best epoch 22
    the same with mix=0.2, 30 epochs, less imitation        0.932
    cell=8, look=0.3                                        0.966    33    0.93     best epoch 27
    cell=4, look=0.3: this recipe                           0.977    37    0.94     best epoch 31

With a first form of the third loss the network predicted the class from the lack of evidence for the other two, and
had no evidence for it anywhere. So with `look` evidence can only be for a class, and an empty map counts as a uniform
one.
"""

from dataclasses import replace

from train.recipes.candor_scratch_kaggle4 import RECIPE as KAGGLE4

RECIPE = replace(
    KAGGLE4,
    task="figshare3",
    block=20,
    # its test scans come from the same sources: less imitation of other scanners than for the Kaggle set alone
    erase=0.2,
    noise=0.01,
    curve=0.15,
    invert=0.0,
    match=0.15,
    bias=0.15,
    blur=0.1,
    jpeg=0.1,
    paint=0.0,
    epochs=40,
    early=0.3,
    rate=1e-3,
    dropout=0.3,
    where=0.5,
    look=0.3,
    cell=4,
    weights="candor-pooled13.keras",
    started_on="figshare,br35h,44c",
)
