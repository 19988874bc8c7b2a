/* Draws the regions of fields over their picture, and writes what is drawn into the inputs
   of the form: what is sent is what the form holds, with or without this script.
   - table[data-regions="boxes|polygons|points"][data-field][data-title][data-media]: the
     regions; each tr[data-region] has inputs `field-<name>-<place>-x`, `-y`, `-w`, `-h` or
     `-points`, `-class`, and a check box `-off` that takes it out. Blank rows are for new ones.
   - [data-viewer="<slot>"]: where they are drawn, and the tools: [data-region-field] (where a
     picture has several fields), [data-region-new], [data-region-class],
     [data-region-delete], [data-viewer-said].
   With pointers: drawn, moved, resized; a polygon by its corners, closed at the first one or
   by Enter. On the stage by key: b draws one, [ and ] choose, a full stop chooses a corner,
   arrows move, Shift and arrows resize, t names it otherwise, Delete takes it out. */

import { Editor } from "./region-editor.js";
import { beginTools, toolsOf } from "./region-tools.js";

const editors = new Map();
const rootOf = (el) => el.closest?.("[data-viewer]");
const editorOf = (el) => toolsOf(rootOf(el))?.editor;

/** The editor whose region is under the pointer, else the one that draws. */
function pressed(event) {
  const root = rootOf(event.target);
  const tools = root && toolsOf(root);
  if (!tools || tools.isArmed(tools.editor)) return tools?.editor;
  const svg = event.target.closest?.("svg.edited");
  return editors.get(root).find((one) => one.svg === svg) ?? tools.editor;
}

// Before viewer.js, which leaves alone what is taken here.
document.addEventListener("pointerdown", (event) => {
  const stage = event.target.closest?.("[data-viewer-stage]");
  const editor = stage && pressed(event);
  if (!editor || stage !== editor.stage || event.button > 0 || !event.isPrimary) return;
  if (!editor.press(event)) return;
  event.preventDefault();
  stage.focus({ preventScroll: true });
}, true);
document.addEventListener("pointermove", (event) => {
  const editor = editorOf(event.target);
  if (editor?.action && event.isPrimary) editor.pull(event);
}, true);
for (const name of ["pointerup", "pointercancel"])
  document.addEventListener(name, (event) => {
    const editor = editorOf(event.target);
    if (editor?.action) editor.release();
  }, true);
document.addEventListener("keydown", (event) => {
  const editor = event.target.matches?.("[data-viewer-stage]") && editorOf(event.target);
  if (!editor || event.ctrlKey || event.altKey || event.metaKey) return;
  if (editor.key(event)) event.preventDefault();
}, true);
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-region-new], [data-region-delete]");
  const editor = button && editorOf(button);
  if (!editor) return;
  const tools = toolsOf(editor.root);
  if (button.matches("[data-region-delete]")) editor.delete();
  else if (event.detail === 0) editor.addInView(); // by key
  else tools.arm(!tools.isArmed(editor));
  if (event.detail === 0) editor.stage.focus({ preventScroll: true });
});
document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-region-class]")) editorOf(event.target)?.rename(event.target.value);
  if (!event.target.matches?.("[data-region-field]")) return;
  const root = rootOf(event.target);
  toolsOf(root).take(editors.get(root).find((one) => one.table.dataset.field === event.target.value));
});
for (const name of ["input", "change"])
  document.addEventListener(name, (event) => {
    const table = event.target.closest?.("table[data-regions]");
    if (!table) return;
    for (const found of editors.values()) for (const one of found) if (one.table === table) one.draw();
  });
document.addEventListener("viewer:drawn", (event) => {
  for (const one of editors.get(event.target) ?? []) one.draw();
});

function begin() {
  for (const root of editors.keys()) if (!root.isConnected) editors.delete(root);
  for (const table of document.querySelectorAll("table[data-regions][data-media]")) {
    const root = document.querySelector(`[data-viewer="${CSS.escape(table.dataset.media)}"]`);
    const known = root && (editors.get(root) ?? []);
    if (!root || known.some((one) => one.table === table)) continue;
    const tools = beginTools(root);
    const editor = new Editor(table, root);
    editors.set(root, [...known, editor]);
    tools.know(editor);
  }
}
begin();
document.addEventListener("htmx:load", begin);
