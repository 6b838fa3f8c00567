"""Does a link show another reader the same, does Back go one step, does a reload ask, is the theme remembered?"""

import pytest

from tests.browser.test_explain_scan import HEATMAP, upload
from tests.browser.test_page_changes import HEAD
from tests.browser.widgets import go_to, settle, wait_until
from tests.good_files import png

pytestmark = pytest.mark.browser

DARK, LIGHT = "rgb(13, 14, 16)", "rgb(247, 246, 242)"
BACKGROUND = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"


def test_a_link_shows_another_reader_the_same(page, browser):
    page.goto(f"{page.url}?sample=phantom-2&method=layercam&class=glioma&model=cnn3-kaggle4")
    page.locator(HEATMAP).wait_for()
    settle(page)
    context = browser.new_context(viewport=page.viewport_size, color_scheme="dark")
    other = context.new_page()
    other.goto(page.url)
    for each in (page, other):
        each.locator(f"{HEATMAP} .title", has_text="LayerCAM for Glioma").wait_for()
        settle(each)
    assert page.url == other.url and all(part in page.url for part in ("phantom-2", "layercam", "glioma", "cnn3"))
    drawn = [each.locator(HEATMAP).get_attribute("data-drawn") for each in (page, other)]
    assert drawn[0] == drawn[1]
    context.close()


def test_back_goes_one_page_or_one_sample_and_forward_returns(page):
    page.get_by_role("button", name="Phantom 2: meningioma-like", exact=True).click()
    page.locator(HEATMAP).wait_for()
    settle(page)
    page.keyboard.press("j")
    wait_until(page, "location.search == '?sample=phantom-3'")
    settle(page)
    page.keyboard.press("m")  # a method is no step
    page.locator(f"{HEATMAP} .title", has_text="Grad-CAM++").wait_for()
    settle(page)
    go_to(page, "About")
    for search, selected in (("phantom-3", "Phantom 3"), ("phantom-2", "Phantom 2")):
        page.go_back()
        wait_until(page, f"location.pathname == '/' && location.search.startsWith('?sample={search}')")
        page.locator(".rail li[aria-selected=true]", has_text=selected).wait_for()
        page.locator(HEATMAP).wait_for()
        settle(page)
    page.go_back()
    page.get_by_text("What did the model look at?").wait_for()
    wait_until(page, "location.search == ''")
    page.go_forward()
    page.locator(".rail li[aria-selected=true]", has_text="Phantom 2").wait_for()
    page.locator(HEATMAP).wait_for()


def test_a_reload_asks_before_uploads_go_and_only_then(page):
    asked = []

    def stay(dialog):
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.get_by_text("What did the model look at?").wait_for()
    page.mouse.click(5, 400)  # a browser asks only where somebody has done something
    page.reload()
    page.get_by_text("What did the model look at?").wait_for()
    assert asked == []
    upload(page, {"head.png": png(HEAD)})
    page.locator(HEATMAP).wait_for()
    settle(page)
    page.mouse.click(5, 400)
    go_to(page, "About")  # from there, too
    page.evaluate("setTimeout(() => location.reload())")
    page.wait_for_timeout(1500)
    assert asked == ["beforeunload"]
    go_to(page, "Explain a scan")
    page.locator(HEATMAP).wait_for()
    page.get_by_role("button", name="Remove the file").click()
    page.get_by_text("What did the model look at?").wait_for()
    settle(page)
    page.reload()
    page.get_by_text("What did the model look at?").wait_for()
    assert asked == ["beforeunload"]


def test_the_theme_is_dark_until_light_is_chosen_which_every_page_then_remembers(browser, server):
    context = browser.new_context(color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(server)
    page.get_by_text("What did the model look at?").wait_for()
    assert page.evaluate(BACKGROUND) == DARK
    page.locator("[data-testid=stMainMenu] button").click()
    page.locator("[data-testid=stMainMenuPopover]").get_by_text("Light").last.click()
    wait_until(page, f"{BACKGROUND} == '{LIGHT}'")
    page.wait_for_timeout(700)
    page.close()
    page = context.new_page()  # another session, at another address
    page.goto(f"{server}about")
    page.get_by_role("heading", name="About Candor").wait_for()
    assert page.evaluate(BACKGROUND) == LIGHT
    context.close()
