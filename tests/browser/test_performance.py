"""A click in a confusion matrix lists the scans of that cell, in a real browser."""

import pytest

from model_zoo import models
from tests.browser.widgets import wait_until

pytestmark = pytest.mark.browser


def test_a_click_near_the_corner_of_a_cell_lists_its_scans(page):
    names = next(iter(models().values())).names
    page.get_by_role("link", name="Model performance").click()
    page.get_by_text("Table by class").wait_for()  # the end of the first tab: nothing moves any more
    page.get_by_role("tab", name="Confusion matrix").click()
    page.get_by_text("Click a cell").wait_for()
    plot = page.locator(".js-plotly-plot .nsewdrag")
    wait_until(page, "document.querySelectorAll('.js-plotly-plot .nsewdrag').length == 1")  # the first tab's go
    for truth, predicted in ((0, 1), (2, 2)):
        page.wait_for_timeout(1000)  # plotly draws anew after the list below it has changed
        box = plot.bounding_box()
        x = box["x"] + box["width"] * (predicted + 0.9) / len(names)
        y = box["y"] + box["height"] * (truth + 0.1) / len(names)
        page.mouse.move(x - 3, y)
        page.mouse.click(x, y)
        page.get_by_text(f"{names[truth]} predicted as {names[predicted]}:").first.wait_for()
