// Elements of the page.

/** Return an element: `h("button", {class: "a", onclick: f}, "text", child)`. */
export function h(name, facts = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(facts)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "value") node.value = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter(child => child !== null && child !== undefined));
  return node;
}

/** Return an element of a drawing. */
export function svg(name, facts = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(facts)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** Return a number with as many digits as a step of this size needs. */
export function digits(value, step) {
  const places = step >= 1 ? 0 : Math.min(6, Math.ceil(-Math.log10(step)));
  return value.toFixed(places).replace("-", "\u2212");
}

/** Return a positive number with two significant digits, as explain/render/overlay.py writes it. */
export function twoDigits(value) {
  if (value >= 1e-3 && value < 1e4) {
    const places = Math.max(0, 1 - Math.floor(Math.log10(value)));
    return places ? String(Number(value.toFixed(places))) : String(Number(value.toPrecision(2)));
  }
  const [mantissa, power] = value.toExponential(1).split("e");
  const raised = String(Number(power)).replace(/./g, c => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);
  return `${mantissa} × 10${raised}`;
}
