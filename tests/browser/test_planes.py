"""Do the three planes of a volume show the right voxel at the right place, linked by one cross-hair?"""

import numpy as np
import pytest

from tests.browser.test_explain_scan import HEATMAP, upload
from tests.browser.test_viewer import READ
from tests.browser.widgets import settle, wait_until
from tests.good_files import head, nifti

pytestmark = pytest.mark.browser

SIZES = np.array([1.8, 1.5, 6.0])  # mm
ORIGIN = np.array([-115.0, -90.0, -70.0])
MARKER = np.array([44, 80, 15])  # a voxel, counted to the right, the front and the top
SHAPE = np.array([128, 128, 24])
PLANES = ".viewer:has(.pane[data-kind=plane])"
SEEN = {"Axial": (0, 1), "Coronal": (0, 2), "Sagittal": (1, 2)}  # what is across and what is upright


def volume(turned: bool = False) -> bytes:
    """Return a head with one bright voxel, or another one of as many slices."""
    voxels = head()
    voxels[tuple(MARKER)] = 6000
    if turned:
        voxels = voxels[::-1]
    affine = np.diag([*SIZES, 1.0])
    affine[:3, 3] = ORIGIN
    return nifti(voxels, affine)


def place_of(title: str) -> np.ndarray:
    """Return across and down, as shares of the picture's side, where the marker's middle belongs."""
    field = (SHAPE * SIZES).max()
    across, upright = SEEN[title]
    share = {axis: (MARKER[axis] + 0.5) / SHAPE[axis] - 0.5 for axis in (across, upright)}
    # The right and the front are at the left; the front and the top are at the top.
    return np.array([0.5 - share[axis] * SHAPE[axis] * SIZES[axis] / field for axis in (across, upright)])


def pane(page, title: str):
    return page.locator(f"{PLANES} .pane", has=page.locator(".title", has_text=title))


def point(page) -> list[float]:
    return [float(at) for at in page.locator(PLANES).get_attribute("data-point").split()]


def test_a_marker_appears_at_its_place_in_all_three_planes_and_one_cross_hair_links_them(page):
    upload(page, {"head.nii": volume()})
    page.locator(HEATMAP).wait_for()
    page.get_by_role("tab", name="Three planes").click()
    pane(page, "Sagittal").and_(page.locator("[data-drawn]")).wait_for()
    settle(page, maps=False)
    assert page.locator(PLANES).get_attribute("data-place") == "12"

    axial = pane(page, "Axial").locator(".stage")
    axial.scroll_into_view_if_needed()
    box = axial.bounding_box()
    across, down = place_of("Axial")
    page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
    for _ in range(3):  # from slice 12 to that of the marker
        page.mouse.wheel(0, 120)
    wait_until(page, f"document.querySelector('body') && {_point_script()}[0] == '15.50'")
    page.mouse.down()
    page.mouse.up()
    words = page.locator("output.point")
    words.filter(has_text="value 6000").wait_for()
    assert "slice 16 of 24" in words.inner_text()
    right, front, top = ORIGIN + MARKER * SIZES
    sides = [("R" if right > 0 else "L", right), ("A" if front > 0 else "P", front), ("S" if top > 0 else "I", top)]
    assert " ".join(f"{letter} {abs(mm):.1f}" for letter, mm in sides) in words.inner_text()

    for title, letters in {"Axial": "RLAP", "Coronal": "RLSI", "Sagittal": "APSI"}.items():
        plane = pane(page, title)
        assert "".join(plane.locator(".side").all_inner_texts()) == letters
        read = plane.locator("canvas").evaluate(READ)
        side, grey = read["side"], np.reshape(read["pixels"], (read["side"], read["side"], 4))[..., 0].astype(float)
        # One voxel is several pixels large, and cubic interpolation is symmetric: its middle is that of its light.
        x, y = np.round(place_of(title) * side).astype(int)
        reach = int(6 / (SHAPE * SIZES).max() * side) + 2
        light = np.maximum(grey[y - reach : y + reach, x - reach : x + reach] - 200, 0)
        rows, columns = np.indices(light.shape) - reach + 0.5
        middle = np.array([(columns * light).sum(), (rows * light).sum()]) / light.sum() + [x, y]
        assert light.max() > 50 and middle == pytest.approx(place_of(title) * side, abs=1.0)

    before = point(page)
    page.mouse.move(*_middle(pane(page, "Coronal").locator(".stage")))
    page.mouse.wheel(0, 120)
    wait_until(page, f"{_point_script()}[1] != '{before[1]:.2f}'")
    after = point(page)
    assert (after[0], after[2]) == (before[0], before[2]) and abs(after[1] - before[1]) == pytest.approx(1)
    pane(page, "Sagittal").locator(".stage").focus()
    page.keyboard.press("ArrowDown")  # towards the feet
    wait_until(page, f"{_point_script()}[0] == '14.50'")
    assert page.locator(PLANES).get_attribute("data-place") == "12"  # the explained slice has stayed
    assert "slice=13" in page.url
    page.get_by_role("button", name="Explain this slice").click()
    wait_until(page, "document.querySelector('input[type=range][aria-label=Slice]')?.value == 15")
    page.locator(f"{HEATMAP}[data-place='14']").wait_for()
    assert page.get_by_role("button", name="Explain this slice").is_disabled()


def test_a_slice_of_the_next_volume_is_never_seen_under_the_map_of_the_one_before(page):
    """The pictures above are of the next volume before the planes are."""
    upload(page, {"one.nii": volume(), "two.nii": volume(turned=True)})
    page.locator(".rail li[aria-selected=true]", has_text="two.nii").wait_for()
    settle(page)
    page.get_by_role("tab", name="Three planes").click()
    pane(page, "Axial").and_(page.locator("[data-drawn*=' map-']")).wait_for()
    settle(page)
    first = pane(page, "Axial").get_attribute("data-drawn")
    assert first == page.locator(HEATMAP).get_attribute("data-drawn")
    page.locator(PLANES).evaluate("""node => {
      const { viewer } = node.parentElement ?? node.parentNode;
      viewer.update = component => { globalThis.release = () => { delete viewer.update; viewer.update(component); }; };
    }""")
    page.locator(".rail li", has_text="one.nii").click()
    page.locator(f"{HEATMAP}:not([data-drawn='{first}'])").wait_for()
    settle(page)
    second = page.locator(HEATMAP).get_attribute("data-drawn")
    assert not set(first.split()) & set(second.split())
    drawn = pane(page, "Axial").get_attribute("data-drawn")
    assert drawn.startswith("voxels-") and drawn.endswith("no map")
    assert page.locator(f"{PLANES} .explained").count() == 0
    assert page.get_by_role("button", name="Explain this slice").is_disabled()
    page.evaluate("release()")
    pane(page, "Axial").and_(page.locator(f"[data-drawn='{second}']")).wait_for()
    page.locator(f"{PLANES} .explained").nth(1).wait_for(state="attached")


def _middle(stage) -> tuple[float, float]:
    box = stage.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def _point_script() -> str:
    """Return JavaScript for where the cross-hair is: shadow roots are not searched by the document itself."""
    nodes = "[...document.querySelectorAll('[data-testid=stBidiComponentIsolated]')]"
    return f"{nodes}.map(each => each.shadowRoot.querySelector('[data-point]')).find(Boolean).dataset.point.split(' ')"
