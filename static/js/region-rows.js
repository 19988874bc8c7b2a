/* A region in the form: one row of the table, whose inputs are what is sent. */

export class Row {
  constructor(tr) {
    this.tr = tr;
  }

  input(name) {
    return this.tr.querySelector(`[name$="-${name}"]`);
  }

  text = (name) => this.input(name)?.value ?? "";

  get off() {
    return Boolean(this.input("off")?.checked);
  }
  get name() {
    return this.text("class");
  }
  get isBlank() {
    return this.places().every((el) => el.value.trim() === "");
  }

  places() {
    return [...this.tr.querySelectorAll("input:not([type=checkbox])")];
  }

  write(values) {
    for (const [name, value] of Object.entries(values)) this.put(this.input(name), String(value));
  }

  put(el, value) {
    if (!el || el.value === value) return;
    el.value = value;
    el.dispatchEvent(new Event("input", { bubbles: true }));
  }

  remove() {
    const off = this.input("off");
    if (off) {
      off.checked = true;
      off.dispatchEvent(new Event("change", { bubbles: true }));
    } else for (const el of this.places()) this.put(el, "");
  }
}
