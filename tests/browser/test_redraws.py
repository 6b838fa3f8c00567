"""Does a component show the newest redraw of its page, whatever order the browser finishes its loads in?"""

import pytest

from pages.viewer.in_browser import joined

pytestmark = pytest.mark.browser

MODULE = joined("""
export default drawNewest(
  ({ data, parentElement }) => parentElement.drawn.push(data),
  parent => parent.drawn.push("removed"),
);
""")
# As Streamlit 1.67 does: each redraw imports the module and calls it, and what a newer one has overtaken is undone.
# The comment at the end makes the module slow to load, so that the redraws come before it is there.
REDRAW = """async ([source, redraws]) => {
  const parent = document.createElement("div"), order = [];
  parent.drawn = [];
  document.body.append(parent);
  const blob = new Blob([source, "\\n//", "x".repeat(50_000)], { type: "text/javascript" });
  const address = URL.createObjectURL(blob);
  let newest = 0, undo;
  await Promise.all(Array.from({ length: redraws }, async (_, k) => {
    const number = newest = k + 1;
    const module = await import(address);
    order.push(number);
    const cleanup = await module.default({ data: number, parentElement: parent });
    if (number === newest) undo = cleanup;
    else await Promise.resolve().then(cleanup);
  }));
  await new Promise(done => setTimeout(done, 5));
  const shown = [...parent.drawn];
  parent.remove();
  undo();
  return { order, shown, after: parent.drawn };
}"""


def test_redraws_that_come_while_a_component_loads_end_with_the_newest(page):
    runs = [page.evaluate(REDRAW, [MODULE, 3]) for _ in range(40)]
    assert any(run["order"] != [1, 2, 3] for run in runs)  # what this is about: the browser does mix them up
    assert [run["shown"] for run in runs] == [[3]] * 40
    assert [run["after"] for run in runs] == [[3, "removed"]] * 40


def test_each_redraw_of_a_component_that_is_there_is_drawn(page):
    drawn = page.evaluate(
        """async source => {
          const parent = document.createElement("div");
          parent.drawn = [];
          document.body.append(parent);
          const { default: call } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
          for (const data of ["first", "second"]) call({ data, parentElement: parent });
          await new Promise(done => setTimeout(done, 5));
          return parent.drawn;
        }""",
        MODULE,
    )
    assert drawn == ["first", "second"]
