// The controls below the pictures, and the colour bar.

import { words } from "./annotations.js";
import { digits, h, twoDigits } from "./dom.js";
import { levelAndWidth, ownWindow } from "./group.js";
import { CONTOUR_LEVELS, lineColour } from "./paint.js";
import { pixelOfPoint, sliceUnder } from "./planes.js";

/** Return the controls of a viewer: `node`, and `show` which lets them say what holds now. */
export function controls(viewer) {
  const parts = [sliceTools(viewer), pictureTools(viewer), windowTools(viewer), mapTools(viewer)];
  return {
    node: h("div", { class: "controls" }, ...parts.map(part => part.node)),
    show: () => parts.forEach(part => part.show()),
  };
}

function tool(label, key, act, title) {
  return h("button", { type: "button", "aria-keyshortcuts": key, title: title ?? `${label} (${key})`, onclick: act }, label);
}

function row(name, ...children) {
  return h("div", { class: "row", role: "group", "aria-label": name }, ...children);
}

function labelled(label, input, help) {
  input.setAttribute("aria-label", label);
  return h("label", { title: help ?? "" }, h("span", {}, label), input);
}

function press(button, on) {
  button.setAttribute("aria-pressed", String(Boolean(on)));
}

function pictureTools(viewer) {
  const one = tool("1:1", "1", () => viewer.oneToOne(), "One pixel of the scan on one of the screen (1)");
  const fit = tool("Fit", "F", () => viewer.fit(), "Fit the whole picture (F, or double click)");
  const invert = tool("Invert", "I", () => viewer.invert());
  const measure = tool("Measure", "D", () => viewer.measure(), "Measure distances by dragging (D); Escape removes them");
  const closer = tool("+", "+", () => viewer.zoom(1.25), "Zoom in (+, or Ctrl and wheel)");
  const farther = tool("\u2212", "-", () => viewer.zoom(0.8), "Zoom out (-, or Ctrl and wheel)");
  closer.setAttribute("aria-label", "Zoom in");
  farther.setAttribute("aria-label", "Zoom out");
  const node = row("View", fit, one, closer, farther, invert, measure);
  return { node, show: () => { press(invert, viewer.group.invert); press(measure, viewer.group.measuring); } };
}

function windowTools(viewer) {
  const set = index => pair => {
    const scan = viewer.reference(), now = levelAndWidth(viewer.group, scan);
    now[index] = pair;
    viewer.setWindow(scan.window_key, [now[0], Math.max(now[1], 1e-6)]);
    viewer.settle();
  };
  const number = index => h("input", { type: "number", step: "any", onchange: event => {
    if (Number.isFinite(event.target.valueAsNumber)) set(index)(event.target.valueAsNumber);
    viewer.show();
  } });
  const level = number(0), width = number(1);
  const presets = h("select", { onchange: event => {
    const scan = viewer.reference(), preset = scan.presets[event.target.value];
    viewer.setWindow(scan.window_key, preset.own ? null : [preset.level, preset.width]);
    viewer.settle();
  } });
  let names = "";
  const show = () => {
    const scan = viewer.reference();
    if (!scan) return;
    const now = levelAndWidth(viewer.group, scan), own = ownWindow(scan), range = Math.abs(scan.span[1] - scan.span[0]);
    const step = range > 64 ? 1 : range / 256, joined = scan.presets.map(each => each.name).join();
    if (joined !== names) {
      names = joined;
      presets.replaceChildren(...scan.presets.map((each, k) => h("option", { value: k }, each.name)),
        h("option", { value: "", disabled: true }, "Set by hand"));
    }
    const near = (a, b) => Math.abs(a - b) < step / 2 + range * 1e-6;
    const chosen = scan.presets.findIndex(each => each.own ? near(own[0], now[0]) && near(own[1], now[1])
      : near(each.level, now[0]) && near(each.width, now[1]));
    presets.value = chosen < 0 ? "" : String(chosen);
    for (const [input, value] of [[level, now[0]], [width, now[1]]]) {
      if (!input.matches(":focus")) input.value = digits(value, step).replace("\u2212", "-");
    }
  };
  const help = "Right drag: sideways for the width, up and down for the level. It changes the picture only: the model "
    + "always gets the file's own window.";
  return { node: row("Window", labelled("Window preset", presets, help), labelled("Level", level, help),
    labelled("Window", width, help)), show };
}

function mapTools(viewer) {
  const hide = tool("", "H", () => viewer.hide());
  const node = row("Map", hide), shown = [];
  const range = (name, control) => {
    const input = h("input", { type: "range", oninput: () => viewer.look({ [name]: input.valueAsNumber / control.scale }) });
    Object.assign(input, { min: control.low, max: control.high, step: control.step });
    const value = h("output");
    shown.push(() => {
      const now = (viewer.group.rendering[name] ?? control.usual) * control.scale;
      if (Math.abs(input.valueAsNumber - now) > 1e-9) input.value = now;
      value.textContent = Number(now.toFixed(1));
    });
    const label = labelled(control.label, input, control.help);
    label.firstChild.append(" ", value);
    return label;
  };
  const choice = (name, control) => {
    const input = h("select", { onchange: () => viewer.look({ [name]: control.kind === "choice"
      ? input.value === control.options[1] : input.value }) }, ...control.options.map(option =>
      h("option", { value: option }, option[0].toUpperCase() + option.slice(1))));
    shown.push(() => {
      const now = viewer.group.rendering[name];
      input.value = control.kind === "choice" ? control.options[Number(now)] : now;
    });
    return labelled(control.label, input, control.help);
  };
  const toggle = (name, control) => {
    const input = h("input", { type: "checkbox", onchange: () => viewer.look({ [name]: input.checked }) });
    shown.push(() => { input.checked = viewer.group.rendering[name]; });
    const label = labelled(control.label, input, control.help);
    label.classList.add("check");
    return label;
  };
  const kinds = { range, choice, "colour map": choice, toggle };
  const made = viewer.data.controls;
  for (const [name, control] of Object.entries(made)) node.append(kinds[control.kind](name, control));
  node.hidden = !Object.keys(made).length;
  return { node, show: () => {
    hide.textContent = `${viewer.group.shown ? "Hide" : "Show"} the ${viewer.data.words.map}`;
    hide.title = `${hide.textContent} (H)`;
    shown.forEach(each => each());
  } };
}

function sliceTools(viewer) {
  const previous = tool("Previous slice", "P", () => viewer.step(-1)), next = tool("Next slice", "N", () => viewer.step(1));
  const place = h("output", { "aria-live": "polite" });
  const node = row("Slices", previous, next, place);
  return { node, show: () => {
    const { volume } = viewer.group;
    node.hidden = !volume;
    if (!volume) return;
    place.textContent = `Slice ${viewer.group.place + 1} of ${volume.slices.length}`;
    previous.disabled = viewer.group.place <= 0;
    next.disabled = viewer.group.place >= volume.slices.length - 1;
  } };
}

/** Return the controls of three planes: what is under the cross-hair, and the way from there to the explained slice. */
export function planeTools(viewer) {
  const place = h("output", { class: "point", "aria-live": "polite" });
  const explain = h("button", { type: "button", onclick: () => viewer.explainHere() }, "Explain this slice");
  const back = h("button", { type: "button", onclick: () => viewer.goBack() }, "Back to the explained slice");
  const node = row("Planes", explain, back);
  return { node: h("div", { class: "controls" }, place, node), show: () => {
    const pane = viewer.panes[0], { group } = viewer;
    if (!pane?.drawn || !group.voxels) return;
    const [line, column] = pixelOfPoint(group, group.point, pane.spec.cut, pane.drawn);
    const text = `Cross-hair: ${words(pane, ...pane.point(pane.drawn, line, column))}`;
    if (place.textContent !== text) place.textContent = text;
    explain.disabled = [-1, group.place].includes(sliceUnder(group));
    back.disabled = sliceUnder(group) === group.place;
  } };
}

/** Draw the colours with their values as text; without a map there is none. */
export function showColourBar(node, viewer) {
  const pane = viewer.panes.find(each => each.peak), { bar } = viewer.data;
  const ready = viewer.group.rendering && viewer.ramps();
  node.hidden = !(bar && ready && viewer.group.shown && (pane || bar.several));
  if (node.hidden) return;
  const look = bar.several
    ? { ...viewer.group.rendering, against: bar.signed && viewer.group.rendering.against, colour: viewer.group.rendering.colour_map }
    : pane.look();
  const value = bar.several ? "" : twoDigits(pane.peak), lowest = look.against ? -1 : 0;
  const facts = JSON.stringify([look, value, bar]);
  if (node.dataset.facts === facts) return;
  node.dataset.facts = facts;
  const ends = look.against
    ? [[-1, `\u2212${value || "peak"}`, "against"], [-0.5, "50 %"], [0, "0", bar.unit], [0.5, "50 %"], [1, `+${value || "peak"}`, "for"]]
    : [[0, "0"], ...CONTOUR_LEVELS.map(share => [share, `${100 * share} %`]), [1, "peak", `${value} ${bar.unit}`.trim()]];
  const strip = h("canvas", { width: 512, height: 1, "aria-hidden": "true" }), context = strip.getContext("2d");
  for (let x = 0; x < 512; x++) {
    const level = lowest + (1 - lowest) * x / 511, at = 3 * Math.round(255 * Math.abs(level));
    const table = ready[level < 0 ? "against" : look.colour];
    if (Math.abs(level) < look.threshold || look.contours) continue;
    context.fillStyle = `rgb(${[0, 1, 2].map(c => Math.round(255 * table[at + c])).join(" ")})`;
    context.fillRect(x, 0, 1, 1);
  }
  const lines = look.contours ? CONTOUR_LEVELS.flatMap(share => look.against ? [share, -share] : [share])
    .filter(share => Math.abs(share) >= look.threshold) : [];
  node.replaceChildren(
    h("div", { class: "strip" }, strip, ...lines.map(share => h("i", {
      class: share < 0 ? "dashed" : "",
      style: `left:${100 * (share - lowest) / (1 - lowest)}%;color:${lineColour(ready, look.colour, share)}` }))),
    h("div", { class: "ends" }, ...ends.map(([level, first, second], k) => h("span", {
      style: `left:${100 * (level - lowest) / (1 - lowest)}%`,
      class: k === 0 ? "first" : k === ends.length - 1 ? "last" : "" }, first, second ? h("small", {}, second) : null))));
}
