// What the server sent, by the digest of its contents: each array is fetched once, and kept while there is room.

const ROOM = 300e6; // bytes of arrays
const PATIENCE = 5; // attempts: a newer run of the page may just be replacing the address
const kept = new Map(); // key -> {promise, values}

/** Return the array of a packet {key, url, kind} if it is here, else ask for it and call `arrived` when it is. */
export function arrayOf(packet, arrived) {
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

async function load(packet, entry) {
  for (let attempt = 0; attempt < PATIENCE; attempt++) {
    try {
      const answer = await fetch(new URL(entry.url.replace(/^\//, ""), document.baseURI));
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const stream = answer.body.pipeThrough(new DecompressionStream("deflate-raw"));
      const bytes = await new Response(stream).arrayBuffer();
      entry.values = new { uint16: Uint16Array, int16: Int16Array, float32: Float32Array }[packet.kind](bytes);
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
