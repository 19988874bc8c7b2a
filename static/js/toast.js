/* Short notes in the corner. They come from
   - an answer's header HX-Trigger: {"toast": {"text": "…", "tone": "good|warn|alarm"}},
   - document.dispatchEvent(new CustomEvent("toast", {detail: {text, tone}})),
   - a request that failed: "Not saved", with a button that tries again,
   - markup with class "toast" that an answer swaps into #toasts out of band.
   Good ones leave after 6 s unless pointed at or focused; the others stay until closed.
   data-toast-close on a button inside closes it. */

const region = document.getElementById("toasts");
const STAY_MS = 6000;

function show({ text, tone = "good", action, run }) {
  const toast = document.createElement("div");
  toast.className = `toast ${tone}`;
  const words = document.createElement("p");
  words.textContent = text;
  toast.append(words);
  if (action) {
    const button = Object.assign(document.createElement("button"), {
      type: "button", className: "button small", textContent: action,
    });
    button.addEventListener("click", () => { toast.remove(); run(); });
    toast.append(button);
  }
  const close = Object.assign(document.createElement("button"), {
    type: "button", className: "button plain small", textContent: "Close",
  });
  close.dataset.toastClose = "";
  toast.append(close);
  region.append(toast);
}

function leaveLater(toast) {
  if (!toast.matches(".good") || toast.dataset.leaving) return;
  toast.dataset.leaving = "1";
  setTimeout(function leave() {
    if (toast.matches(":hover, :focus-within")) setTimeout(leave, STAY_MS);
    else toast.remove();
  }, STAY_MS);
}
new MutationObserver((changes) => {
  for (const change of changes)
    for (const node of change.addedNodes) if (node.matches?.(".toast")) leaveLater(node);
}).observe(region, { childList: true });
region.querySelectorAll(".toast").forEach(leaveLater);
region.addEventListener("click", (event) => {
  if (event.target.closest("[data-toast-close]")) event.target.closest(".toast").remove();
});

document.addEventListener("toast", (event) => {
  const { detail } = event;
  show(detail.value === undefined ? detail : { text: detail.value });
});

function failed(event, text) {
  const { elt, requestConfig } = event.detail;
  const changes = requestConfig && requestConfig.verb !== "get";
  const form = elt?.closest("form");
  const submitter = requestConfig?.triggeringEvent?.submitter ?? undefined;
  const retry = form?.isConnected
    // Pressed, not submitted: htmx sends the value of the button that was clicked last.
    ? { action: "Try again", run: () => (submitter?.isConnected ? submitter.click() : form.requestSubmit()) }
    : {};
  show({ text: `${changes ? "Not saved" : "Not loaded"}: ${text}`, tone: "alarm", ...(changes ? retry : {}) });
}
document.addEventListener("htmx:sendError", (event) => failed(event, "the server cannot be reached."));
document.addEventListener("htmx:timeout", (event) => failed(event, "the server did not answer in time."));
document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  if (status === 403) failed(event, "you may not do this, or the page was open too long. Reload it.");
  else if (status === 404) failed(event, "it is no longer there.");
  else failed(event, `the server answered ${status}.`);
});
