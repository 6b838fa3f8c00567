"""Three planes of the open volume beside each other: the slices that are explained, and two cuts for orientation."""

import numpy as np
import streamlit as st

from explain import METHODS, Explanation
from pages.components.display import rendering_chosen
from pages.components.pickers import Open
from pages.components.state import state
from pages.components.viewer import ELSEWHERE, GROUP
from pages.viewer.component import show_pictures
from pages.viewer.planes import PlanePicture, cuts, facts_of_voxels, grid_kept, voxels_key
from scans import ScanError

_HELP = (
    "Click to move the cross-hair, turn the wheel to go through a plane. Only the slices as they were stored are "
    "predicted and explained; the other two planes are cut from them. The dashed line is the explained slice."
)


def show_planes(opened: Open, method: str, explanation: Explanation | None) -> None:
    """Draw the planes of the open volume, or say why its slices cannot be cut across."""
    volume = opened.volume
    try:
        grid = grid_kept(voxels_key(volume), volume)
    except ScanError as error:
        st.info(str(error))
        return
    own, *others = cuts(grid)
    with st.spinner("Preparing the planes"):
        voxels = facts_of_voxels(volume, grid, opened.place, _where(opened, explanation))
    show_pictures(
        "planes",
        [
            PlanePicture(
                own, ["Of these slices one is predicted and explained"], opened.scan, explanation, opened.place
            ),
            *(PlanePicture(cut, ["For orientation only"]) for cut in others),
        ],
        group=GROUP,
        rendering=rendering_chosen(METHODS[method].signed, opened.scan, method),
        shown=state().map_shown,
        columns=3,
        readout=True,
        voxels=voxels,
        words={"elsewhere": ELSEWHERE},
    )
    st.caption(_HELP)


def _where(opened: Open, explanation: Explanation | None) -> tuple[int, int]:
    """Return row and column at which the cross-hair begins: the peak of the map, else the middle of the slice."""
    rows, columns = opened.scan.shape
    if explanation is None or not explanation.heat.max() > 0:
        return rows // 2, columns // 2
    row, column = np.unravel_index(explanation.heat.argmax(), explanation.heat.shape)
    return int(row), int(column)
