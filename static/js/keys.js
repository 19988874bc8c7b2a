/* Single-key shortcuts. Silent while typing, with Ctrl, Alt or Meta, and while a dialog
   is open. Attributes:
   - <body data-keys='{"confirm": "c", …}'>: the key of each action (from the server).
   - data-key-action="confirm": what the key presses. Buttons, links, summaries, check
     boxes and radios are clicked; text fields are focused. Hidden and disabled ones are
     passed over; the first that is left wins. A field inside a closed <details> opens it,
     and a summary hands the focus on into what it opened: else what is typed next would
     be taken for more shortcuts.
   - data-key-label="Confirm": its name on the sheet; else its own text.
   - data-more-keys='[["Zoom", "+ -"], …]': what else the sheet lists while it is there.
   - data-key-list: rows that "next" and "previous" walk through, by [data-key-item].
   - kbd[data-key="confirm"]: shows the key of the action.
   - data-key-sheet on a button: opens the sheet, as "help" does. */

const keys = JSON.parse(document.body.dataset.keys || "{}");
const byKey = new Map(Object.entries(keys).map(([action, key]) => [key, action]));
const TYPING =
  "textarea, select, [contenteditable]:not([contenteditable=false]), input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=reset], [type=file], [type=range])";
const INSIDE =
  "details > :not(summary) :is(button, textarea, select, input:not([type=hidden])):not(:disabled)";

const usable = (el) =>
  el.checkVisibility() && !el.matches(":disabled, [aria-disabled=true]") && !el.closest("[inert]");

const folded = (el) =>
  el.matches(TYPING) && el.closest("details:not([open])")?.checkVisibility();

function target(action) {
  const found = [...document.querySelectorAll(`[data-key-action="${CSS.escape(action)}"]`)];
  return found.find(usable) ?? found.find(folded);
}

function press(el) {
  if (el.matches(TYPING)) {
    const fold = el.closest("details:not([open])");
    if (fold) fold.open = true;
    el.focus();
    el.select?.();
    return;
  }
  if (!el.matches("[type=radio], [type=checkbox]")) el.focus({ preventScroll: true });
  el.click();
  const opened = el.matches("summary") && el.closest("details[open]");
  if (opened) opened.querySelector(INSIDE)?.focus();
}

function walk(step) {
  const items = [...document.querySelectorAll("[data-key-list] [data-key-item]")].filter(usable);
  if (!items.length) return false;
  const at = items.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : items.length - 1) : Math.min(items.length - 1, Math.max(0, at + step));
  items[next].focus();
  items[next].scrollIntoView({ block: "nearest" });
  return true;
}

function run(action) {
  if (action === "help") return openSheet();
  const el = target(action);
  if (el) {
    press(el);
    return true;
  }
  if (action === "next") return walk(1);
  if (action === "previous") return walk(-1);
  return false;
}

function label(el) {
  const own = el.dataset.keyLabel || el.getAttribute("aria-label");
  if (own) return own;
  const copy = (el.labels?.[0] ?? el).cloneNode(true);
  copy.querySelectorAll("kbd, .visually-hidden").forEach((node) => node.remove());
  return copy.textContent.trim().replace(/\s+/g, " ");
}

function sheetRows() {
  const rows = [];
  for (const [action, key] of Object.entries(keys)) {
    const el = target(action);
    if (el) rows.push([label(el), key]);
    else if (document.querySelector("[data-key-list]") && (action === "next" || action === "previous"))
      rows.push([action === "next" ? "Next in the list" : "Previous in the list", key]);
  }
  for (const el of document.querySelectorAll("[data-more-keys]"))
    if (usable(el)) rows.push(...JSON.parse(el.dataset.moreKeys));
  rows.push(["These keys", keys.help ?? "?"], ["Leave a field", "Esc"]);
  return rows;
}

function make(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value);
  el.append(...children);
  return el;
}

function openSheet() {
  document.getElementById("key-sheet")?.remove();
  const list = make("dl", { class: "key-list" });
  for (const [text, key] of sheetRows())
    list.append(make("div", {}, make("dt", {}, text), make("dd", {}, make("kbd", {}, key))));
  const close = make("button", { class: "button small", type: "button" }, "Close");
  const dialog = make(
    "dialog",
    { id: "key-sheet", class: "dialog", "aria-labelledby": "key-sheet-title" },
    make("header", {}, make("h2", { id: "key-sheet-title" }, "Keys"), close),
    make("div", { class: "body" }, list),
  );
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
  const typing = event.target.matches?.(TYPING);
  if (event.key === "Escape" && typing) {
    event.target.blur();
    return;
  }
  if (typing || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  const action = byKey.get(event.key.toLowerCase());
  if (action && run(action)) event.preventDefault();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-key-sheet]")) openSheet();
});

function announce(root) {
  for (const el of root.querySelectorAll("[data-key-action]")) {
    const key = keys[el.dataset.keyAction];
    if (key) el.setAttribute("aria-keyshortcuts", key);
  }
  for (const el of root.querySelectorAll("kbd[data-key]")) {
    if (keys[el.dataset.key]) el.textContent = keys[el.dataset.key];
  }
}
announce(document);
document.addEventListener("htmx:load", (event) => announce(event.target));
