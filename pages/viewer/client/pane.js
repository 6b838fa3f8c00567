// One picture: a scan, its map, and what is written and drawn over them.

import { arrayOf } from "./data.js";
import { digits, h, svg } from "./dom.js";
import { levelAndWidth, ownWindow, shares } from "./group.js";
import { bothColours, colourise, drawContours, windowed } from "./paint.js";
import { axis, extremes, placement, resample, smooth } from "./resample.js";

const LARGEST = 1280; // pixels of a canvas's side
const NICE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]; // of a scale bar

export class Pane {
  constructor(viewer) {
    this.viewer = viewer;
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.drawing = svg("svg", { "aria-hidden": "true" });
    this.sides = ["left", "right", "top", "bottom"].map(side => h("span", { class: `side ${side}` }));
    this.scale = h("div", { class: "scale" }, h("span"));
    this.note = h("div", { class: "note" });
    this.stage = h("div", { class: "stage", tabindex: "0", role: "application" },
      this.canvas, this.drawing, ...this.sides, this.scale, this.note);
    this.stage.setAttribute("aria-roledescription", "picture");
    this.caption = h("figcaption");
    this.node = h("figure", { class: "pane" }, this.stage, this.caption);
    this.made = {};
    this.stage.pane = this;
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(this.stage);
  }

  update(spec) {
    this.spec = spec;
    this.node.dataset.kind = spec.kind;
    this.stage.setAttribute("aria-label", spec.alt);
    this.caption.replaceChildren(
      ...(spec.title ? [h("span", { class: "title" }, spec.title)] : []),
      ...spec.lines.map(line => h("span", { class: "line" }, line)),
      ...spec.warnings.map(line => h("span", { class: "warning" }, line)));
    this.caption.hidden = !this.caption.childElementCount;
  }

  get group() {
    return this.viewer.group;
  }

  /** The scan that is seen now: another slice than that of the map while the reader steps on. */
  get scan() {
    const { volume, place } = this.group;
    if (!this.elsewhere) return this.spec.scan;
    const slice = volume.slices[place];
    return slice ? { ...volume.shared, ...slice } : null;
  }

  get elsewhere() {
    const { volume, place } = this.group;
    return Boolean(this.spec.follows && volume && place !== volume.place);
  }

  resize() {
    const css = this.stage.clientWidth;
    const side = Math.min(LARGEST, Math.round(css * devicePixelRatio));
    if (side > 0 && side !== this.canvas.width) {
      this.canvas.width = this.canvas.height = side;
      this.image = null;
    }
    if (this.spec) {
      this.stale = false;
      this.draw();
      this.viewer.show();
    }
  }

  /** Draw all of the picture; what is unchanged since the last time is not computed again. */
  draw() {
    const side = this.canvas.width, group = this.group, scan = this.scan;
    if (!this.stage.clientWidth || !side || !group.rendering) return;
    const again = () => { if (!this.gone) { this.draw(); this.viewer.show(); } };
    const pixels = scan && arrayOf(scan, again);
    this.node.classList.toggle("waiting", !pixels);
    if (!pixels) return;
    const mapped = this.spec.map && group.shown && !this.elsewhere ? this.spec.map : null;
    const values = mapped && arrayOf(mapped, again);
    const ramps = this.ramps(again);
    const grey = this.grey(scan, pixels, side);
    const levels = values && ramps ? this.levels(mapped, values, side) : null;
    const look = this.look();
    const context = this.canvas.getContext("2d");
    this.image ??= context.createImageData(side, side);
    const table = levels && this.kept("table", [look.colour], () => bothColours(ramps, look.colour));
    colourise(new Uint32Array(this.image.data.buffer), grey, levels, look, table);
    context.putImageData(this.image, 0, 0);
    if (levels && look.contours) drawContours(context, levels, side, look, ramps);
    this.peak = levels ? this.made.map.value.peak : null;
    this.drawn = scan;
    this.annotate(scan);
    this.node.dataset.drawn = `${scan.key} ${levels ? mapped.key : "no map"}`;
    this.node.dataset.place = scan.place ?? "";
    this.node.dataset.look = levels ? [look.opacity, look.threshold, look.contours, look.against, look.colour].join(" ") : "";
  }

  /** Return how the map is drawn, with the colour map that suits its signs. */
  look() {
    const { rendering } = this.group, signed = Boolean(this.spec.map?.signed), options = this.viewer.data.colour_maps;
    const fits = signed ? options.signed : [...options.plain, ...options.signed];
    const colour = fits.includes(rendering.colour_map) ? rendering.colour_map : fits[0];
    return { ...rendering, against: signed && rendering.against, colour };
  }

  ramps(again) {
    const { colours } = this.viewer.data, all = arrayOf(colours, again);
    return all && Object.fromEntries(colours.names.map((name, k) => [name, all.subarray(768 * k, 768 * (k + 1))]));
  }

  grey(scan, pixels, side) {
    const { zoom, x, y, invert } = this.group;
    const window = shares(this.spec.own_window ? ownWindow(scan) : levelAndWidth(this.group, scan), scan);
    const source = this.kept("grey", [scan.key, ...window, invert], () => windowed(pixels, window, invert));
    const view = [side, zoom, x, y, scan.rows, scan.columns, ...scan.spacing];
    return this.kept("view", [scan.key, ...window, invert, ...view], () => {
      const [across, down] = this.kept("axes", view, () => this.axes(scan, scan.rows, scan.columns, side, zoom, x, y));
      return resample(source, scan.columns, across, down, side, ...extremes(source), this.made.view?.value);
    });
  }

  levels(map, values, side) {
    const { zoom, x, y, rendering } = this.group;
    const sigma = this.spec.smoothed ? rendering.smoothing ?? map.sigma : map.sigma;
    const grid = this.kept("map", [map.key, sigma, side], () => this.prepared(map, values, sigma, side));
    return this.kept("levels", [map.key, sigma, side, zoom, x, y], () => {
      const [across, down] = this.axes(map, grid.rows, grid.columns, side, zoom, x, y);
      const out = this.made.levels?.value;
      return resample(grid.values, grid.columns, across, down, side, grid.low, grid.high,
        out?.length === side * side ? out : undefined);
    });
  }

  /** Return the map smoothed, as shares of the peak of its picture. */
  prepared(map, values, sigma, side) {
    const plain = { rows: map.rows, columns: map.columns, values: Float32Array.from(values, value => value / 32767) };
    const placed = placement(map.rows, map.columns, map.spacing, side);
    const grid = sigma > 0
      ? smooth(plain, [sigma / map.spacing[0], sigma / map.spacing[1]], placed.height < side, placed.width < side)
      : plain;
    const [low, high] = extremes(grid.values);
    const [across, down] = this.axes(map, grid.rows, grid.columns, side, 1, 0.5, 0.5);
    const seen = extremes(resample(grid.values, grid.columns, across, down, side, low, high));
    const peak = Math.max(-seen[0], seen[1]) || 1;
    return { ...grid, values: grid.values.map(v => v / peak), low: low / peak, high: high / peak,
      peak: peak * map.peak };
  }

  axes(picture, rows, columns, side, zoom, x, y) {
    const placed = placement(picture.rows, picture.columns, picture.spacing, side);
    const shrinks = placed.width * placed.height * zoom * zoom < rows * columns;
    return [axis(columns, placed.left, placed.width, side, zoom, x, shrinks),
      axis(rows, placed.top, placed.height, side, zoom, y, shrinks)];
  }

  kept(name, key, make) {
    const before = this.made[name], joined = key.join();
    if (before?.key !== joined) {
      const reusable = before?.value?.length === this.canvas.width ** 2;
      if (before && !reusable && name === "view") before.value = undefined;
      this.made[name] = { key: joined, value: make() };
    }
    return this.made[name].value;
  }

  /** Return the pixel (row, column, fractions of both) of a scan under a point of the square. */
  pixel(scan, u, v) {
    const placed = placement(scan.rows, scan.columns, scan.spacing, 1000);
    return [(v * 1000 - placed.top) / placed.height * scan.rows, (u * 1000 - placed.left) / placed.width * scan.columns];
  }

  /** Return the point of the square of a pixel, whose first one reaches from 0 to 1. */
  point(scan, row, column) {
    const placed = placement(scan.rows, scan.columns, scan.spacing, 1000);
    return [(placed.left + column / scan.columns * placed.width) / 1000,
      (placed.top + row / scan.rows * placed.height) / 1000];
  }

  /** Return the point of the square under the pointer. */
  under(event) {
    const box = this.stage.getBoundingClientRect(), { zoom, x, y } = this.group;
    return [x + ((event.clientX - box.left) / box.width - 0.5) / zoom,
      y + ((event.clientY - box.top) / box.height - 0.5) / zoom];
  }

  /** Return where a point of the square is on the screen, in pixels of the picture. */
  at([u, v]) {
    const { zoom, x, y } = this.group, side = this.stage.clientWidth;
    return [((u - x) * zoom + 0.5) * side, ((v - y) * zoom + 0.5) * side];
  }

  annotate(scan) {
    this.sides.forEach((node, k) => { node.textContent = scan.edges[k]; });
    this.showScale(scan);
    const { rendering, shown } = this.group, hidden = shown && this.peak && !this.look().against
      && this.made.map.value.high < rendering.threshold;
    this.note.textContent = this.elsewhere ? this.viewer.data.words.elsewhere
      : hidden ? "Nothing is drawn: all evidence for the class is weaker than the threshold." : this.spec.note;
    this.note.hidden = !this.note.textContent;
    const side = this.stage.clientWidth, shapes = [];
    this.drawing.setAttribute("viewBox", `0 0 ${side} ${side}`);
    if (!this.elsewhere) shapes.push(...this.marks(scan));
    for (const measure of this.group.measures.filter(each => each.scan === scan.key)) {
      shapes.push(...this.measured(scan, measure));
    }
    const { cursor } = this.group;
    if (cursor && cursor.pane !== this) {
      const [cx, cy] = this.at([cursor.u, cursor.v]);
      shapes.push(svg("path", { class: "cross", d: `M${cx} ${cy - 14}v10m0 8v10M${cx - 14} ${cy}h10m8 0h10` }));
    }
    this.drawing.replaceChildren(...shapes);
  }

  marks(scan) {
    const shapes = [];
    for (const mark of this.spec.marks) {
      if (mark.ring) {
        const [cx, cy] = this.at(this.point(scan, ...mark.ring));
        for (const halo of [true, false]) {
          shapes.push(svg("circle", { cx, cy, r: this.stage.clientWidth / 24, class: halo ? "halo" : "ring" }));
        }
        continue;
      }
      const d = mark.lines.map(line => `M${line.map(([row, column]) => this.at(this.point(scan, row, column))).join("L")}Z`);
      shapes.push(svg("path", { d: d.join(""), class: "halo" }), svg("path", { d: d.join(""), class: mark.style }));
    }
    const box = this.spec.boxed && this.viewer.box;
    if (box) {
      const [left, top] = this.at(this.point(scan, box[0], box[1]));
      const [right, bottom] = this.at(this.point(scan, box[0] + box[2], box[1] + box[3]));
      const d = `M${left} ${top}H${right}V${bottom}H${left}Z`;
      shapes.push(svg("path", { d, class: "halo" }), svg("path", { d, class: "region" }));
      for (const [x, y] of [[left, top], [right, top], [left, bottom], [right, bottom]]) {
        shapes.push(svg("rect", { x: x - 4, y: y - 4, width: 8, height: 8, class: "handle" }));
      }
    }
    return shapes;
  }

  measured(scan, { from, to }) {
    const [a, b] = [this.at(from), this.at(to)];
    const text = svg("text", { x: (a[0] + b[0]) / 2 + 8, y: (a[1] + b[1]) / 2 - 8, class: "length" });
    text.textContent = this.length(scan, from, to);
    const d = `M${a}L${b}`;
    return [svg("path", { d, class: "halo" }), svg("path", { d, class: "measure" }), text];
  }

  /** Return the distance of two points of the square in words: in mm where the file gives the size of a pixel. */
  length(scan, from, to) {
    const [a, b] = [this.pixel(scan, ...from), this.pixel(scan, ...to)], [down, across] = scan.spacing;
    const length = Math.hypot((b[0] - a[0]) * down, (b[1] - a[1]) * across);
    return `${length.toFixed(1)} ${scan.mm ? "mm" : "px"}`;
  }

  showScale(scan) {
    const side = this.stage.clientWidth;
    const placed = placement(scan.rows, scan.columns, scan.spacing, 1000);
    const one = placed.width / 1000 * side * this.group.zoom / (scan.columns * scan.spacing[1]); // screen pixels of 1
    const length = NICE.findLast(nice => nice * one <= side * 0.3) ?? NICE[0];
    this.scale.style.width = `${length * one}px`;
    this.scale.firstChild.textContent = `${length} ${scan.mm ? "mm" : "px"}`;
  }

  /** Return what is under a point of the square, in words: value, position in mm, pixel, slice. */
  words(u, v) {
    const scan = this.drawn;
    if (!scan) return "";
    const [row, column] = this.pixel(scan, u, v).map(Math.floor);
    if (row < 0 || column < 0 || row >= scan.rows || column >= scan.columns) return "";
    const pixels = arrayOf(scan);
    const step = Math.abs(scan.span[1] - scan.span[0]) > 64 ? 1 : Math.abs(scan.span[1] - scan.span[0]) / 256;
    const parts = [`row ${row}, column ${column}`];
    if (pixels) {
      const value = scan.span[0] + pixels[row * scan.columns + column] / 65535 * (scan.span[1] - scan.span[0]);
      parts.unshift(`value ${digits(value, step)}`);
    }
    const levels = this.made.levels?.value, side = this.canvas.width, [x, y] = this.at([u, v]);
    if (this.peak && levels) {
      const factor = side / this.stage.clientWidth;
      const level = levels[Math.floor(y * factor) * side + Math.floor(x * factor)];
      if (level !== undefined) parts.push(`map ${Math.round(100 * level)} % of its peak`.replace("-", "\u2212"));
    }
    if (scan.corner.length && scan.directions.length) parts.push(position(scan, row, column));
    if (scan.count > 1) parts.push(`slice ${scan.place + 1} of ${scan.count}`);
    return parts.join(" · ");
  }

  remove() {
    this.gone = true;
    this.watch.disconnect();
    this.node.remove();
  }
}

/** Return the place of a pixel in the patient: x grows to the left, y to the back, z to the head. */
function position({ corner, directions, spacing }, row, column) {
  const place = [0, 1, 2].map(k => corner[k] + column * spacing[1] * directions[k] + row * spacing[0] * directions[3 + k]);
  return place.map((value, k) => `${"RLAPIS"[2 * k + (value >= 0 ? 1 : 0)]} ${Math.abs(value).toFixed(1)}`).join(" ") + " mm";
}
