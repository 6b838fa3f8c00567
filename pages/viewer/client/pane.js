// One picture: a scan, and its map or its regions.

import { annotate } from "./annotations.js";
import { arrayOf, pixelsOf } from "./data.js";
import { h, svg } from "./dom.js";
import { levelAndWidth, ownWindow, shared, shares } from "./group.js";
import { bothColours, colourise, drawContours, drawOutline, fillRegions, windowed } from "./paint.js";
import { planeScan, sliceUnder } from "./planes.js";
import { axis, extremes, placement, resample, resampleGreys, smooth } from "./resample.js";

const LARGEST = 1280; // pixels of a canvas's side

export class Pane {
  constructor(viewer) {
    this.viewer = viewer;
    this.canvas = h("canvas", { width: 0, height: 0, "aria-hidden": "true" });
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
    this.ownView = { zoom: 1, x: 0.5, y: 0.5 };
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
      ...(spec.legend ?? []).map(({ ink, words }) => h("span", { class: "key" },
        h("i", { style: `background:rgb(${ink.join(" ")})`, "aria-hidden": "true" }), words)),
      ...spec.warnings.map(line => h("span", { class: "warning" }, line)));
    this.caption.hidden = !this.caption.childElementCount;
  }

  get group() {
    return this.viewer.group;
  }

  /** What part of the square is seen: a plane of a volume has a middle of its own. */
  get view() {
    return this.spec?.cut ? this.ownView : this.group;
  }

  /** The scan that is seen now: another slice than that of the map while the user steps on. */
  get scan() {
    const { volume, place } = this.group;
    if (this.spec.cut) return this.group.voxels ? planeScan(this.group, this.spec) : null;
    if (!this.elsewhere) return this.spec.scan;
    const slice = volume.slices[place];
    return slice ? { ...volume.shared, ...slice } : null;
  }

  /** True where another slice is seen than the one that is explained. */
  get elsewhere() {
    const { volume, place, voxels } = this.group;
    if (this.spec.cut) { // the slice of its own map: the page may be told of the next one before the planes are
      return this.spec.cut.through !== 0 || !voxels || sliceUnder(this.group) !== this.spec.place;
    }
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

  /** Draw all of the picture; what is unchanged since the last time is neither computed nor painted again. */
  draw() {
    const side = this.canvas.width, group = this.group, scan = this.scan;
    if (!this.stage.clientWidth || !side || !group.rendering) return;
    const again = () => { if (!this.gone) { this.draw(); this.viewer.show(); } };
    const pixels = scan && pixelsOf(scan, again);
    this.node.classList.toggle("waiting", !pixels);
    if (!pixels) {
      if (this.drawn?.window_key !== scan?.window_key) this.clear();
      return;
    }
    const seen = group.shown && !this.elsewhere;
    const mapped = seen && this.spec.map, parted = seen && this.spec.regions;
    const values = mapped && arrayOf(mapped, again), labels = parted && arrayOf(parted, again);
    const ramps = this.ramps(again);
    const greys = this.greys(scan, pixels, side);
    const levels = values && ramps ? this.levels(mapped, values, side, scan.field) : null;
    const regions = labels ? this.regions(parted, labels, side) : null;
    const look = this.look();
    this.peak = levels ? this.made.map.value.peak : null;
    this.drawn = scan;
    this.measured = `${scan.key} ${scan.field ?? ""}`;
    const facts = [this.made.greys, levels && this.made.levels.key, levels && Object.values(look).join(),
      regions && this.made.regions.key];
    if (!this.image || facts.some((fact, k) => fact !== this.painted[k])) {
      this.painted = facts;
      this.paint(side, greys, levels, regions, look, ramps);
    }
    this.awaited = mapped && !levels ? "map" : parted && !regions ? "regions" : "";
    annotate(this, scan);
    // Elsewhere a finger that moves up or down scrolls the page.
    this.stage.style.touchAction = this.view.zoom > 1 || this.spec.boxed || group.measuring ? "none" : "";
    if (this.spec.cut) this.stage.setAttribute("aria-label", `${this.spec.alt}, slice ${scan.place + 1} of ${scan.count}`);
    this.node.dataset.drawn = `${scan.key} ${levels ? mapped.key : regions ? parted.key : "no map"}`;
    this.node.dataset.place = scan.place ?? "";
    this.node.dataset.look = levels ? [look.opacity, look.threshold, look.contours, look.against, look.colour].join(" ") : "";
  }

  /** Show nothing: what was drawn is of another series than the words beside it. */
  clear() {
    if (this.canvas.width) this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.image = this.drawn = this.peak = null;
    this.drawing.replaceChildren();
    for (const node of [...this.sides, this.scale.firstChild]) node.textContent = "";
    this.note.textContent = "The scan is being loaded.";
    this.note.hidden = false;
    delete this.node.dataset.drawn;
  }

  paint(side, greys, levels, regions, look, ramps) {
    const context = this.canvas.getContext("2d");
    this.image ??= context.createImageData(side, side);
    const pixels = new Uint32Array(this.image.data.buffer);
    if (regions) fillRegions(pixels, greys, regions, this.spec.regions.opacity);
    else if (levels && !look.contours) {
      colourise(pixels, greys, levels, look, this.kept("table", [look.colour], () => bothColours(ramps, look.colour)));
    } else pixels.set(greys);
    context.putImageData(this.image, 0, 0);
    if (levels && look.contours) drawContours(context, levels, side, look, ramps);
    for (const { shares: inside, ink } of regions ?? []) drawOutline(context, inside, side, ink);
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

  /** Return the scan at the size of the screen; pictures of the group that show the same share one array. */
  greys(scan, pixels, side) {
    const { zoom, x, y } = this.view, { invert } = this.group;
    const window = shares(this.spec.own_window ? ownWindow(scan) : levelAndWidth(this.group, scan), scan);
    const source = [scan.key, ...window, invert].join();
    const view = [side, zoom, x, y, scan.rows, scan.columns, ...scan.spacing, scan.field];
    this.made.greys = [source, ...view].join();
    return shared(this.group, this.made.greys, reused => {
      const [across, down] = this.kept("axes", view, () => this.axes(scan, scan.rows, scan.columns, side));
      const stretched = windowed(pixels, window, invert);
      const out = reused?.length === side * side ? reused : new Uint32Array(side * side);
      return resampleGreys(stretched, scan.columns, across, down, side, ...extremes(stretched), out);
    });
  }

  levels(map, values, side, field) {
    const { zoom, x, y } = this.view, { rendering } = this.group;
    const sigma = this.spec.smoothed ? rendering.smoothing ?? map.sigma : map.sigma;
    const grid = this.kept("map", [map.key, sigma, side], () => this.prepared(map, values, sigma, side));
    return this.kept("levels", [map.key, sigma, side, zoom, x, y], out => {
      const [across, down] = this.axes({ ...map, field }, grid.rows, grid.columns, side);
      return resample(grid.values, grid.columns, across, down, side, grid.low, grid.high,
        out?.length === side * side ? out : undefined);
    });
  }

  /** Return for each part of the regions its ink, and how far each pixel of the screen belongs to it. */
  regions(parted, labels, side) {
    const { zoom, x, y } = this.view, inks = parted.parts.map(part => part.ink);
    return this.kept("regions", [parted.key, side, zoom, x, y, ...inks], () => {
      const [across, down] = this.axes(parted, parted.rows, parted.columns, side);
      return parted.parts.map(({ label, ink }) => ({ ink,
        shares: resample(Float32Array.from(labels, each => each === label), parted.columns, across, down, side, 0, 1) }));
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
    const [across, down] = this.axes(map, grid.rows, grid.columns, side, { zoom: 1, x: 0.5, y: 0.5 });
    const seen = extremes(resample(grid.values, grid.columns, across, down, side, low, high));
    const peak = Math.max(-seen[0], seen[1]) || 1;
    return { ...grid, values: grid.values.map(v => v / peak), low: low / peak, high: high / peak,
      peak: peak * map.peak };
  }

  axes(picture, rows, columns, side, { zoom, x, y } = this.view) {
    const placed = placement(picture.rows, picture.columns, picture.spacing, side, picture.field);
    const shrinks = placed.width * placed.height * zoom * zoom < rows * columns;
    return [axis(columns, placed.left, placed.width, side, zoom, x, shrinks),
      axis(rows, placed.top, placed.height, side, zoom, y, shrinks)];
  }

  /** Return what `make` made for this key the last time, else make it; it gets what it may write over. */
  kept(name, key, make) {
    const before = this.made[name], joined = key.join();
    if (before?.key !== joined) this.made[name] = { key: joined, value: make(before?.value) };
    return this.made[name].value;
  }

  /** Return the pixel (row, column, fractions of both) of a scan under a point of the square. */
  pixel(scan, u, v) {
    const placed = placement(scan.rows, scan.columns, scan.spacing, 1000, scan.field);
    return [(v * 1000 - placed.top) / placed.height * scan.rows, (u * 1000 - placed.left) / placed.width * scan.columns];
  }

  /** Return the point of the square of a pixel, whose first one reaches from 0 to 1. */
  point(scan, row, column) {
    const placed = placement(scan.rows, scan.columns, scan.spacing, 1000, scan.field);
    return [(placed.left + column / scan.columns * placed.width) / 1000,
      (placed.top + row / scan.rows * placed.height) / 1000];
  }

  /** Return the point of the square under the pointer. */
  under(event) {
    const box = this.stage.getBoundingClientRect(), { zoom, x, y } = this.view;
    return [x + ((event.clientX - box.left) / box.width - 0.5) / zoom,
      y + ((event.clientY - box.top) / box.height - 0.5) / zoom];
  }

  /** Return where a point of the square is on the screen, in pixels of the picture. */
  at([u, v]) {
    const { zoom, x, y } = this.view, side = this.stage.clientWidth;
    return [((u - x) * zoom + 0.5) * side, ((v - y) * zoom + 0.5) * side];
  }

  remove() {
    this.gone = true;
    this.watch.disconnect();
    this.node.remove();
  }
}
