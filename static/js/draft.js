/* Keeps what is being written until the server has taken it: through a lost lease, a
   reload, or a server that is gone. In this tab alone. Attribute:
   - data-draft="key" on a text field; its <details> is opened when there is something. */

const FIELD = "textarea[data-draft], input[data-draft]";
const name = (el) => `draft:${el.dataset.draft}`;

function restore() {
  for (const el of document.querySelectorAll(FIELD)) {
    const kept = sessionStorage.getItem(name(el));
    if (!kept || el.value) continue;
    el.value = kept;
    const fold = el.closest("details");
    if (fold) fold.open = true;
  }
}

document.addEventListener("input", ({ target }) => {
  if (!target.matches(FIELD)) return;
  if (target.value) sessionStorage.setItem(name(target), target.value);
  else sessionStorage.removeItem(name(target));
});
document.addEventListener("htmx:beforeOnLoad", ({ detail }) => {
  if (detail.xhr.status >= 400) return;
  detail.elt.querySelectorAll(FIELD).forEach((el) => sessionStorage.removeItem(name(el)));
});
restore();
document.addEventListener("htmx:load", restore);
