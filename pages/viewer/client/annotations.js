// What is written and drawn over a picture: its sides, scale, marks, region, lengths and cross-hairs.

import { pixelsOf } from "./data.js";
import { digits, svg } from "./dom.js";
import { CONTOUR_LEVELS } from "./paint.js";
import { layerOf, ofOpenSeries, pixelOfPoint } from "./planes.js";
import { placement } from "./resample.js";

const NICE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]; // of a scale bar
const GAP = 7; // pixels around the middle of a cross-hair, which hides nothing there

export function annotate(pane, scan) {
  pane.sides.forEach((node, k) => { node.textContent = scan.edges[k]; });
  showScale(pane, scan);
  const { group, spec } = pane;
  const isCut = spec.cut && spec.cut.through !== 0; // of which nothing is explained anywhere
  pane.note.textContent = isCut ? "" : pane.elsewhere ? pane.viewer.data.words.elsewhere ?? ""
    : pane.awaited ? `The ${pane.awaited} ${pane.awaited === "map" ? "is" : "are"} being loaded.`
    : group.shown && pane.peak && nothingDrawn(pane.look(), pane.made.map.value) || spec.note;
  pane.note.hidden = !pane.note.textContent;
  const side = pane.stage.clientWidth, shapes = [];
  pane.drawing.setAttribute("viewBox", `0 0 ${side} ${side}`);
  if (!pane.elsewhere) shapes.push(...marks(pane, scan));
  if (spec.cut) shapes.push(...crossHair(pane, scan, side));
  for (const measure of group.measures.filter(each => each.scan === pane.measured)) {
    shapes.push(...measured(pane, scan, measure));
  }
  const { cursor } = group;
  if (cursor && cursor.pane !== pane && !spec.cut && !cursor.pane.spec.cut) {
    const [cx, cy] = pane.at([cursor.u, cursor.v]);
    shapes.push(svg("path", { class: "cross", d: `M${cx} ${cy - 14}v10m0 8v10M${cx - 14} ${cy}h10m8 0h10` }));
  }
  pane.drawing.replaceChildren(...shapes);
}

/** Return the sentence for a map of which nothing is drawn, else "". */
function nothingDrawn({ threshold, contours, against }, { low, high }) {
  const highest = against ? Math.max(high, -low) : high;
  if (highest < threshold) return "Nothing is drawn: all evidence for the class is weaker than the threshold.";
  const line = contours && CONTOUR_LEVELS.some(share => threshold <= share && share <= highest);
  return contours && !line ? "Nothing is drawn: the map reaches no contour above the threshold." : "";
}

/** Return the lines of the cross-hair, and in the two other planes that of the explained slice. */
function crossHair(pane, scan, side) {
  const { group, spec: { cut } } = pane, shapes = [];
  const place = point => pane.at(pane.point(scan, ...pixelOfPoint(group, point, cut, scan)));
  if (cut.through !== 0 && ofOpenSeries(group)) {
    const [x, y] = place([layerOf(group, group.place) + 0.5, group.point[1], group.point[2]]);
    const d = cut.down === 0 ? `M0 ${y}H${side}` : `M${x} 0V${side}`;
    shapes.push(svg("path", { d, class: "halo" }), svg("path", { d, class: "explained" }));
  }
  const [x, y] = place(group.point);
  const d = `M0 ${y}H${x - GAP}M${x + GAP} ${y}H${side}M${x} 0V${y - GAP}M${x} ${y + GAP}V${side}`;
  return [...shapes, svg("path", { d, class: "hair" })];
}

function marks(pane, scan) {
  const shapes = [];
  for (const mark of pane.spec.marks) {
    if (mark.ring) {
      const [cx, cy] = pane.at(pane.point(scan, ...mark.ring));
      for (const halo of [true, false]) {
        shapes.push(svg("circle", { cx, cy, r: pane.stage.clientWidth / 24, class: halo ? "halo" : "ring" }));
      }
      continue;
    }
    const d = mark.lines.map(line => `M${line.map(([row, column]) => pane.at(pane.point(scan, row, column))).join("L")}Z`);
    shapes.push(svg("path", { d: d.join(""), class: "halo" }), svg("path", { d: d.join(""), class: mark.style }));
  }
  const box = pane.spec.boxed && pane.viewer.box;
  if (box) {
    const [left, top] = pane.at(pane.point(scan, box[0], box[1]));
    const [right, bottom] = pane.at(pane.point(scan, box[0] + box[2], box[1] + box[3]));
    const d = `M${left} ${top}H${right}V${bottom}H${left}Z`;
    shapes.push(svg("path", { d, class: "halo" }), svg("path", { d, class: "region" }));
    for (const [x, y] of [[left, top], [right, top], [left, bottom], [right, bottom]]) {
      shapes.push(svg("rect", { x: x - 4, y: y - 4, width: 8, height: 8, class: "handle" }));
    }
  }
  return shapes;
}

function measured(pane, scan, { from, to }) {
  const [a, b] = [pane.at(from), pane.at(to)];
  const text = svg("text", { x: (a[0] + b[0]) / 2 + 8, y: (a[1] + b[1]) / 2 - 8, class: "length" });
  text.textContent = length(pane, scan, from, to);
  const d = `M${a}L${b}`;
  return [svg("path", { d, class: "halo" }), svg("path", { d, class: "measure" }), text];
}

/** Return the distance of two points of the square in words: in mm where the file gives the size of a pixel. */
export function length(pane, scan, from, to) {
  const [a, b] = [pane.pixel(scan, ...from), pane.pixel(scan, ...to)], [down, across] = scan.spacing;
  return `${Math.hypot((b[0] - a[0]) * down, (b[1] - a[1]) * across).toFixed(1)} ${scan.mm ? "mm" : "px"}`;
}

function showScale(pane, scan) {
  const side = pane.stage.clientWidth;
  const placed = placement(scan.rows, scan.columns, scan.spacing, 1000, scan.field);
  const one = placed.width / 1000 * side * pane.view.zoom / (scan.columns * scan.spacing[1]); // screen pixels of 1
  const nice = NICE.findLast(each => each * one <= side * 0.3) ?? NICE[0];
  pane.scale.style.width = `${nice * one}px`;
  pane.scale.firstChild.textContent = `${nice} ${scan.mm ? "mm" : "px"}`;
}

/** Return what is under a point of the square, in words: value, position in mm, pixel, slice. */
export function words(pane, u, v) {
  const scan = pane.drawn;
  if (!scan) return "";
  const [row, column] = pane.pixel(scan, u, v).map(Math.floor);
  if (row < 0 || column < 0 || row >= scan.rows || column >= scan.columns) return "";
  const pixels = pixelsOf(scan), range = Math.abs(scan.span[1] - scan.span[0]);
  const parts = scan.cut ? [] : [`row ${row}, column ${column}`];
  if (pixels) {
    const value = scan.span[0] + pixels[row * scan.columns + column] / 65535 * (scan.span[1] - scan.span[0]);
    parts.unshift(`value ${digits(value, range > 64 ? 1 : range / 256)}`);
  }
  const levels = pane.made.levels?.value, side = pane.canvas.width, [x, y] = pane.at([u, v]);
  if (pane.peak && levels) {
    const factor = side / pane.stage.clientWidth;
    const level = levels[Math.floor(y * factor) * side + Math.floor(x * factor)];
    if (level !== undefined) parts.push(`map ${Math.round(100 * level)} % of its peak`.replace("-", "\u2212"));
  }
  if (scan.corner.length && scan.directions.length) parts.push(position(scan, row, column));
  if (scan.count > 1) parts.push(`slice ${scan.place + 1} of ${scan.count}`);
  return parts.join(" · ");
}

/** Return the place of a pixel in the patient: x grows to the left, y to the back, z to the head. */
function position({ corner, directions, spacing }, row, column) {
  const place = [0, 1, 2].map(k => corner[k] + column * spacing[1] * directions[k] + row * spacing[0] * directions[3 + k]);
  return place.map((value, k) => `${"RLAPIS"[2 * k + (value >= 0 ? 1 : 0)]} ${Math.abs(value).toFixed(1)}`).join(" ") + " mm";
}
