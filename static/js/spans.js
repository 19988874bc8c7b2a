/* Marks spans of a text with mouse, touch and keys, and writes them into the inputs of the
   form: what is sent is what the form holds, with or without this script.
   - [data-passage="<feature>"]: the text, in pieces with [data-start], the character (code
     point) at which each begins. Its [data-span-tools] hold [data-span-class],
     [data-span-new], [data-span-delete] and [data-span-said].
   - table[data-regions="spans"][data-feature]: the spans; each tr[data-region] has inputs
     `field-<name>-<place>-start`, `-end`, `-class`, and a check box `-off`.
   On the text by key: arrows choose a word, Shift and arrows more of them, Enter marks,
   [ and ] choose a span, t names it otherwise, Delete takes it out. */

const HELP = [["Choose a word of the text", "arrows"], ["Choose more words", "Shift arrows"], ["Mark them", "Enter"], ["Choose a marked one", "[ ]"], ["Name it otherwise", "t"], ["Take it out", "Delete"]];
const WORD = /[\p{L}\p{M}\p{N}\u2022_'’@.+-]+/gu;
const editors = new Map();
const length = (text) => [...text].length;

class Spans {
  constructor(passage, table) {
    this.passage = passage;
    this.table = table;
    this.tools = passage.parentElement.querySelector("[data-span-tools]");
    this.select = this.tools.querySelector("[data-span-class]");
    this.said = this.tools.querySelector("[data-span-said]");
    this.deleter = this.tools.querySelector("[data-span-delete]");
    this.chosen = null;
    this.words = this.findWords();
    this.at = null; // first and last word, and which of them moves
    this.tools.hidden = false;
    passage.dataset.moreKeys = JSON.stringify(HELP);
    for (const one of table.querySelector('select[name$="-class"]')?.options ?? [])
      if (one.value) this.select.append(new Option(one.text, one.value));
    this.select.closest("label").hidden = !this.select.options.length;
    // where nothing paints them, they stay as they came
    if (window.Highlight) for (const one of passage.querySelectorAll(".spanned")) one.classList.remove("spanned");
    this.draw();
  }

  pieces() {
    return [...this.passage.querySelectorAll("[data-start]")];
  }

  /** The places of the words; a text is never long enough for this to be felt. */
  findWords() {
    const text = this.pieces().map((el) => [Number(el.dataset.start), el.textContent]);
    const flat = text.map(([, part]) => part).join("");
    const places = [];
    for (const [start, part] of text) {
      let place = start;
      for (const one of part) {
        for (let unit = 0; unit < one.length; unit += 1) places.push(place);
        place += 1;
      }
    }
    return [...flat.matchAll(WORD)].map((found) => {
      const last = found.index + found[0].length - 1;
      return { start: places[found.index], end: places[last] + 1 };
    });
  }

  /** The character at a position of the page; null outside of the text. */
  place(node, offset) {
    const el = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
    const piece = el.closest("[data-start]");
    if (piece && this.passage.contains(piece)) {
      const range = document.createRange();
      range.setStart(piece, 0);
      range.setEnd(node, offset);
      return Number(piece.dataset.start) + length(range.toString());
    }
    if (node !== this.passage) return null;
    const next = this.passage.children[offset];
    return next ? Number(next.dataset.start) : this.end();
  }

  end() {
    const last = this.pieces().at(-1);
    return last ? Number(last.dataset.start) + length(last.textContent) : 0;
  }

  /** Where a character stands on the page. */
  position(place) {
    const piece = this.pieces().findLast((el) => Number(el.dataset.start) <= place);
    const text = [...piece.textContent].slice(0, place - Number(piece.dataset.start)).join("");
    return [piece.firstChild, text.length];
  }

  range({ start, end }) {
    const range = document.createRange();
    range.setStart(...this.position(start));
    const [node, offset] = this.position(end - 1);
    const step = [...node.data.slice(offset)][0]?.length ?? 0;
    range.setEnd(node, offset + step);
    return range;
  }

  rows() {
    return [...this.table.querySelectorAll("tr[data-region]")];
  }

  input(tr, name) {
    return tr.querySelector(`[name$="-${name}"]`);
  }

  span(tr) {
    const [start, end] = ["start", "end"].map((name) => this.input(tr, name).value.trim());
    if (this.input(tr, "off")?.checked || !/^\d+$/.test(start) || !/^\d+$/.test(end)) return null;
    return Number(start) < Number(end) && Number(end) <= this.end() ? { start: Number(start), end: Number(end), name: this.input(tr, "class")?.value ?? "" } : null;
  }

  marked() {
    const found = this.rows().map((tr) => ({ tr, span: this.span(tr) }));
    return found.filter((one) => one.span).sort((a, b) => a.span.start - b.span.start);
  }

  draw() {
    if (this.chosen && !this.span(this.chosen)) this.chosen = null;
    this.deleter.disabled = !this.chosen;
    for (const tr of this.rows()) {
      const span = this.span(tr);
      const quote = tr.querySelector("[data-quote]");
      if (quote) quote.textContent = span ? this.range(span).toString() : "";
    }
    paint();
  }

  write(tr, values) {
    for (const [name, value] of Object.entries(values)) {
      const el = this.input(tr, name);
      if (!el || el.value === String(value)) continue;
      el.value = String(value);
      el.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  freeRow() {
    const blank = this.rows().find((tr) => ["start", "end"].every((name) => !this.input(tr, name).value.trim()));
    if (blank) return blank;
    const last = this.rows().at(-1);
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
    return copy;
  }

  /** The characters that are selected in the text. */
  selected() {
    const selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return null;
    const range = selection.getRangeAt(0);
    if (!this.passage.contains(range.commonAncestorContainer)) return null;
    const start = this.place(range.startContainer, range.startOffset);
    const end = this.place(range.endContainer, range.endOffset);
    return start !== null && end !== null && start < end ? this.trimmed({ start, end }) : null;
  }

  trimmed({ start, end }) {
    const text = [...this.range({ start, end }).toString()];
    const blank = (one) => one !== undefined && one.trim() === "";
    while (text.length && blank(text[0])) { text.shift(); start += 1; }
    while (text.length && blank(text.at(-1))) { text.pop(); end -= 1; }
    return text.length ? { start, end } : null;
  }

  mark() {
    const span = this.selected();
    if (!span) return this.say("Nothing is selected: choose words with the arrows, or by dragging over them");
    const tr = this.freeRow();
    this.write(tr, { ...span, ...(this.select.value ? { class: this.select.value } : {}) });
    getSelection().removeAllRanges();
    this.choose(tr);
  }

  choose(tr) {
    this.chosen = tr;
    const span = tr && this.span(tr);
    if (span?.name) this.select.value = span.name;
    this.draw();
    const all = this.marked();
    const at = all.findIndex((one) => one.tr === tr);
    this.say(at < 0 ? `${all.length} marked` : `Marked ${at + 1} of ${all.length}: ${this.range(span).toString()}, ${span.name || "no class"}`);
  }

  say(words) {
    this.said.textContent = words;
  }

  delete() {
    if (!this.chosen) return;
    const off = this.input(this.chosen, "off");
    if (off) {
      off.checked = true;
      off.dispatchEvent(new Event("change", { bubbles: true }));
    } else this.write(this.chosen, { start: "", end: "" });
    this.choose(null);
  }

  rename(value) {
    this.select.value = value;
    if (!this.chosen) return;
    this.write(this.chosen, { class: value });
    this.choose(this.chosen);
  }

  /** Choose the next word, or with `more` one more or one less. */
  step(by, more) {
    if (!this.words.length) return;
    const last = this.words.length - 1;
    const here = this.at?.moves ?? (by > 0 ? -1 : last + 1);
    const moves = Math.min(last, Math.max(0, here + by));
    this.at = { fixed: more && this.at ? this.at.fixed : moves, moves };
    const [low, high] = [Math.min(this.at.fixed, moves), Math.max(this.at.fixed, moves)];
    const range = this.range({ start: this.words[low].start, end: this.words[high].end });
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    const box = range.getBoundingClientRect();
    const seen = this.passage.getBoundingClientRect();
    if (box.top < seen.top || box.bottom > seen.bottom) this.passage.scrollTop += box.top - seen.top - seen.height / 3;
    this.say(range.toString());
  }

  key(event) {
    const all = this.marked();
    const at = all.findIndex((one) => one.tr === this.chosen);
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") this.step(event.key === "ArrowRight" ? 1 : -1, event.shiftKey);
    else if (event.key === "Enter") this.mark();
    else if (event.key === "[" || event.key === "]") {
      const by = event.key === "]" ? 1 : -1;
      if (all.length) this.choose(all[(at + by + all.length + (at < 0 && by < 0 ? 1 : 0)) % all.length].tr);
    } else if (event.key === "t" && this.select.options.length) {
      const values = [...this.select.options].map((one) => one.value);
      this.rename(values[(values.indexOf(this.select.value) + 1) % values.length]);
    } else if (at >= 0 && (event.key === "Delete" || event.key === "Backspace")) this.delete();
    else if (at >= 0 && event.key === "Escape") this.choose(null);
    else return false;
    return true;
  }
}

/** Paint what is marked, without touching the text. */
function paint() {
  if (!window.Highlight) return;
  const [all, chosen] = [new Highlight(), new Highlight()];
  chosen.priority = 1;
  for (const one of editors.values())
    for (const { tr, span } of one.marked()) (tr === one.chosen ? chosen : all).add(one.range(span));
  CSS.highlights.set("span", all);
  CSS.highlights.set("span-chosen", chosen);
}

const editorOf = (el) => editors.get(el.closest?.("[data-passage]") ?? el.closest?.("[data-span-tools]")?.parentElement.querySelector("[data-passage]"));

document.addEventListener("keydown", (event) => {
  const editor = event.target.matches?.("[data-passage]") && editorOf(event.target);
  if (!editor || event.ctrlKey || event.altKey || event.metaKey) return;
  if (!editor.key(event)) return;
  event.preventDefault();
  event.stopPropagation();
}, true);
document.addEventListener("click", (event) => {
  const editor = editorOf(event.target);
  if (!editor) return;
  if (event.target.closest("[data-span-new]")) editor.mark();
  else if (event.target.closest("[data-span-delete]")) editor.delete();
  else if (event.target.closest("[data-passage]") && getSelection().isCollapsed && getSelection().anchorNode) {
    const place = editor.place(getSelection().anchorNode, getSelection().anchorOffset);
    const hit = editor.marked().find(({ span }) => place !== null && span.start <= place && place < span.end);
    if (hit || editor.chosen) editor.choose(hit?.tr ?? null);
  }
});
// A button that is pressed must not take the selection away.
document.addEventListener("pointerdown", (event) => {
  if (event.target.closest?.("[data-span-new]")) event.preventDefault();
});
document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-span-class]")) editorOf(event.target)?.rename(event.target.value);
});
for (const name of ["input", "change"])
  document.addEventListener(name, (event) => {
    const table = event.target.closest?.('table[data-regions="spans"]');
    for (const one of editors.values()) if (table && one.table === table) one.draw();
  });

function begin() {
  for (const [passage] of editors) if (!passage.isConnected) editors.delete(passage);
  for (const table of document.querySelectorAll('table[data-regions="spans"][data-feature]')) {
    const passage = document.querySelector(`[data-passage="${CSS.escape(table.dataset.feature)}"]`);
    if (!passage || editors.has(passage) || !passage.parentElement.querySelector("[data-span-tools]")) continue;
    editors.set(passage, new Spans(passage, table));
  }
  paint();
}
begin();
document.addEventListener("htmx:load", begin);
