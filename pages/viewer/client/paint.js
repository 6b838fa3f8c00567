// Grey levels and colours of one picture, by the rules of explain/render/overlay.py.

export const CONTOUR_LEVELS = [0.25, 0.5, 0.75]; // shares of the peak
const SOFT_EDGE = 0.02; // of the peak: a hard cut would draw a border that is not in the map

const levelOf = new Float32Array(65536); // of each stored value, for the window at hand

/** Return Float32Array in [0, 1]: 16-bit pixels with a window (shares of the span) stretched. */
export function windowed(pixels, [low, high], invert) {
  const width = Math.max(high - low, 1e-6);
  for (let k = 0; k < 65536; k++) {
    const level = (k / 65535 - low) / width, inside = level < 0 ? 0 : level > 1 ? 1 : level;
    levelOf[k] = invert ? 1 - inside : inside;
  }
  const grey = new Float32Array(pixels.length);
  for (let k = 0; k < pixels.length; k++) grey[k] = levelOf[pixels[k]];
  return grey;
}

/** Return a Float32Array (511 * 3) in [0, 255]: blue from 0 down, the colour map from 0 up, 0 in the middle. */
export function bothColours(ramps, name) {
  const table = new Float32Array(511 * 3), above = ramps[name], below = ramps.against;
  for (let k = 0; k < 256; k++) {
    for (let c = 0; c < 3; c++) {
      if (k) table[(255 - k) * 3 + c] = 255 * below[k * 3 + c];
      table[(255 + k) * 3 + c] = 255 * above[k * 3 + c];
    }
  }
  return table;
}

/** Return the colour of a contour at a `share` in [-1, 1] of the peak, from the bright two thirds of its colour map. */
export function lineColour(ramps, name, share) {
  const table = share >= 0 ? ramps[name] : ramps.against;
  const at = 3 * Math.round(255 * (0.35 + 0.65 * Math.abs(share)));
  return `rgb(${[0, 1, 2].map(c => Math.floor(255 * table[at + c])).join(" ")})`;
}

/** Fill `pixels` (Uint32Array, RGBA) with `greys` (the same) and a map in shares of its peak over them. */
export function colourise(pixels, greys, levels, { opacity, threshold, against }, table) {
  pixels.set(greys);
  for (let k = 0; k < pixels.length; k++) {
    const level = levels[k] < 0 && !against ? 0 : levels[k], size = level < 0 ? -level : level;
    if (size <= threshold) continue;
    const over = size - threshold, alpha = over >= SOFT_EDGE ? opacity : opacity * over / SOFT_EDGE;
    const step = 255 * (size > 1 ? 1 : size) + 0.5 | 0, at = 3 * (level < 0 ? 255 - step : 255 + step);
    const rest = (1 - alpha) * (greys[k] & 255) + 0.5;
    pixels[k] = 0xff000000 | (alpha * table[at + 2] + rest) << 16 | (alpha * table[at + 1] + rest) << 8
      | alpha * table[at] + rest;
  }
}

/** Fill `pixels` (Uint32Array, RGBA) with `greys` and, where a share of 0 to 1 reaches a half, an `ink` [r, g, b]. */
export function fillRegions(pixels, greys, regions, opacity) {
  pixels.set(greys);
  for (const { shares, ink: [red, green, blue] } of regions) {
    for (let k = 0; k < pixels.length; k++) {
      if (shares[k] < 0.5) continue;
      const rest = (1 - opacity) * (greys[k] & 255) + 0.5;
      pixels[k] = 0xff000000 | (opacity * blue + rest) << 16 | (opacity * green + rest) << 8 | opacity * red + rest;
    }
  }
}

/** Draw the lines at 25, 50 and 75 % of the peak that are not below the threshold, dashed for evidence against. */
export function drawContours(context, levels, side, { opacity, threshold, against, colour }, ramps) {
  const width = Math.max(1, Math.round(side / 300));
  context.save();
  context.globalAlpha = opacity;
  context.lineWidth = width;
  context.lineJoin = "round";
  for (const share of CONTOUR_LEVELS) {
    if (share < threshold) continue;
    for (const signed of against ? [share, -share] : [share]) {
      context.strokeStyle = lineColour(ramps, colour, signed);
      context.setLineDash(signed < 0 ? [4 * width, 4 * width] : []);
      context.stroke(outline(levels, side, signed));
    }
  }
  context.restore();
}

/** Draw a line around where shares of 0 to 1 reach a half. */
export function drawOutline(context, shares, side, ink) {
  context.strokeStyle = `rgb(${ink.join(" ")})`;
  context.lineWidth = Math.max(1, Math.floor(side / 400));
  context.stroke(outline(shares, side, 0.5));
}

/** Return a Path2D around all that reaches `share` (below 0: all that is at or below it), by marching squares. */
function outline(levels, side, share) {
  const sign = Math.sign(share), limit = Math.abs(share), step = 2;
  const next = new Map(); // edge -> the edges that a line joins it to
  const points = new Map();
  const few = Math.floor((side - 1) / step) + 1;
  const value = (x, y) => sign * levels[y * step * side + x * step] - limit;
  const point = (x, y, vertical) => {
    const id = 2 * (y * few + x) + vertical;
    if (!points.has(id)) {
      const a = value(x, y), b = vertical ? value(x, y + 1) : value(x + 1, y), t = a / (a - b);
      points.set(id, [(x + (vertical ? 0 : t)) * step + 0.5, (y + (vertical ? t : 0)) * step + 0.5]);
    }
    return id;
  };
  const join = (a, b) => {
    for (const [from, to] of [[a, b], [b, a]]) {
      if (next.has(from)) next.get(from).push(to);
      else next.set(from, [to]);
    }
  };
  for (let y = 0; y + 1 < few; y++) {
    let left = (value(0, y) >= 0 ? 1 : 0) | (value(0, y + 1) >= 0 ? 2 : 0);
    for (let x = 0; x + 1 < few; x++) {
      const right = (value(x + 1, y) >= 0 ? 1 : 0) | (value(x + 1, y + 1) >= 0 ? 2 : 0);
      if (left !== right || left === 1 || left === 2) {
        const edges = [];
        if ((left & 1) !== (right & 1)) edges.push(point(x, y, 0));
        if ((right & 1) !== right >> 1) edges.push(point(x + 1, y, 1));
        if (left >> 1 !== right >> 1) edges.push(point(x, y + 1, 0));
        if ((left & 1) !== left >> 1) edges.push(point(x, y, 1));
        for (let k = 0; k + 1 < edges.length; k += 2) join(edges[k], edges[k + 1]);
      }
      left = right;
    }
  }
  return chained(next, points);
}

function chained(next, points) {
  const path = new Path2D(), done = new Set();
  const follow = start => {
    path.moveTo(...points.get(start));
    done.add(start);
    for (let at = start; ;) {
      const following = next.get(at).find(id => !done.has(id));
      if (following === undefined) {
        if (next.get(at).includes(start) && at !== start) path.closePath();
        return;
      }
      path.lineTo(...points.get(following));
      done.add(following);
      at = following;
    }
  };
  for (const [id, joined] of next) if (joined.length === 1 && !done.has(id)) follow(id); // lines that end at the edge
  for (const id of next.keys()) if (!done.has(id)) follow(id);
  return path;
}
