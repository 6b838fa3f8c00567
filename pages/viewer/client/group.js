// What pictures that are linked share: the part of the square that is seen, the windows, the slice, how maps are drawn.

const groups = new Map();

/** Return the group of this name; it lives as long as it has viewers. */
export function groupOf(name) {
  if (!groups.has(name)) {
    groups.set(name, {
      name, zoom: 1, x: 0.5, y: 0.5, invert: false, measuring: false, measures: [], cursor: null,
      windows: new Map(), rendering: null, shown: true, volume: null, place: null, viewers: new Set(), due: 0,
      voxels: null, point: null, made: new Map(),
    });
  }
  return groups.get(name);
}

export function leave(group, viewer) {
  group.viewers.delete(viewer);
  if (!group.viewers.size) groups.delete(group.name);
}

const KEPT = 8; // pictures at the size of the screen: as many as are seen side by side

/** Return what `make` made for this key, else make it; it gets the oldest of what was made, to be written over. */
export function shared({ made }, key, make) {
  let value = made.get(key), oldest;
  if (value) made.delete(key); // and to the end of the line
  else {
    if (made.size >= KEPT) {
      const first = made.keys().next().value;
      oldest = made.get(first);
      made.delete(first);
    }
    value = make(oldest);
  }
  made.set(key, value);
  return value;
}

const BUDGET = 10; // ms of a frame: pictures that find no room in it are drawn in the next one

/** Draw all pictures of the group anew, those last touched first. */
export function redraw(group, first) {
  for (const viewer of group.viewers) for (const pane of viewer.panes) pane.stale = true;
  group.first = first ?? group.first;
  if (!group.due) group.due = requestAnimationFrame(() => frame(group));
}

function frame(group) {
  group.due = 0;
  const start = performance.now();
  const panes = [...group.viewers].flatMap(viewer => viewer.panes).filter(pane => pane.stale);
  panes.sort((a, b) => (b === group.first) - (a === group.first));
  for (const pane of panes) {
    if (performance.now() - start > BUDGET) {
      group.due = requestAnimationFrame(() => frame(group));
      break;
    }
    pane.stale = false;
    pane.draw();
  }
  group.frames = (group.frames ?? 0) + 1;
  group.frame = performance.now() - start;
  for (const viewer of group.viewers) viewer.show();
}

/**
 * Zoom a view by a factor about a point of the square, at least to a factor of 1, where all of it is seen; below that
 * only where `least` says so, or the view is below it already.
 */
export function zoomAbout(view, factor, u = view.x, v = view.y, least = Math.min(1, view.zoom)) {
  const zoom = Math.min(40, Math.max(least, view.zoom * factor)), share = view.zoom / zoom;
  view.x = u + (view.x - u) * share;
  view.y = v + (view.y - v) * share;
  view.zoom = zoom;
  moveBy(view, 0, 0);
}

/** Move what is seen by shares of the picture's side; the square is never left, and is in the middle if all is seen. */
export function moveBy(view, right, down) {
  const half = Math.min(0.5, 0.5 / view.zoom);
  view.x = Math.min(1 - half, Math.max(half, view.x - right / view.zoom));
  view.y = Math.min(1 - half, Math.max(half, view.y - down / view.zoom));
}

/** Return the window of a scan as [level, width] in stored values: the reader's, else the file's own. */
export function levelAndWidth(group, scan) {
  return group.windows.get(scan.window_key) ?? ownWindow(scan);
}

export function ownWindow({ span: [first, last], window: [low, high] }) {
  return [first + (last - first) * (low + high) / 2, Math.abs(last - first) * (high - low)];
}

/** Return a window in stored values as shares of the span of a scan; it may reach beyond [0, 1]. */
export function shares([level, width], { span: [first, last] }) {
  const middle = (level - first) / (last - first), half = width / Math.abs(last - first) / 2;
  return [middle - half, middle + half];
}
