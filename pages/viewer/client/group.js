// What pictures that are linked share: the part of the square that is seen, the windows, the slice, how maps are drawn.

const groups = new Map();

/** Return the group of this name; it lives as long as it has viewers. */
export function groupOf(name) {
  if (!groups.has(name)) {
    groups.set(name, {
      name, zoom: 1, x: 0.5, y: 0.5, invert: false, measuring: false, measures: [], cursor: null,
      windows: new Map(), rendering: null, shown: true, volume: null, place: null, viewers: new Set(), due: 0,
    });
  }
  return groups.get(name);
}

export function leave(group, viewer) {
  group.viewers.delete(viewer);
  if (!group.viewers.size) groups.delete(group.name);
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
  for (const viewer of group.viewers) viewer.show();
  group.frame = performance.now() - start;
}

/** Zoom by a factor about a point of the square, or to a factor of 1, where all of it is seen. */
export function zoomAbout(group, factor, u = group.x, v = group.y) {
  const zoom = Math.min(40, Math.max(1, group.zoom * factor)), share = group.zoom / zoom;
  group.x = u + (group.x - u) * share;
  group.y = v + (group.y - v) * share;
  group.zoom = zoom;
  moveBy(group, 0, 0);
}

/** Move what is seen by shares of the picture's side; the square is never left. */
export function moveBy(group, right, down) {
  const half = 0.5 / group.zoom;
  group.x = Math.min(1 - half, Math.max(half, group.x - right / group.zoom));
  group.y = Math.min(1 - half, Math.max(half, group.y - down / group.zoom));
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
