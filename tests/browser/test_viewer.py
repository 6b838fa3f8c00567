"""Does the viewer do what a reader's hands expect, and draw what an export draws?"""

import numpy as np
import pytest

from explain import Rendering, Request, draw, explain
from explain.comparison.agreement import COLOURS
from model_zoo import load_model
from pages.components.samples import SAMPLES
from scans import phantom
from tests.browser.test_explain_scan import HEATMAP, upload
from tests.browser.widgets import go_to, settle, wait_until
from tests.good_files import dicom12, nifti

pytestmark = pytest.mark.browser

MODEL = "candor-pooled4"
VIEWER = ".viewer[data-group=explain]"
HEAD = phantom("meningioma", 900_002, 128).scan.pixels
SHARES = np.linspace(0.5, 1, 24)
VOLUME = {
    "v.nii": nifti(
        (np.stack([HEAD[::-1, ::-1].T * share for share in SHARES], -1) * 900).astype(np.int16), np.diag([1, 1, 4, 1])
    )
}
DICOM = {"IM1": dicom12(HEAD, WindowCenter=1800, WindowWidth=3600, PixelSpacing=[0.5, 0.5])}
READ = """node => {
  const { width, height } = node;
  return { side: width, pixels: Array.from(node.getContext('2d').getImageData(0, 0, width, height).data) };
}"""


def open_sample(page, more: str = "") -> None:
    page.goto(page.url + "?sample=phantom-2" + more)
    page.locator(HEATMAP).wait_for()
    settle(page, maps=False)


def test_what_the_server_has_not_seen_yet_goes_along_with_the_next_change(page):
    """While a page runs, a newer value of a component takes the place of the one before, which nobody has seen."""
    open_sample(page)
    first, second, third = page.locator(VIEWER).evaluate("""node => {
      const viewer = (node.parentElement ?? node.parentNode).viewer, sent = [];
      viewer.component = { data: viewer.data, setStateValue: (name, value) => sent.push(structuredClone(value)) };
      viewer.look({ opacity: 0.3 });
      viewer.flush();
      viewer.look({ threshold: 0.4 });
      viewer.flush();
      viewer.hide();
      viewer.flush();
      return sent;
    }""")
    assert first["rendering"] == {"opacity": 0.3} and second["count"] == first["count"] + 1
    assert third["rendering"] == second["rendering"] == {"opacity": 0.3, "threshold": 0.4}
    assert "shown" not in second and third["shown"] is False


def test_a_step_that_the_server_was_not_told_of_goes_with_the_slices_that_it_was_made_in(page):
    upload(page, VOLUME)
    page.locator(HEATMAP).wait_for()
    settle(page)
    key, told, untold, place = page.locator(VIEWER).evaluate("""node => {
      const { viewer } = node.parentElement ?? node.parentNode, { component, data } = viewer;
      viewer.step(1);
      const told = viewer.outbox.place;
      viewer.update({ ...component, data: { ...data, volume: { ...data.volume, key: 'another', place: 3 } } });
      const answer = [data.volume.key, told, viewer.outbox.place ?? null, viewer.group.place];
      viewer.update(component);
      return answer;
    }""")
    assert told == [key, 13] and untold is None and place == 3


def test_a_picture_of_another_scan_goes_at_once_and_a_map_that_is_missing_is_not_taken_for_an_empty_one(page):
    open_sample(page)
    held = {}  # by the end of the address
    page.route("**/media/**", lambda route: held.update({route.request.url.rsplit("/", 1)[1]: route}))
    page.locator(".rail li", has_text="Phantom 1").click()
    page.locator(f"{VIEWER} .title", has_text="Grad-CAM for Glioma").wait_for()
    page.get_by_text("The scan is being loaded.").nth(1).wait_for()
    settle(page, maps=False)
    for pane in page.locator(f"{VIEWER} .pane").all():
        assert not any(pane.locator("canvas").evaluate(READ)["pixels"])
        assert pane.locator(".side").all_inner_texts() == [""] * 4 and pane.locator(".scale").inner_text() == ""
    scan, heat = page.locator(VIEWER).evaluate("""node => {
      const { viewer } = node.parentElement ?? node.parentNode, { scan, map } = viewer.data.pictures[1];
      return [scan, map].map(each => each.url.split('/').at(-1));
    }""")
    held[scan].continue_()
    page.get_by_text("The map is being loaded.").wait_for()
    assert any(page.locator(f"{VIEWER} canvas").first.evaluate(READ)["pixels"])
    held[heat].continue_()
    page.locator(HEATMAP).wait_for()
    assert page.get_by_text("being loaded").count() == 0


def test_a_picture_of_any_size_fills_its_square(page):
    """A fresh canvas is 300 x 150 pixels large."""
    open_sample(page)
    sizes = page.locator(VIEWER).evaluate("""node => {
      const viewer = (node.parentElement ?? node.parentNode).viewer;
      const pane = new viewer.panes[0].constructor(viewer);
      pane.stage.style.width = '300px';
      viewer.grid.append(pane.node);
      pane.resize();
      const sizes = [pane.stage.clientWidth, pane.canvas.width, pane.canvas.height];
      pane.remove();
      return sizes;
    }""")
    assert sizes == [300, 300, 300]


def zoom_of(page, css: str = VIEWER) -> float:
    return float(page.locator(css).first.get_attribute("data-zoom"))


def middle(page, css: str) -> tuple[float, float]:
    box = page.locator(css).first.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, start: tuple[float, float], right: float, down: float, button: str = "left") -> None:
    page.mouse.move(*start)
    page.mouse.down(button=button)
    page.mouse.move(start[0] + right / 2, start[1] + down / 2)
    page.mouse.move(start[0] + right, start[1] + down)
    page.mouse.up(button=button)


def set_control(page, label: str, value: str) -> None:
    """Set a slider of the viewer, as a drag does: one event of input."""
    page.locator(f".controls input[aria-label^='{label}']").evaluate(
        "(node, value) => { node.value = value; node.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )


@pytest.mark.parametrize(
    ("method", "title"), [("gradcam", "Grad-CAM"), ("integrated-gradients", "Integrated gradients")]
)
def test_the_pixels_on_the_screen_are_those_of_an_export(page, method, title):
    open_sample(page, f"&method={method}")
    page.locator(f"{HEATMAP} .title", has_text=title).wait_for()
    scan = phantom(*SAMPLES["Phantom 2: meningioma-like"]).scan
    explanation = explain(Request(load_model(MODEL), scan, method))
    set_control(page, "Threshold", "30")
    set_control(page, "Opacity", "70")
    page.locator(f"{HEATMAP}[data-look^='0.7 0.3']").wait_for()
    for contours in (False, True):
        if contours:
            page.locator("select[aria-label=Display]").select_option("Contours")
            page.locator(f"{HEATMAP}[data-look^='0.7 0.3 true']").wait_for()
        read = page.locator(f"{HEATMAP} canvas").evaluate(READ)
        side, pixels = read["side"], np.reshape(read["pixels"], (read["side"], read["side"], 4))[..., :3]
        rendering = Rendering(opacity=0.7, threshold=0.3, contours=contours, side_letters=False)
        picture = draw(scan, explanation, rendering, side=side).picture
        apart = np.abs(pixels.astype(int) - picture).max(axis=-1)
        coloured = np.ptp(picture.astype(int), axis=-1) > 8
        assert coloured.any() and np.median(apart[~coloured]) == 0
        if contours:  # the lines of OpenCV and of the browser lie within a pixel or two of each other
            mine = np.ptp(pixels, axis=-1) > 8
            assert 0.5 < mine.sum() / coloured.sum() < 2 and apart.mean() < 3
        else:
            assert apart.mean() < 0.5 and np.mean(apart > 12) < 0.01


def test_a_threshold_above_every_contour_is_noted_beside_the_picture(page):
    open_sample(page)
    set_control(page, "Threshold", "90")
    page.locator(f"{HEATMAP}[data-look^='0.5 0.9 false']").wait_for()
    note = page.get_by_text("Nothing is drawn: the map reaches no contour above the threshold.")
    assert note.count() == 0
    page.locator("select[aria-label=Display]").select_option("Contours")
    note.wait_for()
    set_control(page, "Threshold", "75")
    note.wait_for(state="detached")


def test_the_mouse_zooms_pans_and_sets_the_window_of_both_pictures(page):
    upload(page, DICOM)
    page.locator(HEATMAP).wait_for()
    settle(page)
    left, right = middle(page, f"{VIEWER} .pane[data-kind=scan] .stage"), middle(page, f"{HEATMAP} .stage")
    page.mouse.move(*left)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -400)
    page.keyboard.up("Control")
    page.locator(f"{VIEWER}:not([data-zoom='1.000'])").wait_for()
    assert zoom_of(page) > 2
    before = page.locator(f"{VIEWER} canvas").first.evaluate(READ)["pixels"]
    drag(page, right, 60, 40, "middle")
    page.wait_for_timeout(300)
    assert page.locator(f"{VIEWER} canvas").first.evaluate(READ)["pixels"] != before  # linked
    before = page.locator(VIEWER).get_attribute("data-window")
    drag(page, right, 80, 30, "right")
    page.locator(f"{VIEWER}:not([data-window='{before}'])").wait_for()
    page.wait_for_timeout(600)
    settle(page, maps=False)
    chosen = page.locator(VIEWER).get_attribute("data-window")
    page.mouse.dblclick(*right)
    page.locator(f"{VIEWER}[data-zoom='1.000']").wait_for()
    page.get_by_role("button", name="Measure").click()
    page.locator(f"{VIEWER} .stage").first.scroll_into_view_if_needed()
    drag(page, middle(page, f"{VIEWER} .pane[data-kind=scan] .stage"), 100, 0)
    length = page.locator(f"{VIEWER} .length").first
    length.wait_for()
    side = page.locator(f"{VIEWER} .stage").first.bounding_box()["width"]
    assert length.text_content().endswith(" mm")
    assert float(length.text_content()[:-3]) == pytest.approx(100 / side * 128 * 0.5, abs=1)
    go_to(page, "Compare models")
    page.locator(f".viewer[data-group=compare][data-window='{chosen}']").first.wait_for()


def test_wheel_and_keys_step_through_slices_and_the_last_position_wins(page):
    upload(page, VOLUME)
    page.locator(HEATMAP).wait_for()
    settle(page)
    assert page.locator(VIEWER).get_attribute("data-place") == "12"
    page.mouse.move(*middle(page, f"{HEATMAP} .stage"))
    page.mouse.wheel(0, 120)
    page.locator(f"{VIEWER}[data-place='13']").wait_for()
    page.mouse.move(5, 5)
    page.locator("input[aria-label='Opacity (%)']").focus()  # a slider that has the focus takes no key away
    for _ in range(8):
        page.keyboard.press("n")
    page.locator(f"{VIEWER}[data-place='21']").wait_for()
    for _ in range(3):
        page.keyboard.press("p")
    wait_until(page, "document.querySelector('input[type=range][aria-label=Slice]')?.value == 19")
    page.locator(f"{HEATMAP}[data-place='18']").wait_for()
    settle(page)
    assert page.locator(VIEWER).get_attribute("data-place") == "18" and "slice=19" in page.url
    stage = page.locator(f"{HEATMAP} .stage")
    stage.focus()
    page.keyboard.press("Home")
    wait_until(page, "document.querySelector('input[type=range][aria-label=Slice]')?.value == 1")
    assert page.locator(VIEWER).get_attribute("data-place") == "0"


def test_opacity_threshold_and_zoom_run_nothing_on_the_server_and_send_no_picture_again(page):
    sent, asked = [], []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.on("request", lambda request: asked.append(request.url) if "/media/" in request.url else None)
    open_sample(page)
    page.wait_for_timeout(500)
    before, fetched = len(sent), len(asked)
    for label, last in (("Opacity", 77), ("Threshold", 38)):  # as a drag: many changes without a pause
        page.locator(f".controls input[aria-label^='{label}']").evaluate(
            """(node, last) => {
              for (let value = last - 30; value <= last; value++) {
                node.value = value;
                node.dispatchEvent(new Event('input', { bubbles: true }));
              }
            }""",
            last,
        )
    page.mouse.move(*middle(page, f"{HEATMAP} .stage"))
    page.mouse.dblclick(*middle(page, f"{HEATMAP} .stage"))
    page.locator(f"{HEATMAP}[data-look^='0.77 0.38']").wait_for()
    page.wait_for_timeout(1500)
    settle(page)
    assert len(sent) - before <= 2  # the last value, once the reader has paused
    assert len(asked) == fetched


def test_a_picture_can_be_reached_by_key_and_says_what_it_shows(page):
    open_sample(page)
    stage = page.locator(f"{HEATMAP} .stage")
    words = stage.get_attribute("aria-label")
    assert "Grad-CAM" in words and "Meningioma" in words and "row" in words
    stage.focus()
    page.keyboard.press("+")
    page.locator(f"{VIEWER}[data-zoom='1.250']").wait_for()
    page.keyboard.press("1")
    page.wait_for_timeout(500)
    side, rows = stage.bounding_box()["width"], phantom(*SAMPLES["Phantom 2: meningioma-like"]).scan.shape[0]
    assert zoom_of(page) * side == pytest.approx(rows, rel=0.01)  # smaller than its pane
    page.keyboard.press("0")
    page.locator(f"{VIEWER}[data-zoom='1.000']").wait_for()
    preset = page.locator("select[aria-label='Window preset']")
    preset.focus()
    page.keyboard.press("h")  # the letter goes to the list that has the focus
    page.wait_for_timeout(300)
    assert page.get_by_role("button", name="Hide the heatmap").count() == 1


@pytest.mark.slow
def test_all_pictures_of_the_compare_page_are_linked(page):
    open_sample(page)
    go_to(page, "Compare models")
    panes = page.locator(".viewer[data-group=compare] .pane[data-drawn*=' map-']")
    panes.nth(2).wait_for()
    page.mouse.move(*middle(page, ".viewer[data-group=compare] .pane[data-drawn*=' map-'] .stage"))
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    page.wait_for_timeout(800)
    zooms = page.locator(".viewer[data-group=compare]").evaluate_all("all => all.map(node => node.dataset.zoom)")
    assert len(zooms) >= 4 and len(set(zooms)) == 1 and float(zooms[0]) > 1
    assert page.locator(".viewer[data-group=compare] .cross").count() >= 2  # the pointer, in the others
    overlap = page.locator(".viewer[data-group=compare] .pane[data-kind=regions][data-drawn*=' labels-']")
    overlap.wait_for()
    words = overlap.locator(".key").all_inner_texts()
    assert [text.split(":")[0] for text in words] == ["Both maps", "Only A", "Only B"]
    pixels = np.reshape(overlap.locator("canvas").evaluate(READ)["pixels"], (-1, 4))[:, :3].astype(int)
    inks = np.array(list(COLOURS.values()))
    grey = np.ptp(pixels, axis=-1) <= 1
    shade = (pixels[~grey][:, None] - 0.6 * inks) / 0.4  # of the scan below, were it each of the three inks
    blended = ((np.ptp(shade, axis=-1) < 8) & (shade.min(axis=-1) > -4) & (shade.max(axis=-1) < 259)).any(axis=-1)
    assert 0.005 < np.mean(~grey) < 0.5 and blended.mean() > 0.7  # the others are outlines


def test_the_region_of_what_if_is_drawn_and_moved_with_the_mouse(page):
    open_sample(page)
    stage = page.locator(".viewer[data-group='what if'] .stage").first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    drag(page, (box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"]), 0.2 * box["width"], 0.2 * box["height"])
    page.get_by_text("With the region removed").first.wait_for()
    settle(page)
    names = ("Row", "Column", "Height", "Width")
    values = {name: int(page.locator(f"input[aria-label={name}]").first.input_value()) for name in names}
    assert values == pytest.approx({"Row": 128, "Column": 77, "Height": 51, "Width": 51}, abs=2)
    box = stage.bounding_box()
    drag(page, (box["x"] + 0.4 * box["width"], box["y"] + 0.6 * box["height"]), 0.1 * box["width"], 0)
    column = "Number(document.querySelector('input[aria-label=Column]').value)"
    wait_until(page, f"{column} > {values['Column'] + 20}")
    settle(page)
    assert int(page.locator("input[aria-label=Width]").first.input_value()) == values["Width"]
