"""Is every page drawn as it is meant, at every width, in both themes, and while the server works?"""

import pytest

from tests.browser.test_explain_scan import HEATMAP
from tests.browser.widgets import settle, wait_until

pytestmark = pytest.mark.browser

PAGES = ("", "?sample=phantom-2", "performance", "explanation_quality", "datasets", "site_calibration", "about")
# The contrast of the words of charts and pages with what lies behind them, as WCAG 2 defines it; the least of each.
CONTRAST = """() => {
  const of = colour => colour.match(/[\\d.]+/g).map(Number);
  const shine = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92
    : ((c + 0.055) / 1.055) ** 2.4).reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
  const back = shine(of(getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor));
  const words = [...document.querySelectorAll('.js-plotly-plot :is(.xtick, .ytick) text, .xtitle, .ytitle, h1, h3, p')];
  const seen = words.filter(node => node.textContent.trim() && node.getBoundingClientRect().width
    && !node.closest('button, [data-testid=stAlert], [data-testid=stCaptionContainer]'));
  return Math.min(...seen.map(node => {
    const style = getComputedStyle(node), front = shine(of(node.closest('svg') ? style.fill : style.color));
    return (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
  }));
}"""


@pytest.fixture
def visitor(browser, server):
    """A page that is opened at any address: Streamlit then asks for its own files below that address first, in vain."""
    context = browser.new_context(color_scheme="dark")
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    tab.goto(server)
    yield tab
    context.close()


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 820, 1440, 2560])
def test_no_page_is_wider_than_the_screen(visitor, server, width):
    page = visitor
    page.set_viewport_size({"width": width, "height": 900})
    for address in PAGES:
        page.goto(server + address)
        page.get_by_text("Candor is a research and teaching tool").wait_for()
        if "sample" in address:
            page.locator(HEATMAP).wait_for()
        settle(page, maps=False)
        main = "document.querySelector('[data-testid=stMain]')"
        assert page.evaluate(f"{main}.scrollWidth <= {main}.clientWidth"), address


@pytest.mark.parametrize("theme", ["Dark", "Light"])
def test_the_words_of_pages_and_charts_can_be_read_in_both_themes(visitor, server, theme):
    page = visitor
    page.evaluate(f"""localStorage.setItem("candorTheme", '"{theme}"')""")
    for address in ("?sample=phantom-2", "performance"):
        page.goto(server + address)
        page.locator(".js-plotly-plot .ytick text").first.wait_for()
        settle(page, maps=False)
        assert page.evaluate(CONTRAST) >= 4.5, address


@pytest.mark.parametrize("value", ["Dark", "{", "", "null"])
def test_a_stored_theme_that_cannot_be_read_leaves_the_page_in_the_dark_theme(visitor, server, value):
    page = visitor
    page.evaluate("value => localStorage.setItem('candorTheme', value)", value)
    page.goto(server)
    page.get_by_text("Candor is a research and teaching tool").wait_for()
    assert page.evaluate("localStorage.getItem('stActiveTheme-/-v2')") == '"Dark"'


def test_the_theme_that_was_chosen_last_holds_on_the_next_visit(visitor, server):
    page, own = visitor, "stActiveTheme-/-v2"  # where Streamlit writes what is chosen in its menu
    for theme in ("Light", "Dark", "Light", "Dark"):
        page.evaluate("([key, value]) => localStorage.setItem(key, value)", [own, f'"{theme}"'])
        page.mouse.click(5, 5)
        wait_until(page, f"""localStorage.getItem('candorTheme') === '"{theme}"'""", seconds=5)
    page.goto(server)
    assert page.evaluate(f"localStorage.getItem('{own}')") == '"Dark"'


def test_work_shows_itself_a_fifth_of_a_second_after_it_begins(page):
    """By a bar at the top that the browser draws by itself: a busy server cannot be late with it."""
    page.get_by_role("button", name="Phantom 2: meningioma-like", exact=True).wait_for()
    settle(page)
    bar = "getComputedStyle(document.querySelector('[data-testid=stApp]'), '::after')"
    assert page.evaluate(f"{bar}.content") == "none"
    page.evaluate(
        f"""() => {{
          const app = document.querySelector('[data-testid=stApp]');
          new MutationObserver(() => {{
            if (app.dataset.testScriptState !== 'notRunning') globalThis.bar ??= [{bar}.content, {bar}.animationDelay];
          }}).observe(app, {{ attributes: true, attributeFilter: ['data-test-script-state'] }});
        }}"""
    )
    page.get_by_role("button", name="Phantom 2: meningioma-like", exact=True).click()
    wait_until(page, "globalThis.bar")
    content, delays = page.evaluate("globalThis.bar")
    assert content == '""' and delays.split(", ")[0] == "0.2s"
    page.locator(HEATMAP).wait_for()
    settle(page)
    assert page.evaluate(f"{bar}.content") == "none"


def test_an_animation_that_runs_while_the_server_works_does_not_repaint_the_page(page):
    """A browser animates a transform and the opacity without repainting; the server may need the same processor."""
    settle(page)
    page.evaluate("document.querySelector('[data-testid=stApp]').dataset.testScriptState = 'running'")
    animated = page.evaluate(
        """() => document.getAnimations().filter(each => each.effect.getTiming().iterations === Infinity)
          .map(each => [...new Set(each.effect.getKeyframes().flatMap(Object.keys))])"""
    )
    without_repainting = {"transform", "opacity", "offset", "computedOffset", "easing", "composite"}
    assert animated and all(set(names) <= without_repainting for names in animated), animated


def test_stepping_through_scans_does_not_move_the_pictures(page):
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Phantom 1: glioma-like", exact=True).click()
    tops = []
    for place in range(1, 5):
        page.locator(".rail li[aria-selected=true]", has_text=f"Phantom {place}").wait_for()
        page.wait_for_timeout(500)
        settle(page)
        page.locator(HEATMAP).wait_for()
        tops.append(page.locator(f"{HEATMAP} .stage").bounding_box()["y"])
        page.keyboard.press("j")
    assert max(tops) - min(tops) <= 2, tops
