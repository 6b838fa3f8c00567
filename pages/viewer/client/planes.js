// Three planes of a volume, linked by one cross-hair. It is a point in voxels (layer, row, column; the first of each
// reaches from 0 to 1) of the volume as it is stored; what was sent of that may be coarser.

const points = new Map(); // volume -> where its cross-hair was left, from page to page

/** Let a group show the planes of a volume; the cross-hair begins at the explained slice. */
export function showVoxels(group, voxels) {
  const same = group.voxels?.key === voxels.key;
  group.voxels = voxels;
  if (same) return;
  const layer = layerOf(group, group.place ?? 0);
  const kept = points.get(voxels.key);
  setPoint(group, kept && Math.floor(kept[0]) === layer ? kept : startOf(group));
}

export function startOf(group) {
  return [layerOf(group, group.place ?? 0) + 0.5, ...group.voxels.at.map(k => k + 0.5)];
}

/** Move the cross-hair; it stays within the volume. */
export function setPoint(group, point) {
  group.point = point.map((at, axis) => Math.min(group.voxels.full[axis] - 0.01, Math.max(0, at)));
  points.set(group.voxels.key, group.point);
}

/** Go to another slice of the series that is open; the cross-hair comes along. */
export function setPlace(group, place) {
  if (place === group.place) return;
  group.place = place;
  if (group.voxels) setPoint(group, [layerOf(group, place) + 0.5, group.point[1], group.point[2]]);
}

/** Return the layer that shows a slice of the series, or the nearest to one that none shows. */
export function layerOf({ voxels: { layers } }, place) {
  let best = 0;
  layers.forEach((each, layer) => {
    if (each >= 0 && Math.abs(each - place) < Math.abs(layers[best] - place)) best = layer;
  });
  return best;
}

/** True where the planes are those of the series that is open: it changes before they do. */
export function ofOpenSeries({ voxels, volume }) {
  return voxels.volume === volume?.key;
}

/** Return the slice of the open series under the cross-hair, -1 where one is missing. */
export function sliceUnder(group) {
  return ofOpenSeries(group) ? group.voxels.layers[Math.floor(group.point[0])] : -1;
}

/** Return how far a step through a plane leads, in voxels: one of those that were sent. */
export function stepThrough({ voxels: { full, shape } }, axis) {
  return axis === 0 ? 1 : full[axis] / shape[axis];
}

/** Return the picture that one plane shows at the cross-hair, with the facts of a scan. */
export function planeScan(group, { cut, edges }) {
  const { voxels, point, volume } = group;
  const { full, sizes, shape, origin, steps } = voxels, { through, down, across, backwards } = cut;
  const place = Math.floor(point[through]), field = Math.max(...full.map((count, axis) => count * sizes[axis]));
  const slice = through === 0 ? volume?.slices[sliceUnder(group)] : null;
  if (slice && (slice.url ?? volume.shared.url)) return { ...volume.shared, ...slice, edges, field };
  const ratio = full.map((count, axis) => count / shape[axis]);
  const at = Math.min(shape[through] - 1, Math.floor((place + 0.5) / ratio[through]));
  const scan = {
    key: `${voxels.key}-${through}-${at}`, cut: { ...cut, at, voxels },
    rows: shape[down], columns: shape[across], spacing: [sizes[down] * ratio[down], sizes[across] * ratio[across]],
    mm: voxels.mm, span: voxels.span, window: voxels.window, window_key: voxels.window_key, edges, field,
    corner: [], directions: [], place: cut.counted_back ? full[through] - 1 - place : place, count: full[through],
  };
  if (!origin.length) return scan;
  const first = [0, 0, 0];
  first[through] = at;
  [down, across].forEach((axis, k) => { first[axis] = backwards[k] ? shape[axis] - 1 : 0; });
  const middle = first.map((k, axis) => (k + 0.5) * ratio[axis] - 0.5); // in voxels as they are stored
  const direction = (axis, back) => steps[axis].map(way => (back ? -way : way) / Math.hypot(...steps[axis]));
  scan.corner = [0, 1, 2].map(k => origin[k] + steps.reduce((sum, step, axis) => sum + middle[axis] * step[k], 0));
  scan.directions = [...direction(across, backwards[1]), ...direction(down, backwards[0])];
  return scan;
}

/** Return the pixels of a cut through the voxels that were sent, row by row. */
export function pixelsOfCut(values, { voxels: { shape }, through, down, across, backwards, at }) {
  const stride = [shape[1] * shape[2], shape[2], 1], rows = shape[down], columns = shape[across];
  const pixels = new Uint16Array(rows * columns);
  const right = backwards[1] ? -stride[across] : stride[across];
  for (let row = 0, k = 0; row < rows; row++) {
    let from = at * stride[through] + (backwards[0] ? rows - 1 - row : row) * stride[down]
      + (backwards[1] ? columns - 1 : 0) * stride[across];
    for (let column = 0; column < columns; column++, k++, from += right) pixels[k] = values[from];
  }
  return pixels;
}

/** Return where a point in voxels lies in the picture of a plane: row and column, fractions of both. */
export function pixelOfPoint({ voxels: { full } }, point, { down, across, backwards }, { rows, columns }) {
  const share = (axis, back) => back ? 1 - point[axis] / full[axis] : point[axis] / full[axis];
  return [share(down, backwards[0]) * rows, share(across, backwards[1]) * columns];
}

/** Return the cross-hair's point after a click on a pixel of a plane: its depth stays. */
export function pointOfPixel({ voxels: { full }, point }, [row, column], { down, across, backwards }, { rows, columns }) {
  const moved = [...point], share = (part, back) => back ? 1 - part : part;
  moved[down] = share(row / rows, backwards[0]) * full[down];
  moved[across] = share(column / columns, backwards[1]) * full[across];
  return moved;
}
