// The worklist rail: what the server lists becomes rows, and the row where the user stops is told to the server.

import { drawNewest } from "../../viewer/client/newest.js";

const PAUSE = 200; // ms without a step, after which the server learns of it

class Rail {
  constructor(parent) {
    this.head = make("div", "head");
    this.count = make("span", "count");
    this.count.setAttribute("role", "status"); // a screen reader says what J and K, or a click, opened
    this.back = this.button("‹", "Previous scan (K)", () => this.step(-1));
    this.on = this.button("›", "Next scan (J)", () => this.step(1));
    this.close = this.button("×", "Close the scan", () => this.choose(null, 0));
    this.head.append(this.count, this.back, this.on, this.close);
    this.lists = make("div");
    this.root = make("div", "rail");
    this.root.append(this.head, this.lists);
    parent.append(this.root);
    this.rows = new Map();
    this.removing = new Set(); // of which the server may not know yet
    this.unfolded = {};
    this.anywhere = event => this.key(event);
    document.addEventListener("keydown", this.anywhere);
  }

  button(text, label, act) {
    const button = make("button", "", text);
    Object.assign(button, { type: "button", title: label, ariaLabel: label, onclick: act });
    return button;
  }

  update(component) {
    const { data } = component;
    this.tell = component.setStateValue;
    this.data = data;
    // Asked by the page's own script before the uploads would go (start.js).
    globalThis.candorUploads = data.kept;
    if (!this.clock && data.chosen === this.told) this.chosen = undefined; // the server knows, and may know better
    if (data.removed === this.gone) this.removing.clear(); // a new file may have an old name
    const names = new Set(data.lists.flatMap(({ scans }) => scans.map(({ name }) => name)));
    for (const name of this.removing) if (!names.has(name)) this.removing.delete(name);
    const listed = JSON.stringify(data.lists.map(({ title, scans }) => [title, scans.map(({ name }) => name)]));
    if (listed !== this.listed) {
      this.listed = listed;
      this.rows.clear();
      this.lists.replaceChildren(...data.lists.map(list => this.list(list)));
    }
    for (const { scans } of data.lists) for (const scan of scans) this.fill(scan);
    this.root.hidden = !data.lists.length;
    this.mark();
  }

  list({ title, scans, open, removable }) {
    const whole = make("details"), name = make("summary", "", `${title} (${scans.length})`), rows = make("ul", "rows");
    whole.open = this.unfolded[title] ?? open;
    whole.addEventListener("toggle", () => { this.unfolded[title] = whole.open; });
    rows.setAttribute("role", "listbox");
    rows.setAttribute("aria-label", title);
    rows.addEventListener("keydown", event => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const own = scans.map(({ name }) => name), row = event.composedPath().find(node => node.role === "option");
      if (own.includes(this.open())) this.step(by);
      else if (row) this.choose(own[Math.max(0, Math.min(own.length - 1, own.indexOf(row.title) + by))], PAUSE);
      this.rows.get(this.open())?.row.focus({ preventScroll: true });
    });
    for (const scan of scans) rows.append(this.row(scan, removable));
    whole.append(name, rows);
    return whole;
  }

  row({ name }, removable) {
    const row = make("li"), picture = make("img"), words = make("span", "words");
    const title = make("span", "name", name), state = make("span", "state");
    row.setAttribute("role", "option");
    row.title = name;
    Object.assign(picture, { alt: "", loading: "lazy", draggable: false });
    picture.onerror = () => picture.removeAttribute("src"); // to be asked for again with the next update
    words.append(title, state);
    row.append(picture, words);
    row.onclick = () => this.choose(name, 0);
    if (removable) {
      const off = this.button("×", "Remove this scan from memory (Delete)", event => {
        event.stopPropagation();
        this.remove(name);
      });
      off.tabIndex = -1;
      row.append(off);
    }
    row.onkeydown = event => {
      if (event.key === "Delete" && removable) this.remove(name);
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      this.choose(name, 0);
    };
    this.rows.set(name, { row, picture, state });
    return row;
  }

  fill({ name, state, picture }) {
    const { row, picture: image, state: words } = this.rows.get(name);
    if (picture && image.getAttribute("src") !== picture) image.src = picture;
    image.hidden = !picture;
    row.dataset.state = state;
    words.textContent = state[0].toUpperCase() + state.slice(1);
  }

  /** The open scan, as the user has it: the server may not know yet. */
  open() { return this.chosen !== undefined ? this.chosen : this.data.open; }

  /** The names that next and previous step through: the list with the open scan, else the first. */
  names() {
    const lists = this.data.lists.map(({ scans }) => scans.map(({ name }) => name));
    return lists.find(names => names.includes(this.open())) ?? lists[0] ?? [];
  }

  mark() {
    const open = this.open(), names = this.names(), at = names.indexOf(open);
    this.say(at < 0 ? "No scan open" : `${at + 1} of ${names.length}`, at < 0 ? "" : open);
    this.back.disabled = at <= 0;
    this.on.disabled = at >= names.length - 1;
    this.close.hidden = at < 0;
    for (const [name, { row }] of this.rows) {
      const here = name === open;
      if (here && row.ariaSelected !== "true") this.show(row);
      row.ariaSelected = String(here);
      row.tabIndex = -1;
    }
    for (const { scans } of this.data.lists) { // each list is one stop of the Tab key
      const stop = scans.find(({ name }) => name === open) ?? scans[0];
      if (stop) this.rows.get(stop.name).row.tabIndex = 0;
    }
  }

  /** Write how far along the list the open scan is, and its name for those who do not see which row is marked. */
  say(place, name) {
    const told = name ? `${place}: ${name}` : place;
    if (this.count.textContent === told) return; // what is written anew is read out anew
    this.count.replaceChildren(place, make("span", "unseen", told.slice(place.length)));
  }

  /** Scroll the list to a row; the page stays where it is. */
  show(row) {
    const list = row.parentElement;
    if (row.offsetTop < list.scrollTop || row.offsetTop + row.offsetHeight > list.scrollTop + list.clientHeight) {
      list.scrollTop = row.offsetTop - (list.clientHeight - row.offsetHeight) / 2;
    }
  }

  step(by) {
    const names = this.names(), at = names.indexOf(this.open());
    const next = names[Math.max(0, Math.min(names.length - 1, at < 0 ? 0 : at + by))];
    if (next !== undefined && next !== this.open()) this.choose(next, PAUSE);
  }

  choose(name, pause) {
    this.chosen = name;
    this.mark();
    clearTimeout(this.clock);
    this.clock = setTimeout(() => this.tellChosen(), pause);
  }

  tellChosen() {
    clearTimeout(this.clock);
    this.clock = null;
    this.told = performance.now();
    this.tell("chosen", { scan: this.chosen ?? "", count: this.told });
  }

  remove(name) {
    this.removing.add(name); // all of them: while the page runs, the last value alone would be seen
    this.gone = performance.now();
    this.tell("removed", { scans: [...this.removing], count: this.gone });
  }

  key(event) {
    const typing = event.composedPath().some(node => node.isContentEditable || ["TEXTAREA", "SELECT"].includes(node.tagName)
      || (node.tagName === "INPUT" && !["range", "checkbox", "radio", "button"].includes(node.type)));
    const by = { j: 1, k: -1 }[event.key.toLowerCase()];
    if (!by || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.step(by);
  }

  leave() {
    if (this.clock) this.tellChosen();
    document.removeEventListener("keydown", this.anywhere);
    this.root.remove();
  }
}

function make(tag, name = "", text = "") {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text) node.textContent = text;
  return node;
}

export default drawNewest(
  component => {
    const { parentElement: parent } = component;
    parent.rail ??= new Rail(parent);
    parent.rail.update(component);
  },
  parent => {
    parent.rail?.leave();
    parent.rail = null;
  },
);
