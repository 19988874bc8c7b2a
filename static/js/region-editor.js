/* The regions of one field over its picture: seen, chosen, drawn, moved, resized. */

import { Row } from "./region-rows.js";
import { SHAPES, clamp, make } from "./region-shapes.js";
import { toolsOf } from "./region-tools.js";

export class Editor {
  constructor(table, root) {
    this.table = table;
    this.root = root;
    this.stage = root.querySelector("[data-viewer-stage]");
    const figure = root.closest("figure");
    this.size = { width: Number(figure.dataset.mediaWidth), height: Number(figure.dataset.mediaHeight) };
    this.kind = SHAPES[table.dataset.regions];
    this.chosen = null; // a row of the table
    this.corner = null; // of the chosen one: at which handle, where it has been chosen
    this.action = null; // what the pointer is at
    this.sketch = null; // corners of a polygon that is not closed
    const canvas = root.querySelector("[data-viewer-canvas]");
    canvas.querySelector(`[data-overlay="${CSS.escape(table.dataset.field)}"]`)?.remove();
    const box = `0 0 ${this.size.width} ${this.size.height}`;
    this.svg = make("svg", { class: "overlay edited", viewBox: box, preserveAspectRatio: "none" });
    canvas.append(this.svg);
    this.draw();
  }

  rows() {
    return [...this.table.querySelectorAll("tr[data-region]")].map((tr) => new Row(tr));
  }

  read(row) {
    return this.kind.read(row.text);
  }

  /** Regions that are there, in the order of the rows. */
  regions() {
    return this.rows().filter((row) => !row.off && this.read(row));
  }

  get chosenRow() {
    return this.chosen && new Row(this.chosen);
  }

  classes() {
    const options = this.table.querySelector('select[name$="-class"]')?.options ?? [];
    return [...options].filter((one) => one.value).map((one) => [one.value, one.text]);
  }

  // --- what is seen ---------------------------------------------------------------------

  draw() {
    this.svg.replaceChildren();
    const there = this.regions();
    if (!there.some((row) => row.tr === this.chosen)) this.chosen = null;
    for (const row of there) this.drawRow(row);
    if (this.sketch) this.drawSketch();
    toolsOf(this.root)?.show();
  }

  drawRow(row) {
    const group = make("g", { class: this.kind.noun });
    group.append(make("title", {}), this.kind.element(this.read(row), this.size));
    group.firstChild.textContent = row.name || "region";
    group.row = row.tr;
    this.svg.append(group);
    if (row.tr !== this.chosen) return;
    group.classList.add("chosen");
    for (const [at, x, y] of this.kind.handles(this.read(row))) this.drawHandle(group, at, x, y);
  }

  drawHandle(group, at, x, y) {
    const side = (matchMedia("(pointer: coarse)").matches ? 22 : 10) * this.pixel(); // a finger's
    const place = { x: x - side / 2, y: y - side / 2, width: side, height: side };
    const handle = make("rect", { class: `handle ${at === this.corner ? "at" : ""} ${at}`, ...place });
    handle.at = at;
    group.append(handle);
  }

  drawSketch() {
    const group = make("g", { class: "sketch" });
    group.append(make("polyline", { points: this.sketch.join(" ") }));
    this.svg.append(group);
    this.drawHandle(group, "first", ...this.sketch[0]);
  }

  /** How many pixels of the picture are one of the screen. */
  pixel() {
    const box = this.svg.getBoundingClientRect();
    return box.width ? this.size.width / box.width : 1;
  }

  point(event) {
    const box = this.svg.getBoundingClientRect();
    const { width, height } = this.size;
    return {
      x: clamp(((event.clientX - box.left) / box.width) * width, 0, width),
      y: clamp(((event.clientY - box.top) / box.height) * height, 0, height),
    };
  }

  say(words = this.standing()) {
    this.root.querySelector("[data-viewer-said]").textContent = words;
  }

  standing() {
    const there = this.regions();
    const { noun } = this.kind;
    const at = there.findIndex((row) => row.tr === this.chosen);
    if (at < 0) return `${there.length} ${noun}${noun === "box" ? "es" : "s"}`;
    const words = `${noun[0].toUpperCase()}${noun.slice(1)} ${at + 1} of ${there.length}: ${there[at].name || "no class"}`;
    const corner = this.corner === null ? "" : `, corner ${this.kind.handles(this.read(there[at])).findIndex(([one]) => one === this.corner) + 1}`;
    return `${words}, ${this.kind.said(this.read(there[at]))}${corner}`;
  }

  // --- what is changed ------------------------------------------------------------------

  choose(tr) {
    this.chosen = tr;
    this.corner = null;
    const tools = toolsOf(this.root);
    if (tr) tools.take(this);
    this.draw();
    this.say();
  }

  put(row, geometry) {
    row.write(this.kind.write(this.kind.fitted(geometry, this.size)));
    this.draw();
  }

  add(geometry) {
    const row = this.freeRow();
    const { value } = toolsOf(this.root).select;
    if (value) row.write({ class: value });
    this.put(row, geometry);
    this.choose(row.tr);
    return row;
  }

  /** Take the next blank row, or one more like the last. */
  freeRow() {
    const blank = this.rows().find((row) => row.isBlank && !row.off);
    if (blank) return blank;
    const last = this.rows().at(-1).tr;
    const place = Number(last.dataset.region);
    const copy = last.cloneNode(true);
    copy.dataset.region = place + 1;
    for (const el of copy.querySelectorAll("[name]")) {
      el.name = el.name.replace(`-${place}-`, `-${place + 1}-`);
      el.removeAttribute("data-draft");
      if (el.type === "checkbox") el.remove();
      else if (!el.matches("select")) el.value = "";
    }
    last.after(copy);
    return new Row(copy);
  }

  /** One in the middle of what is seen, for who has no pointer. */
  addInView() {
    const seen = this.stage.getBoundingClientRect();
    const middle = this.point({ clientX: seen.left + seen.width / 2, clientY: seen.top + seen.height / 2 });
    this.add(this.kind.around(middle, (seen.width * this.pixel()) / 5, (seen.height * this.pixel()) / 5));
  }

  delete() {
    if (!this.chosen) return;
    this.chosenRow.remove();
    this.chosen = null;
    this.draw();
    this.say();
  }

  rename(value) {
    const row = this.chosenRow;
    if (row) row.write({ class: value });
    this.draw();
    if (row) this.say();
  }

  // --- pointers -------------------------------------------------------------------------

  press(event) {
    const from = this.point(event);
    const group = event.target.closest?.("g");
    const { at } = event.target;
    if (toolsOf(this.root).isArmed(this)) {
      if (this.kind === SHAPES.polygons) return this.addCorner(from, at === "first" || event.detail > 1);
      this.action = { kind: "new", from };
      if (this.kind === SHAPES.points) this.pull(event);
    } else if (at !== undefined && group?.row === this.chosen) this.grasp("pull", from, this.chosen, at);
    else if (group?.row) {
      this.choose(group.row);
      this.grasp("move", from, group.row);
    } else {
      if (this.chosen) this.choose(null);
      return false;
    }
    this.stage.setPointerCapture(event.pointerId);
    return true;
  }

  grasp(kind, from, tr, at) {
    const row = new Row(tr);
    this.action = { kind, from, at, row, before: this.read(row) };
  }

  pull(event) {
    const { kind, from, at, row, before } = this.action;
    const to = this.point(event);
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    if (kind === "new") {
      const far = Math.max(Math.abs(dx), Math.abs(dy)) >= 4 * this.pixel();
      if (!row && !far && this.kind === SHAPES.boxes) return;
      const drawn = this.kind.between(from, to);
      if (row) this.put(row, drawn);
      else this.action.row = this.add(drawn);
    } else if (kind === "move") this.put(row, this.kind.moved(before, dx, dy, this.size));
    else this.put(row, this.kind.pulled(before, at, dx, dy, this.size));
  }

  release() {
    if (this.action.kind === "new") toolsOf(this.root).arm(false);
    this.action = null;
    this.say();
  }

  addCorner({ x, y }, isLast) {
    if (!isLast) this.sketch = [...(this.sketch ?? []), [Math.round(x), Math.round(y)]];
    if (isLast) this.close();
    else {
      this.draw();
      const more = this.sketch.length < 3 ? "" : "; Enter or the first corner closes it";
      this.say(`Corner ${this.sketch.length}${more}`);
    }
    return true;
  }

  close() {
    if ((this.sketch?.length ?? 0) < 3) return;
    const corners = this.sketch;
    this.sketch = null;
    toolsOf(this.root).arm(false);
    this.add({ corners });
  }

  // --- keys -----------------------------------------------------------------------------

  key(event) {
    if (this.sketch) return this.sketchKey(event.key);
    if (event.key === "[" || event.key === "]") {
      this.step(event.key === "]" ? 1 : -1);
      return true;
    }
    if (!this.chosen) return false;
    if (event.key === "Delete" || event.key === "Backspace") this.delete();
    else if (event.key === "Escape") this.choose(null);
    else if (event.key === ".") this.nextCorner();
    else if (event.key === "t" && this.classes().length) this.rename(this.nextClass());
    else if (event.key.startsWith("Arrow")) this.nudge(event);
    else return false;
    return true;
  }

  sketchKey(key) {
    if (key === "Enter") this.close();
    else if (key === "Escape" || key === "Backspace") {
      this.sketch = key === "Escape" || this.sketch.length < 2 ? null : this.sketch.slice(0, -1);
      this.draw();
    } else return false;
    return true;
  }

  step(by) {
    const there = this.regions();
    const at = there.findIndex((row) => row.tr === this.chosen);
    const next = at < 0 && by < 0 ? there.length - 1 : (at + by + there.length) % there.length;
    if (there.length) this.choose(there[next].tr);
  }

  nextCorner() {
    const at = this.kind.handles(this.read(this.chosenRow)).map(([one]) => one);
    this.corner = at[at.indexOf(this.corner) + 1] ?? null;
    this.draw();
    this.say();
  }

  nextClass() {
    const values = this.classes().map(([value]) => value);
    return values[(values.indexOf(this.chosenRow.name) + 1) % values.length];
  }

  nudge(event) {
    const step = Math.max(1, Math.round(2 * this.pixel()));
    const dx = { ArrowLeft: -step, ArrowRight: step }[event.key] ?? 0;
    const dy = { ArrowUp: -step, ArrowDown: step }[event.key] ?? 0;
    const [row, { kind, size }] = [this.chosenRow, this];
    const before = this.read(row);
    if (this.corner !== null) this.put(row, kind.pulled(before, this.corner, dx, dy, size));
    else this.put(row, event.shiftKey ? kind.grown(before, dx, dy) : kind.moved(before, dx, dy, size));
    this.say();
  }
}
