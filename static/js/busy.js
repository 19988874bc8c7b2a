/* Shows at once that a press was taken, and sends a form only once at a time.

   Works on every form, plain or htmx. Attributes:
   - data-busy="off" on a form: leave it alone (downloads, filters).
   While a request runs the form has data-busy-now and the pressed button the class
   "is-busy" and aria-disabled; the focus stays where it is. Without the script forms
   simply submit: the server refuses repeats by itself. */

const RELEASE_MS = 20000; // an answer that does not replace the page (a download)
const pressed = new WeakMap();

function take(form, submitter) {
  form.dataset.busyNow = "";
  const button = submitter ?? form.querySelector("button:not([type=button])");
  if (!button) return;
  button.classList.add("is-busy");
  button.setAttribute("aria-disabled", "true");
  pressed.set(form, button);
}

function release(form) {
  delete form.dataset.busyNow;
  const button = pressed.get(form);
  button?.classList.remove("is-busy");
  button?.removeAttribute("aria-disabled");
  pressed.delete(form);
}

const usesHtmx = (form, submitter) =>
  [form, submitter].some((el) => el?.matches("[hx-post],[hx-put],[hx-delete],[hx-patch],[hx-get]"));

document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (form.dataset.busy === "off" || form.method === "dialog") return;
    if ("busyNow" in form.dataset) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    if (usesHtmx(form, event.submitter)) return; // taken once htmx really sends it
    // Only after other listeners have had the chance to refuse the event.
    queueMicrotask(() => {
      if (event.defaultPrevented) return;
      take(form, event.submitter);
      setTimeout(() => release(form), RELEASE_MS);
    });
  },
  true,
);

document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, requestConfig } = event.detail;
  const form = elt.closest("form");
  if (!form || requestConfig.verb === "get" || form.dataset.busy === "off") return;
  take(form, requestConfig.triggeringEvent?.submitter ?? (elt === form ? undefined : elt));
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt?.closest("form");
  if (form) release(form);
});
// Back and forward bring a page back as it was left: with its buttons pressed.
addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-busy-now]").forEach(release);
});
