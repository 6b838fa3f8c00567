// The viewer: what the server sends becomes pictures, what the reader does goes back, once the reader has paused.

import { controls, planeTools, showColourBar } from "./controls.js";
import { arrayOf } from "./data.js";
import { h } from "./dom.js";
import { groupOf, leave, levelAndWidth, redraw, zoomAbout } from "./group.js";
import { drawNewest } from "./newest.js";
import { between, follow, shifted } from "./pointer.js";
import { Pane } from "./pane.js";
import { pixelOfPoint, setPlace, setPoint, showVoxels, sliceUnder, startOf, stepThrough } from "./planes.js";
import { placement } from "./resample.js";

const PAUSE = 250; // ms without a change, after which the server learns of it
const AT_ONCE = 4; // neighbouring slices that are fetched at a time

class Viewer {
  constructor(parent) {
    this.by = Math.random().toString(36).slice(2);
    this.count = 0;
    this.outbox = {}; // what the reader changed since the server was last told
    this.sent = {}; // what the server was told, and has not answered yet
    this.panes = [];
    this.grid = h("div", { class: "panes" });
    this.readout = h("div", { class: "readout", "aria-hidden": "true" });
    this.bar = h("div", { class: "bar" });
    this.place = h("div");
    this.root = h("div", { class: "viewer" }, this.grid, this.readout, this.bar, this.place);
    parent.append(this.root);
    this.root.addEventListener("keydown", event => this.key(event));
    this.anywhere = event => this.shortcut(event);
    this.outside = event => { if (!event.composedPath().includes(this.root)) this.flush(); };
    document.addEventListener("keydown", this.anywhere);
    document.addEventListener("pointerdown", this.outside, true);
  }

  update(component) {
    this.component = component;
    const data = this.data = component.data;
    if (this.group?.name !== data.group) {
      if (this.group) leave(this.group, this);
      this.group = groupOf(data.group);
      this.group.viewers.add(this);
    }
    this.root.dataset.group = data.group;
    this.grid.style.setProperty("--columns", data.columns);
    this.grid.classList.toggle("narrows", data.leads || Boolean(data.voxels));
    this.readout.hidden = !data.readout;
    while (this.panes.length > data.pictures.length) this.panes.pop().remove();
    data.pictures.forEach((spec, k) => {
      if (!this.panes[k]) {
        this.panes[k] = new Pane(this);
        this.grid.append(this.panes[k].node);
        follow(this.panes[k]);
      }
      this.panes[k].update(spec);
    });
    this.grid.hidden = !this.panes.length;
    this.adopt();
    const kinds = JSON.stringify(data.controls);
    if (data.leads && kinds !== this.kinds) {
      this.kinds = kinds;
      this.controls = controls(this);
      this.place.replaceChildren(this.controls.node);
    }
    if (data.voxels && !this.controls) {
      this.controls = planeTools(this);
      this.place.replaceChildren(this.controls.node);
    }
    redraw(this.group);
    this.show();
    this.fetchNeighbours();
  }

  /** Take over what the server holds, except where the reader has changed something that it does not know of yet. */
  adopt() {
    const { data, group } = this, mine = data.applied?.by === this.by;
    const known = mine && data.applied.count >= this.count;
    if (known) this.sent = {};
    const open = Object.keys(this.outbox).length > 0 || (this.count > 0 && !known);
    if (data.box !== undefined && !open) this.box = data.box;
    if (data.voxels) showVoxels(group, data.voxels);
    if (!data.leads && group.rendering) return;
    if (data.leads && group.series !== data.series) {
      Object.assign(group, { series: data.series, zoom: 1, x: 0.5, y: 0.5, measures: [] });
    }
    if (data.leads && data.volume) {
      const same = group.volume?.key === data.volume.key;
      group.volume = data.volume;
      if (!same) { // a place among other slices is that of another slice
        delete this.sent.place;
        delete this.outbox.place;
      }
      if (!open || !same) setPlace(group, data.volume.place);
    } else if (data.leads) {
      group.volume = group.place = null;
    }
    if (open && group.rendering) return;
    group.rendering = data.rendering;
    group.shown = data.shown;
    for (const [key, window] of Object.entries(data.windows)) {
      if (window) group.windows.set(key, window);
      else group.windows.delete(key);
    }
  }

  // What the reader does

  step(by, pane) {
    const { group } = this, { volume } = group, leader = this.leader();
    if (!volume || !leader) return;
    const place = Math.min(volume.slices.length - 1, Math.max(0, group.place + by));
    if (place === group.place) return;
    setPlace(group, place);
    redraw(group, pane);
    leader.change({ place: [volume.key, place] });
    leader.fetchNeighbours();
  }

  /** Move the cross-hair through a plane; the slice that is explained stays. */
  goThrough(pane, by) {
    this.shift(pane, pane.spec.cut.through, by * stepThrough(this.group, pane.spec.cut.through));
  }

  shift(pane, axis, by) {
    const point = [...this.group.point];
    point[axis] += by;
    setPoint(this.group, point);
    redraw(this.group, pane);
  }

  explainHere() {
    const place = sliceUnder(this.group);
    if (place >= 0) this.step(place - this.group.place);
  }

  /** Take the cross-hair back to the explained slice, to where it began. */
  goBack() {
    setPoint(this.group, startOf(this.group));
    redraw(this.group);
  }

  setWindow(key, window, pane) {
    if (window) this.group.windows.set(key, window);
    else this.group.windows.delete(key);
    redraw(this.group, pane);
    this.leader()?.change({ window: [key, ...(window ?? [])] });
  }

  look(change) {
    Object.assign(this.group.rendering, change);
    redraw(this.group);
    const before = this.outbox.rendering ?? {};
    this.leader()?.change({ rendering: { ...before, ...change } });
  }

  hide() {
    this.group.shown = !this.group.shown;
    redraw(this.group);
    this.leader()?.change({ shown: this.group.shown });
  }

  fit() {
    const panes = [...this.group.viewers].flatMap(viewer => viewer.panes);
    for (const view of [this.group, ...panes.map(pane => pane.ownView)]) Object.assign(view, { zoom: 1, x: 0.5, y: 0.5 });
    redraw(this.group);
  }

  zoom(factor, pane) {
    if (pane?.spec.cut) this.zoomAt(pane, factor);
    else zoomAbout(this.group, factor);
    redraw(this.group);
  }

  /** Zoom about a point of a picture; planes of one volume zoom together, each about the cross-hair. */
  zoomAt(pane, factor, u, v, least) {
    if (!pane.spec.cut) return zoomAbout(this.group, factor, u, v, least);
    for (const each of this.panes) {
      const hair = each.drawn && each.point(each.drawn, ...pixelOfPoint(this.group, this.group.point, each.spec.cut, each.drawn));
      const [x, y] = each === pane && u !== undefined ? [u, v] : hair ?? [];
      zoomAbout(each.ownView, factor, x, y, least);
    }
  }

  /** Show one pixel of the scan on one of the screen; a small scan gets smaller than its pane. */
  oneToOne(pane = this.panes[0] ?? [...this.group.viewers].flatMap(viewer => viewer.panes)[0]) {
    if (!pane?.drawn) return;
    const { rows, columns, spacing, field } = pane.drawn;
    const placed = placement(rows, columns, spacing, pane.canvas.width, field);
    const zoom = Math.max(rows / placed.height, columns / placed.width);
    this.zoomAt(pane, zoom / pane.view.zoom, undefined, undefined, zoom);
    redraw(this.group);
  }

  invert() {
    this.group.invert = !this.group.invert;
    redraw(this.group);
  }

  measure() {
    this.group.measuring = !this.group.measuring;
    redraw(this.group);
  }

  read(words) {
    for (const viewer of this.group.viewers) viewer.readout.textContent = words;
  }

  /** Keys anywhere on the page: of the viewer that leads its group. */
  shortcut(event) {
    const typing = event.composedPath().some(node => node.isContentEditable || ["TEXTAREA", "SELECT"].includes(node.tagName)
      || (node.tagName === "INPUT" && !["range", "checkbox", "radio", "button"].includes(node.type)));
    if (!this.data?.leads || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = { n: () => this.step(1), p: () => this.step(-1), h: () => this.hide() };
    const act = acts[event.key.toLowerCase()];
    if (!act || (!this.group.volume && event.key.toLowerCase() !== "h")) return;
    if (event.key.toLowerCase() === "h" && event.repeat) return;
    act();
    event.preventDefault();
  }

  /** Keys on a picture that has the focus. */
  key(event) {
    const pane = event.composedPath().find(node => node.pane)?.pane;
    if (!pane || event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event, arrows = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const acts = {
      f: () => this.fit(), 0: () => this.fit(), 1: () => this.oneToOne(pane), "+": () => this.zoom(1.25, pane),
      "=": () => this.zoom(1.25, pane), "-": () => this.zoom(0.8, pane), i: () => this.invert(), d: () => this.measure(),
      Escape: () => { this.group.measures = []; this.group.measuring = false; redraw(this.group); },
      PageUp: () => this.step(-5, pane), PageDown: () => this.step(5, pane),
      Home: () => this.step(-Infinity, pane), End: () => this.step(Infinity, pane),
    };
    const through = { PageUp: -1, PageDown: 1, Home: -Infinity, End: Infinity }[key];
    if (pane.spec.cut && through) this.goThrough(pane, through);
    else if (arrows[key]) this.arrow(pane, event, ...arrows[key]);
    else if (acts[key] ?? acts[key.toLowerCase()]) (acts[key] ?? acts[key.toLowerCase()])();
    else return;
    event.preventDefault();
  }

  arrow(pane, event, down, right) {
    if (pane.spec.cut) {
      const { cut } = pane.spec, far = event.shiftKey ? 10 : 1;
      if (down) this.shift(pane, cut.down, (cut.backwards[0] ? -down : down) * far);
      else this.shift(pane, cut.across, (cut.backwards[1] ? -right : right) * far);
    } else if (pane.spec.boxed) {
      const { scan } = pane.spec, [top, left, height, width] = this.box ?? [scan.rows >> 1, scan.columns >> 1, 16, 16];
      this.box = event.shiftKey
        ? between([top, left], [Math.max(top + 1, top + height + down), Math.max(left + 1, left + width + right)], scan)
        : shifted([top, left, height, width], down, right, scan);
      redraw(this.group, pane);
      this.change({ box: this.box });
    } else if (this.group.zoom > 1 && event.shiftKey) {
      this.group.x += right * 0.05 / this.group.zoom;
      this.group.y += down * 0.05 / this.group.zoom;
      zoomAbout(this.group, 1);
      redraw(this.group, pane);
    } else this.step(down + right, pane);
  }

  // What the server learns

  leader() {
    return [...this.group.viewers].find(viewer => viewer.data.leads);
  }

  /** Tell the server of a change, as soon as the reader pauses. */
  change(what) {
    Object.assign(this.outbox, what);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), PAUSE);
  }

  /** Nothing is held any more: the pause begins. */
  settle() {
    const leader = this.leader();
    if (leader && Object.keys(leader.outbox).length) leader.change({});
  }

  flush() {
    clearTimeout(this.timer);
    if (!Object.keys(this.outbox).length) return;
    // While the page runs, a newer value takes the place of one that the server has not seen: it goes along.
    const rendering = { ...this.sent.rendering, ...this.outbox.rendering };
    this.sent = { ...this.sent, ...this.outbox };
    if (Object.keys(rendering).length) this.sent.rendering = rendering;
    this.outbox = {};
    this.component.setStateValue("view", { by: this.by, count: ++this.count, ...this.sent });
  }

  // What is shown

  /** The scan that the window's controls speak of. */
  reference() {
    const pane = this.panes[0] ?? [...this.group.viewers].flatMap(viewer => viewer.panes)[0];
    const scan = pane?.scan ?? pane?.drawn ?? this.data.scan;
    return scan && { ...scan, presets: pane?.spec.scan.presets ?? this.data.scan?.presets ?? [] };
  }

  ramps() {
    const { colours } = this.data, all = arrayOf(colours, () => redraw(this.group));
    return all && Object.fromEntries(colours.names.map((name, k) => [name, all.subarray(768 * k, 768 * (k + 1))]));
  }

  show() {
    if (!this.group.rendering) return;
    this.root.dataset.frame = `${this.group.frames ?? 0} ${(this.group.frame ?? 0).toFixed(2)}`; // for measurements
    this.controls?.show();
    showColourBar(this.bar, this);
    if (this.data.voxels) {
      this.root.dataset.point = this.group.point.map(at => at.toFixed(2)).join(" ");
      this.root.dataset.zoom = this.panes[0].view.zoom.toFixed(3);
      this.root.dataset.place = this.group.place ?? "";
      return;
    }
    const scan = this.reference();
    this.root.dataset.zoom = this.group.zoom.toFixed(3);
    this.root.dataset.place = this.group.place ?? "";
    if (scan) this.root.dataset.window = levelAndWidth(this.group, scan).map(value => +value.toFixed(4)).join(" ");
  }

  fetchNeighbours() {
    const { volume, place } = this.group;
    if (!this.data.leads || !volume) return;
    const near = volume.slices.map((slice, k) => [Math.abs(k - place), { ...volume.shared, ...slice }])
      .filter(([, slice]) => slice.url).sort((a, b) => a[0] - b[0]).map(([, slice]) => slice);
    const mark = this.fetching = {};
    const more = () => {
      while (near.length && mark === this.fetching) {
        if (!arrayOf(near.shift(), more)) return;
      }
    };
    for (let k = 0; k < AT_ONCE; k++) more();
  }

  remove() {
    this.flush();
    document.removeEventListener("keydown", this.anywhere);
    document.removeEventListener("pointerdown", this.outside, true);
    for (const pane of this.panes) pane.remove();
    if (this.data?.voxels) this.group.voxels = null;
    leave(this.group, this);
    this.root.remove();
  }
}

export default drawNewest(
  component => {
    const { parentElement: parent } = component;
    parent.viewer ??= new Viewer(parent);
    parent.viewer.update(component);
  },
  parent => {
    parent.viewer?.remove();
    parent.viewer = null;
  },
);
