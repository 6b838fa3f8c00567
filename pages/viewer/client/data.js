// What the server sent, by the digest of its contents: each array is fetched once, and kept while there is room.

import { pixelsOfCut } from "./planes.js";

const ROOM = 300e6; // bytes of arrays
const PATIENCE = 5; // attempts: a newer run of the page may just be replacing the address
const CUTS = 12; // pictures cut from volumes that are kept
const kept = new Map(); // key -> {promise, values}
const cuts = new Map(); // key of a cut -> its pixels

/** Return the array of a packet {key, url, kind} if it is here, else ask for it and call `arrived` when it is. */
export function arrayOf(packet, arrived) {
  if (!packet.url) return null; // too far away to be sent ahead; the server is about to be asked for its page
  let entry = kept.get(packet.key);
  if (entry) {
    kept.delete(packet.key); // and to the end of the line
  } else {
    entry = { values: null, waiting: [], url: packet.url };
    load(packet, entry);
  }
  kept.set(packet.key, entry);
  entry.url = packet.url;
  if (!entry.values && arrived) entry.waiting.push(arrived);
  return entry.values;
}

/** Return the pixels of a scan, or of a cut through a volume, as `arrayOf` does. */
export function pixelsOf(scan, arrived) {
  if (!scan.cut) return arrayOf(scan, arrived);
  const values = arrayOf(scan.cut.voxels, arrived);
  if (!values) return null;
  const pixels = cuts.get(scan.key) ?? pixelsOfCut(values, scan.cut);
  cuts.delete(scan.key);
  cuts.set(scan.key, pixels);
  if (cuts.size > CUTS) cuts.delete(cuts.keys().next().value);
  return pixels;
}

async function load(packet, entry) {
  for (let attempt = 0; attempt < PATIENCE; attempt++) {
    try {
      const answer = await fetch(new URL(entry.url.replace(/^\//, ""), document.baseURI));
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const stream = answer.body.pipeThrough(new DecompressionStream("deflate-raw"));
      const bytes = await new Response(stream).arrayBuffer();
      entry.values = new { uint8: Uint8Array, uint16: Uint16Array, int16: Int16Array, float32: Float32Array }[packet.kind](bytes);
      trim();
      break;
    } catch {
      await new Promise(done => setTimeout(done, 300 * (attempt + 1)));
    }
  }
  if (!entry.values) kept.delete(packet.key);
  for (const arrived of entry.waiting.splice(0)) arrived();
}

function trim() {
  let bytes = 0;
  for (const { values } of kept.values()) bytes += values?.byteLength ?? 0;
  for (const [key, { values }] of kept) {
    if (bytes <= ROOM) return;
    if (!values) continue;
    bytes -= values.byteLength;
    kept.delete(key);
  }
}
