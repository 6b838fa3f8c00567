"""What every widget on a page shows, read from the browser, and how to change each of them."""

import re
from collections.abc import Collection
from contextlib import suppress

from playwright.sync_api import TimeoutError

CALM = "[data-testid=stApp][data-test-script-state=notRunning]"

# Keys are "kind: label", numbered where a label stands there twice. Upload fields and buttons hold no value.
_READ = """() => {
  const values = {};
  const add = (kind, label, value) => {
    let key = `${kind}: ${label}`, number = 1;
    while (key in values) key = `${kind}: ${label} (${++number})`;
    values[key] = value;
  };
  const seen = css => [...document.querySelectorAll(css)].filter(node => node.offsetParent !== null);
  const text = node => node ? node.innerText.trim() : '';
  const label = node => text(node.querySelector('[data-testid=stWidgetLabel] [data-testid=stMarkdownContainer]'));
  for (const node of seen('[data-testid=stSlider]'))
    for (const input of node.querySelectorAll('input[type=range]')) add('slider', label(node), input.value);
  for (const node of seen('[data-testid=stSelectbox]'))
    add('selectbox', label(node), node.querySelector('input').value);
  for (const node of seen('[data-testid=stMultiSelect]'))
    add('multiselect', label(node), [...node.querySelectorAll('[data-tag]')].map(tag => tag.ariaLabel).join(' | '));
  for (const node of seen('[data-testid=stNumberInput]')) add('number', label(node), node.querySelector('input').value);
  for (const node of seen('[data-testid=stCheckbox]')) add('toggle', text(node), node.querySelector('input').checked);
  for (const node of seen('[data-testid=stButtonGroup]'))
    add('group', label(node), text(node.querySelector('[role=radio][aria-checked=true]')));
  for (const node of seen('[role=tablist]')) {
    const names = [...node.querySelectorAll('[role=tab]')].map(text);
    add('tabs', names.join(' / '), text(node.querySelector('[role=tab][aria-selected=true]')));
  }
  for (const { shadowRoot } of document.querySelectorAll('[data-testid=stBidiComponentIsolated]'))
    for (const node of shadowRoot.querySelectorAll('.controls input, .controls select'))
      if (node.offsetParent !== null)
        add('viewer', node.ariaLabel, node.type === 'checkbox' ? node.checked : node.value);
  return values;
}"""


def settle(page, maps: bool = True) -> None:
    """Wait until no script runs and none is about to; with `maps` also until every map is there.

    A skeleton holds the place of a widget whose script the browser has not loaded yet.
    """
    unfinished = "[data-testid=stSkeleton], [data-testid=stProgress]" if maps else "[data-testid=stSkeleton]"
    for _ in range(200):
        page.locator(CALM).wait_for()
        page.wait_for_timeout(150)
        if page.locator(CALM).count() and not page.locator(unfinished).count():
            return
    raise AssertionError("the page never comes to rest")


def wait_until(page, expression: str, seconds: int = 60) -> None:
    """Wait until a JavaScript expression is true; the page's own policy forbids what Playwright has for that."""
    for _ in range(10 * seconds):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never true: {expression}")


def widget_values(page, maps: bool = True) -> dict[str, object]:
    """Return what each visible widget shows, by kind and label."""
    values = None
    for _ in range(40):  # a page that was just opened may still be drawn
        settle(page, maps)
        before, values = values, page.evaluate(_READ)
        if values == before:
            break
    return values


def assert_widgets(page, expected: dict[str, object]) -> None:
    """Fail if the widgets do not come to show what is expected; a busy machine may take some seconds to draw them."""
    for _ in range(30):
        values = widget_values(page, maps=False)
        if values == expected:
            return
        page.wait_for_timeout(500)
    differing = {key: (expected.get(key), values.get(key)) for key in expected.keys() | values.keys()}
    raise AssertionError({key: pair for key, pair in differing.items() if pair[0] != pair[1]})


PAGES = ("Compare models", "Model performance", "Site calibration", "Datasets", "Explanation quality", "About")


def go_to(page, name: str) -> None:
    """Open a page by its link, and wait until it stands; its maps may still be on their way."""
    page.get_by_role("link", name=name, exact=True).click()
    page.wait_for_timeout(300)
    settle(page, maps=False)


def change_every_widget(page, but: Collection[str] | None = None) -> list[str]:
    """Change each slider, choice, toggle and number on the page, one after the other; return the labels.

    The scan, its plane, the model and the methods stay, for what else there is depends on them. What opens another part
    of the page comes last. A label that stands there twice, or none, is passed over; with `but` so are its labels and
    the tabs.
    """
    fixed = ("", "Scan", "Plane", "Model", "Method", "Models", "Methods", "Dataset")
    found = [label for label in widget_values(page, maps=False) if not re.search(r" \(\d\)$", label)]
    if but is not None:
        found = [label for label in found if label not in but and not label.startswith("tabs")]
    found.sort(key=lambda label: label.startswith(("tabs", "group: View")))
    labels = []
    for label in found:
        kind, _, name = label.partition(": ")
        settle(page, maps=kind == "selectbox")  # maps that come one by one draw their part anew, and close an open list
        if name.strip() not in fixed and _change(page, kind, name):
            labels.append(label)
            settle(page, maps=False)
    return labels


def _choose_another(page, box) -> bool:
    """Choose what is not chosen in a list; a part of the page that is drawn anew at that moment closes it again."""
    options = page.get_by_role("option")
    for _ in range(4):
        box.click()
        with suppress(TimeoutError):
            options.first.wait_for(timeout=10_000)
            other = [k for k in range(options.count()) if options.nth(k).get_attribute("aria-selected") != "true"]
            if not other:
                page.keyboard.press("Escape")
                return False
            options.nth(other[0]).click(timeout=10_000)
            return True
        settle(page, maps=False)
    raise AssertionError("the list never stays open")


def _change(page, kind: str, name: str) -> bool:
    """Change one widget; return whether it could be."""
    if kind == "slider":
        slider = page.locator(f"input[type=range][aria-label='{name}']").first
        at_most = slider.input_value() == slider.get_attribute("max")
        slider.press("ArrowLeft" if at_most else "ArrowRight")
    elif kind == "selectbox":
        box = page.get_by_role("combobox", name=name, exact=True).first
        return _choose_another(page, box)
    elif kind == "number":
        field = page.get_by_label(name, exact=True).first
        field.fill("9")
        field.press("Enter")
    elif kind == "viewer":
        _change_in_viewer(page.locator(f".controls [aria-label='{name}']:is(input, select)").first)
    elif kind == "toggle":
        page.locator("label", has_text=name).first.click()
    elif kind in ("group", "tabs"):
        inside = page.get_by_role("radiogroup", name=name) if kind == "group" else page.get_by_role("tablist").first
        inside.get_by_role("radio" if kind == "group" else "tab").last.click()
    else:
        return False
    return True


def _change_in_viewer(control) -> None:
    """Change a control of the viewer, and let its pause pass, after which the page knows of it."""
    if control.evaluate("node => node.tagName") == "SELECT":
        control.select_option(index=(control.evaluate("node => node.selectedIndex") + 1) % 2)
    elif control.get_attribute("type") == "checkbox":
        control.click()
    elif control.get_attribute("type") == "number":
        control.fill(str(round(0.9 * float(control.input_value()) + 1)))
        control.press("Enter")
    else:
        control.press("ArrowLeft" if control.input_value() == control.get_attribute("max") else "ArrowRight")
    control.page.wait_for_timeout(600)
