/* Keeps what is being written until the server has taken it: through a lost lease, a
   reload, or a server that is gone. In this tab alone. Attribute:
   - data-draft="key" on a text field or a choice; its <details> is opened when there is
     something. What is as it was filled in is not kept. */

const FIELD = ":is(textarea, input, select)[data-draft]";
const name = (el) => `draft:${el.dataset.draft}`;

function filledIn(el) {
  if (!el.matches("select")) return el.defaultValue;
  return ([...el.options].find((one) => one.defaultSelected) ?? el.options[0])?.value ?? "";
}

function restore() {
  for (const el of document.querySelectorAll(FIELD)) {
    const kept = sessionStorage.getItem(name(el));
    if (kept === null || el.value !== filledIn(el)) continue;
    el.value = kept;
    const fold = el.closest("details");
    if (fold) fold.open = true;
  }
}

document.addEventListener("input", ({ target }) => {
  if (!target.matches(FIELD)) return;
  if (target.value !== filledIn(target)) sessionStorage.setItem(name(target), target.value);
  else sessionStorage.removeItem(name(target));
});
document.addEventListener("htmx:beforeOnLoad", ({ detail }) => {
  if (detail.xhr.status >= 400) return;
  // Fields may stand outside of the form that they belong to.
  const sent = detail.elt.elements ?? detail.elt.querySelectorAll(FIELD);
  for (const el of sent) if (el.matches(FIELD)) sessionStorage.removeItem(name(el));
});
restore();
document.addEventListener("htmx:load", restore);
