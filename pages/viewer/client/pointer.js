// Mouse, touch and wheel on a picture. Left: pans a picture that is zoomed in, measures, draws the region, or moves the
// cross-hair of the planes. Middle: pans. Right: window and level. Ctrl and wheel, or two fingers: zoom. Wheel, or one
// finger sideways: slices.

import { length, words } from "./annotations.js";
import { levelAndWidth, moveBy, redraw } from "./group.js";
import { pointOfPixel, setPoint } from "./planes.js";

const NOTCH = 60; // pixels of a wheel's way per slice: half a notch of a mouse
const SWIPE = 24; // pixels of a finger's way per slice
const GRIP = 10; // pixels around a corner of the region

/** Let a pane follow the pointer. */
export function follow(pane) {
  const { stage } = pane, fingers = new Map();
  let drag = null, wheel = 0;

  stage.addEventListener("wheel", event => {
    const { group, viewer } = pane;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      viewer.zoomAt(pane, Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.003)), ...pane.under(event));
      redraw(group, pane);
    } else if (pane.spec.cut || (pane.spec.follows && group.volume)) {
      event.preventDefault();
      wheel += event.deltaMode ? Math.sign(event.deltaY) * NOTCH : event.deltaY;
      const steps = Math.trunc(wheel / NOTCH);
      wheel -= steps * NOTCH;
      // A notch of a mouse is one slice, however far it reaches.
      const by = Math.abs(event.deltaY) >= 100 ? Math.sign(steps) : steps;
      if (by && pane.spec.cut) viewer.goThrough(pane, by);
      else if (by) viewer.step(by, pane);
    }
  }, { passive: false });

  stage.addEventListener("contextmenu", event => event.preventDefault());
  stage.addEventListener("dblclick", () => pane.viewer.fit());
  stage.addEventListener("auxclick", event => event.preventDefault());

  stage.addEventListener("pointerdown", event => {
    fingers.set(event.pointerId, event);
    stage.setPointerCapture(event.pointerId);
    if (event.button === 1) event.preventDefault(); // no scrolling by itself
    drag = fingers.size > 1 ? null : begin(pane, event);
  });

  stage.addEventListener("pointermove", event => {
    const { group } = pane, before = fingers.get(event.pointerId);
    if (event.pointerType !== "touch") point(pane, event);
    if (!before) return;
    if (fingers.size === 2) pinch(pane, fingers, event);
    else drag?.(event, event.clientX - before.clientX, event.clientY - before.clientY);
    fingers.set(event.pointerId, event);
    redraw(group, pane);
  });

  for (const name of ["pointerup", "pointercancel"]) {
    stage.addEventListener(name, event => {
      if (!fingers.delete(event.pointerId)) return;
      drag?.end?.(event);
      drag = null;
      pane.viewer.settle();
    });
  }
  stage.addEventListener("pointerleave", () => {
    pane.group.cursor = null;
    pane.viewer.read("");
    redraw(pane.group);
  });
}

function point(pane, event) {
  const [u, v] = pane.under(event);
  pane.group.cursor = { pane, u, v };
  pane.viewer.read(words(pane, u, v));
  redraw(pane.group, pane);
}

function begin(pane, event) {
  const { group, viewer } = pane, side = pane.stage.clientWidth;
  const pan = (_, right, down) => moveBy(pane.view, right / side, down / side);
  if (event.pointerType === "touch" && !pane.spec.boxed && !group.measuring && !pane.spec.cut) {
    if (group.zoom > 1) return pan;
    let way = 0;
    return (_, right) => {
      way += right;
      const steps = Math.trunc(way / SWIPE);
      way -= steps * SWIPE;
      if (steps) viewer.step(-steps, pane);
    };
  }
  if (event.button === 2) return window_(pane);
  if (event.button === 1) return pan;
  if (group.measuring) return measure(pane, event);
  if (pane.spec.boxed) return box(pane, event);
  if (pane.spec.cut) return moveCrossHair(pane, event);
  return pan;
}

function window_(pane) {
  const { group, viewer } = pane, scan = pane.drawn ?? pane.spec.scan;
  if (!scan || pane.spec.own_window) return null;
  let [level, width] = levelAndWidth(group, scan);
  const range = Math.abs(scan.span[1] - scan.span[0]), share = Math.min(range, 2 * width) / 400;
  return (_, right, down) => {
    width = Math.max(range / 512, width + right * share);
    level += down * share;
    viewer.setWindow(scan.window_key, [level, width], pane);
  };
}

function measure(pane, event) {
  if (!pane.drawn) return null;
  const { group } = pane, from = pane.under(event), one = { scan: pane.measured, from, to: from };
  group.measures.push(one);
  const drag = moved => {
    one.to = pane.under(moved);
    if (pane.drawn) pane.viewer.read(length(pane, pane.drawn, one.from, one.to));
  };
  drag.end = () => {
    const [a, b] = [pane.at(one.from), pane.at(one.to)];
    if (Math.hypot(a[0] - b[0], a[1] - b[1]) < 3) group.measures.splice(group.measures.indexOf(one), 1);
  };
  return drag;
}

/** Move the cross-hair: with a mouse from the press on, with a finger once it has moved sideways or was lifted. */
function moveCrossHair(pane, event) {
  const { group } = pane;
  const go = moved => {
    if (!pane.drawn || !group.voxels) return;
    setPoint(group, pointOfPixel(group, pane.pixel(pane.drawn, ...pane.under(moved)), pane.spec.cut, pane.drawn));
    redraw(group, pane);
  };
  if (event.pointerType !== "touch") go(event);
  const drag = moved => go(moved);
  drag.end = lifted => { if (lifted.type === "pointerup") go(lifted); };
  return drag;
}

/** Draw a region, or move the one there, or drag one of its corners. */
function box(pane, event) {
  const { viewer } = pane, scan = pane.spec.scan, start = pane.pixel(scan, ...pane.under(event));
  const old = viewer.box, side = pane.stage.clientWidth;
  const grip = GRIP / side / pane.group.zoom * Math.max(scan.rows, scan.columns);
  let anchor = start, moves = false;
  if (old) {
    const [top, left, height, width] = old, corners = [[top, left], [top, left + width], [top + height, left],
      [top + height, left + width]];
    const held = corners.findIndex(([r, c]) => Math.abs(r - start[0]) < grip && Math.abs(c - start[1]) < grip);
    if (held >= 0) anchor = corners[3 - held];
    else moves = start[0] > top && start[0] < top + height && start[1] > left && start[1] < left + width;
  }
  const drag = moved => {
    const now = pane.pixel(scan, ...pane.under(moved));
    viewer.box = moves ? shifted(old, now[0] - start[0], now[1] - start[1], scan) : between(anchor, now, scan);
  };
  drag.end = () => {
    if (viewer.box && viewer.box[2] && viewer.box[3]) viewer.change({ box: viewer.box });
    else viewer.box = old;
    redraw(pane.group, pane);
  };
  return drag;
}

export function between(a, b, { rows, columns }) {
  const edges = (k, most) => [Math.min(a[k], b[k]), Math.max(a[k], b[k])].map(e => Math.round(Math.min(most, Math.max(0, e))));
  const [top, bottom] = edges(0, rows), [left, right] = edges(1, columns);
  return [top, left, bottom - top, right - left];
}

export function shifted([top, left, height, width], down, right, { rows, columns }) {
  return [Math.round(Math.min(rows - height, Math.max(0, top + down))),
    Math.round(Math.min(columns - width, Math.max(0, left + right))), height, width];
}

function pinch(pane, fingers, event) {
  const side = pane.stage.clientWidth;
  const other = [...fingers].find(([id]) => id !== event.pointerId)[1], before = fingers.get(event.pointerId);
  const apart = ({ clientX, clientY }) => Math.hypot(clientX - other.clientX, clientY - other.clientY);
  pane.viewer.zoomAt(pane, apart(event) / Math.max(1, apart(before)),
    ...pane.under({ clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 }));
  moveBy(pane.view, (event.clientX - before.clientX) / 2 / side, (event.clientY - before.clientY) / 2 / side);
}
