/* The tools of one picture, and the field that they draw. */

const HELP = [["Choose a region of the picture", "[ ]"], ["Choose a corner of it", "."], ["Move what is chosen", "arrows"], ["Resize it", "Shift arrows"], ["Name it otherwise", "t"], ["Take it out", "Delete"], ["Close a polygon", "Enter"]];
const known = new WeakMap();

export const toolsOf = (root) => known.get(root);

export function beginTools(root) {
  if (!known.has(root)) known.set(root, new Tools(root));
  return known.get(root);
}

class Tools {
  constructor(root) {
    this.root = root;
    this.stage = root.querySelector("[data-viewer-stage]");
    this.button = root.querySelector("[data-region-new]");
    this.select = root.querySelector("[data-region-class]");
    this.deleter = root.querySelector("[data-region-delete]");
    this.field = root.querySelector("[data-region-field]");
    this.editor = null;
    root.querySelector("[data-region-tools]").hidden = false;
    this.stage.dataset.moreKeys = JSON.stringify([...JSON.parse(this.stage.dataset.moreKeys ?? "[]"), ...HELP]);
  }

  know(editor) {
    const { field, title } = editor.table.dataset;
    this.field.append(new Option(title, field));
    this.field.closest("label").hidden = this.field.options.length < 2;
    if (!this.editor) this.take(editor);
  }

  /** Draw this field from now on. */
  take(editor) {
    if (editor !== this.editor) {
      this.arm(false);
      this.editor?.choose(null);
      this.editor = editor;
      this.field.value = editor.table.dataset.field;
      this.button.querySelector("[data-region-noun]").textContent = editor.kind.noun;
      this.select.replaceChildren(...editor.classes().map(([value, text]) => new Option(text, value)));
      this.select.closest("label").hidden = !this.select.options.length;
    }
    const row = editor.chosenRow ?? editor.regions()[0];
    if (row?.name) this.select.value = row.name;
    this.show();
  }

  show() {
    this.deleter.disabled = !this.editor?.chosen;
  }

  arm(on) {
    this.button.setAttribute("aria-pressed", String(on));
    this.stage.classList.toggle("drawing", on);
    if (on || !this.editor?.sketch) return;
    this.editor.sketch = null;
    this.editor.draw();
  }

  isArmed(editor) {
    return this.editor === editor && this.button.getAttribute("aria-pressed") === "true";
  }
}
