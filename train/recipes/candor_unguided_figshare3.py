"""candor-scratch-figshare3 without the loss on where the evidence lies: for comparison.

    python -m train candor-unguided-figshare3

The same network, initial weights and settings, but with cells of 8 pixels and without the third loss; the boxes train
the gate in both. It was trained and evaluated under the name candor-figshare3, before that recipe got `look` and
`cell=4`.
"""

from dataclasses import replace

from train.recipes.candor_scratch_figshare3 import RECIPE as FIGSHARE3

RECIPE = replace(FIGSHARE3, look=0.0, cell=8)
