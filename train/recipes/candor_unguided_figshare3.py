"""candor-figshare3 before it was taught where the evidence has to lie: kept to be compared with.

    python -m train candor-unguided-figshare3

The same network, start and settings, but for cells of 8 pixels and no third loss; the gate is taught by the boxes
all the same. It was trained and judged under the name candor-figshare3, before that recipe got `look` and `cell=4`.
"""

from dataclasses import replace

from train.recipes.candor_figshare3 import RECIPE as FIGSHARE3

RECIPE = replace(FIGSHARE3, look=0.0, cell=8)
