/* Looking closely at a picture. Markup: `_viewer.html`.
   - [data-viewer]: one viewer. Its [data-viewer-stage] show the picture and, beside it, a
     good one: both zoom and move together. The stage takes the focus.
   - [data-viewer-zoom="in|out|fit"], [data-viewer-adjust="brightness|contrast"].
   - [data-viewer-show]: check boxes; what they show is CSS alone. How things are shown is
     kept for the next picture of the slot, in this tab.
   On a stage: wheel (once it has the focus or is zoomed in), two fingers, dragging; + and -
   zoom, arrows move, Home fits. A press that another script has taken (defaultPrevented)
   is left alone: regions.js draws. */

const MOST = 16;
const STEP = 1.25;
const views = new WeakMap();
const held = new Map(); // by pointer: the view and stage where it was pressed
const HELP = [["Zoom the picture", "+ -"], ["Move the zoomed picture", "arrows"], ["Fit the picture", "Home"]];
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

class View {
  constructor(root) {
    this.root = root;
    this.stages = [...root.querySelectorAll("[data-viewer-stage]")];
    this.scale = 1;
    this.x = 0; // of the canvas's left edge, as a share of the stage
    this.y = 0;
    this.pointers = new Map();
    this.prepare();
    this.recall();
    this.draw();
  }

  prepare() {
    this.root.classList.add("live");
    this.root.querySelector("[data-viewer-tools]").hidden = false;
    for (const stage of this.stages) {
      stage.removeAttribute("href");
      stage.tabIndex = 0;
      stage.setAttribute("role", "group");
      const image = stage.querySelector("img");
      image.draggable = false;
      const ratio = image.width / image.height;
      stage.style.maxWidth = `calc(72dvh * ${ratio})`;
    }
    this.stages[0].dataset.moreKeys = JSON.stringify(HELP);
  }

  zoom(factor, at = { x: 0.5, y: 0.5 }) {
    const scale = clamp(this.scale * factor, 1, MOST);
    this.x = at.x - ((at.x - this.x) * scale) / this.scale;
    this.y = at.y - ((at.y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.draw();
  }

  move(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.draw();
  }

  fit() {
    this.scale = 1;
    this.draw();
  }

  draw() {
    this.x = clamp(this.x, 1 - this.scale, 0);
    this.y = clamp(this.y, 1 - this.scale, 0);
    for (const stage of this.stages) {
      const canvas = stage.querySelector("[data-viewer-canvas]");
      canvas.style.transform = `translate(${this.x * 100}%, ${this.y * 100}%) scale(${this.scale})`;
      stage.classList.toggle("closer", this.scale > 1);
      this.sharpen(stage, canvas);
    }
    this.root.dispatchEvent(new CustomEvent("viewer:drawn", { bubbles: true }));
  }

  /** Fetch the whole file once the preview is too coarse; show pixels as squares. */
  sharpen(stage, canvas) {
    const image = canvas.querySelector("img");
    const figure = stage.closest("figure");
    const shown = stage.clientWidth * this.scale * devicePixelRatio;
    const full = Number(figure?.dataset.mediaWidth);
    if (stage === this.stages[0] && image.naturalWidth && shown > image.naturalWidth && full > image.naturalWidth)
      image.src = figure.dataset.mediaFull;
    canvas.classList.toggle("pixels", image.naturalWidth > 0 && shown > 4 * image.naturalWidth);
  }

  adjust() {
    const parts = [...this.root.querySelectorAll("[data-viewer-adjust]")].map(
      (input) => `${input.dataset.viewerAdjust}(${input.value})`,
    );
    for (const stage of this.stages) stage.querySelector("img").style.filter = parts.join(" ");
  }

  /** Keep, and bring back, how pictures of this slot are shown. */
  keep() {
    const state = {};
    for (const input of this.root.querySelectorAll("[data-viewer-show]")) state[input.dataset.viewerShow] = input.checked;
    for (const input of this.root.querySelectorAll("[data-viewer-adjust]")) state[input.dataset.viewerAdjust] = input.value;
    sessionStorage.setItem(`viewer:${this.root.dataset.viewer}`, JSON.stringify(state));
  }

  recall() {
    const state = JSON.parse(sessionStorage.getItem(`viewer:${this.root.dataset.viewer}`) ?? "{}");
    for (const input of this.root.querySelectorAll("[data-viewer-show]")) input.checked = Boolean(state[input.dataset.viewerShow]);
    for (const input of this.root.querySelectorAll("[data-viewer-adjust]")) input.value = state[input.dataset.viewerAdjust] ?? "1";
    this.adjust();
  }
}

function viewOf(el) {
  const root = el.closest?.("[data-viewer]");
  return root ? views.get(root) : undefined;
}

/** Where a pointer is on its stage, in shares of it. */
function place(event, stage) {
  const box = stage.getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
}

function start(event) {
  const stage = event.target.closest?.("[data-viewer-stage]");
  const view = stage && viewOf(stage);
  if (!view || event.button > 0) return;
  if (event.defaultPrevented) {
    view.pointers.clear();
    return;
  }
  view.pointers.set(event.pointerId, place(event, stage));
  held.set(event.pointerId, { view, stage });
  stage.focus({ preventScroll: true });
  if (view.scale > 1 || view.pointers.size > 1) stage.setPointerCapture(event.pointerId);
}

function drag(event) {
  if (!event.buttons) end(event); // let go where no page hears of it
  const { view, stage } = held.get(event.pointerId) ?? {};
  const before = view?.pointers.get(event.pointerId);
  if (!before) return;
  const now = place(event, stage);
  const other = [...view.pointers].find(([id]) => id !== event.pointerId)?.[1];
  view.pointers.set(event.pointerId, now);
  if (other) {
    const far = (a, b) => Math.hypot(a.x - b.x, a.y - b.y) || 1e-6;
    view.zoom(far(now, other) / far(before, other), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
  } else if (view.scale > 1) view.move(now.x - before.x, now.y - before.y);
}

/** A pointer may be let go anywhere: its view is known by where it was pressed. */
function end(event) {
  held.get(event.pointerId)?.view.pointers.delete(event.pointerId);
  held.delete(event.pointerId);
}

function wheel(event) {
  const stage = event.target.closest?.("[data-viewer-stage]");
  const view = stage && viewOf(stage);
  if (!view) return;
  const asked = event.ctrlKey || event.metaKey || view.scale > 1 || stage.contains(document.activeElement);
  if (!asked) return;
  event.preventDefault();
  view.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.03 : 0.0015)), place(event, stage));
}

function keydown(event) {
  const stage = event.target.matches?.("[data-viewer-stage]") ? event.target : null;
  const view = stage && viewOf(stage);
  if (!view || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
  const moves = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
  if (event.key === "+" || event.key === "=") view.zoom(STEP);
  else if (event.key === "-") view.zoom(1 / STEP);
  else if (event.key === "Home") view.fit();
  else if (event.key in moves && view.scale > 1) view.move(...moves[event.key]);
  else if (event.key === "Escape") stage.blur();
  else return;
  event.preventDefault();
}

function click(event) {
  const button = event.target.closest?.("[data-viewer-zoom]");
  if (!button) return;
  const view = viewOf(button);
  const how = button.dataset.viewerZoom;
  if (how === "fit") view.fit();
  else view.zoom(how === "in" ? STEP : 1 / STEP);
}

function changed(event) {
  const view = event.target.matches?.("[data-viewer-adjust], [data-viewer-show]") && viewOf(event.target);
  if (!view) return;
  view.adjust();
  view.keep();
}

function begin(root) {
  const found = [...root.querySelectorAll("[data-viewer]")];
  if (root.matches?.("[data-viewer]")) found.push(root);
  for (const el of found) if (!views.has(el)) views.set(el, new View(el));
}

document.addEventListener("pointerdown", start);
document.addEventListener("pointermove", drag);
document.addEventListener("pointerup", end);
document.addEventListener("pointercancel", end);
document.addEventListener("wheel", wheel, { passive: false });
document.addEventListener("keydown", keydown);
document.addEventListener("click", click);
document.addEventListener("input", changed);
begin(document);
document.addEventListener("htmx:load", (event) => begin(event.target));
