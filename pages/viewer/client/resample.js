// Pictures of a scan and its map at the size of the screen. The rules are those of explain/render/overlay.py and
// explain/render/smoothing.py, which make the pictures of exports: OpenCV's cubic and area interpolation.

/** Return where a picture lies in the middle of a black square of `side` pixels, as `squared` places it. `field` is
 * the length that the square shows; without one the picture's longer side fills it. */
export function placement(rows, columns, spacing, side, field = 0) {
  const scale = side / (field || Math.max(rows * spacing[0], columns * spacing[1]));
  const width = Math.max(1, roundEven(columns * spacing[1] * scale));
  const height = Math.max(1, roundEven(rows * spacing[0] * scale));
  return { width, height, left: Math.floor((side - width) / 2), top: Math.floor((side - height) / 2) };
}

function roundEven(value) {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}

/** Return the view of a square through a window of `side` pixels: `zoom` 1 fits, (`x`, `y`) in [0, 1] is its middle.
 * For each pixel of the screen the first source pixel, -1 beside the picture, and the weights of `taps` from there. */
export function axis(sources, start, length, side, zoom, centre, shrinks) {
  const scale = sources / (length * zoom); // source pixels per screen pixel
  const origin = start * zoom + side / 2 - centre * side * zoom; // screen position of the picture's first edge
  const area = shrinks && scale > 1, taps = area ? Math.ceil(scale) + 1 : 4;
  const from = new Int32Array(side).fill(-1), weights = new Float32Array(side * taps);
  for (let at = 0; at < side; at++) {
    const middle = at + 0.5 - origin;
    if (middle < 0 || middle > length * zoom) continue;
    if (area) from[at] = areaWeights((middle - 0.5) * scale, scale, sources, weights, at * taps);
    else from[at] = cubicWeights(middle * scale - 0.5, sources, weights, at * taps);
  }
  return { from, weights, taps, sources };
}

/** Write four weights, those of pixels beyond an edge added to those of the edge; return the first pixel. */
function cubicWeights(position, sources, weights, at) {
  const a = -0.75, whole = Math.floor(position), t = position - whole, u = 1 - t;
  const before = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
  const left = ((a + 2) * t - (a + 3)) * t * t + 1, right = ((a + 2) * u - (a + 3)) * u * u + 1;
  const last = sources - 1, first = Math.min(last, Math.max(0, whole - 1));
  weights[at] += before;
  weights[at + Math.min(last, Math.max(0, whole)) - first] += left;
  weights[at + Math.min(last, Math.max(0, whole + 1)) - first] += right;
  weights[at + Math.min(last, Math.max(0, whole + 2)) - first] += 1 - before - left - right;
  return first;
}

function areaWeights(from, scale, sources, weights, at) {
  const begin = Math.max(0, from), end = Math.min(sources, from + scale), first = Math.floor(begin);
  for (let k = first; k < end; k++) weights[at + k - first] = (Math.min(end, k + 1) - Math.max(begin, k)) / (end - begin);
  return first;
}

/** Return Float32Array (side * side): `source` (rows * columns) seen through two axes, 0 beside it. */
export function resample(source, columns, across, down, side, low, high, out = new Float32Array(side * side)) {
  out.fill(0);
  return through(source, columns, across, down, side, low, high, out, floats, float);
}

/** Fill `out`, Uint32Array (side * side), with `source` in [0, 1] as opaque greys, black beside it. */
export function resampleGreys(source, columns, across, down, side, low, high, out) {
  out.fill(0xff000000);
  return through(source, columns, across, down, side, 255 * low + 0.5 | 0, 255 * high + 0.5 | 0, out, greys, grey);
}

function through(source, columns, across, down, side, low, high, out, four, any) {
  const used = usedRows(down, side), left = firstSet(across.from), right = lastSet(across.from) + 1;
  const between = new Float32Array(side * Math.max(0, used.last - used.first + 1));
  const padded = new Float32Array(columns + across.taps); // behind its end weights are 0
  for (let row = used.first; row <= used.last; row++) {
    padded.set(source.subarray(row * columns, (row + 1) * columns));
    const out = between.subarray((row - used.first) * side, (row - used.first + 1) * side);
    if (across.taps === 4) fourPixels(padded, across.from, across.weights, out, left, right);
    else pixels(padded, across.from, across.weights, across.taps, out, left, right);
  }
  for (let y = 0; y < side; y++) {
    if (down.from[y] < 0) continue;
    const first = down.from[y] - used.first, most = Math.min(down.taps, down.sources - down.from[y]);
    const line = out.subarray(y * side + left, y * side + right), at = y * down.taps;
    const row = k => between.subarray((first + k) * side + left, (first + k) * side + right);
    if (most === 4) four(row(0), row(1), row(2), row(3), down.weights.subarray(at, at + 4), line, low, high);
    else any(Array.from({ length: most }, (_, k) => row(k)), down.weights.subarray(at, at + most), line, low, high);
  }
  return out;
}

// Small functions of numbers and arrays only: these loops are where the time of a frame goes.

function fourPixels(source, from, weights, out, left, right) {
  for (let x = left, at = 4 * left; x < right; x++, at += 4) {
    const k = from[x];
    out[x] = weights[at] * source[k] + weights[at + 1] * source[k + 1] + weights[at + 2] * source[k + 2]
      + weights[at + 3] * source[k + 3];
  }
}

function pixels(source, from, weights, taps, out, left, right) {
  for (let x = left; x < right; x++) {
    let sum = 0;
    for (let k = 0, at = x * taps; k < taps; k++, at++) sum += weights[at] * source[from[x] + k];
    out[x] = sum;
  }
}

function floats(first, second, third, fourth, weights, out, low, high) {
  const a = weights[0], b = weights[1], c = weights[2], d = weights[3];
  for (let x = 0; x < out.length; x++) {
    const sum = a * first[x] + b * second[x] + c * third[x] + d * fourth[x];
    out[x] = sum < low ? low : sum > high ? high : sum;
  }
}

function float(rows, weights, out, low, high) {
  for (let x = 0; x < out.length; x++) {
    let sum = 0;
    for (let k = 0; k < rows.length; k++) sum += weights[k] * rows[k][x];
    out[x] = sum < low ? low : sum > high ? high : sum;
  }
}

function greys(first, second, third, fourth, weights, out, low, high) {
  const a = 255 * weights[0], b = 255 * weights[1], c = 255 * weights[2], d = 255 * weights[3];
  for (let x = 0; x < out.length; x++) {
    let even = a * first[x] + b * second[x] + c * third[x] + d * fourth[x] + 0.5 | 0;
    even = even < low ? low : even > high ? high : even;
    out[x] = 0xff000000 | even << 16 | even << 8 | even;
  }
}

function grey(rows, weights, out, low, high) {
  for (let x = 0; x < out.length; x++) {
    let sum = 0.5;
    for (let k = 0; k < rows.length; k++) sum += 255 * weights[k] * rows[k][x];
    const even = sum < low ? low : sum > high ? high : sum | 0;
    out[x] = 0xff000000 | even << 16 | even << 8 | even;
  }
}

function usedRows(down, side) {
  let first = down.sources, last = -1;
  for (let y = 0; y < side; y++) {
    if (down.from[y] < 0) continue;
    first = Math.min(first, down.from[y]);
    last = Math.max(last, Math.min(down.sources - 1, down.from[y] + down.taps - 1));
  }
  return { first, last };
}

const firstSet = from => Math.max(0, from.findIndex(k => k >= 0));
const lastSet = from => from.findLastIndex(k => k >= 0);

/** Return the least and the largest value of an array. */
export function extremes(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** Return a map blurred by a Gaussian of `sigma` [rows, columns] in its own pixels, on a grid that is coarse enough to
 * be quick where the Gaussian is wide. Beyond the longer side it is mirrored, beside the shorter it is 0, as in the
 * square picture of an export. */
export function smooth(map, sigma, zeroRows, zeroColumns) {
  if (!(sigma[0] > 0 || sigma[1] > 0)) return map;
  const coarse = Math.max(1, Math.floor(Math.min(sigma[0], sigma[1]) / 8));
  const small = coarse > 1 ? shrunk(map, coarse) : map;
  const exact = [small.rows / map.rows, small.columns / map.columns];
  const once = blurred(small, sigma[1] * exact[1], 1, small.columns, zeroColumns);
  return blurred(once, sigma[0] * exact[0], small.columns, small.rows, zeroRows);
}

function shrunk(map, factor) {
  const rows = Math.ceil(map.rows / factor), columns = Math.ceil(map.columns / factor);
  const weights = (many, few) => Array.from({ length: few }, (_, k) => {
    const values = new Float32Array(Math.ceil(many / few) + 1);
    const first = areaWeights(k * many / few, many / few, many, values, 0);
    return { first, values: values.subarray(0, many - first) };
  });
  const down = weights(map.rows, rows), across = weights(map.columns, columns);
  const between = new Float32Array(map.rows * columns), values = new Float32Array(rows * columns);
  for (let y = 0; y < map.rows; y++) {
    across.forEach(({ first, values: w }, x) => {
      let sum = 0;
      for (let k = 0; k < w.length; k++) sum += w[k] * map.values[y * map.columns + first + k];
      between[y * columns + x] = sum;
    });
  }
  down.forEach(({ first, values: w }, y) => {
    for (let x = 0; x < columns; x++) {
      let sum = 0;
      for (let k = 0; k < w.length; k++) sum += w[k] * between[(first + k) * columns + x];
      values[y * columns + x] = sum;
    }
  });
  return { rows, columns, values };
}

function blurred(map, sigma, step, length, zero) {
  if (!(sigma > 0)) return map;
  const reach = Math.max(1, Math.round(sigma * 4)), kernel = new Float32Array(2 * reach + 1);
  let total = 0;
  for (let k = -reach; k <= reach; k++) total += kernel[k + reach] = Math.exp(-k * k / (2 * sigma * sigma));
  const values = new Float32Array(map.values.length), lines = map.values.length / length;
  const line = new Float32Array(length + 2 * reach);
  for (let n = 0; n < lines; n++) {
    const start = step === 1 ? n * length : n;
    for (let k = -reach; k < length + reach; k++) {
      line[k + reach] = k >= 0 && k < length ? map.values[start + k * step]
        : zero ? 0 : map.values[start + mirrored(k, length) * step];
    }
    for (let k = 0; k < length; k++) {
      let sum = 0;
      for (let j = 0; j < kernel.length; j++) sum += kernel[j] * line[k + j];
      values[start + k * step] = sum / total;
    }
  }
  return { ...map, values };
}

function mirrored(k, length) {
  if (length === 1) return 0;
  const period = 2 * (length - 1), at = ((k % period) + period) % period;
  return at < length ? at : period - at;
}
