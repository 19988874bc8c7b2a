/* Sends a file with a progress bar, then shows the page that the server answers with.
   Attributes:
   - data-upload on a form with method="post" enctype="multipart/form-data"
   - <progress data-upload-progress> and [data-upload-status] (aria-live) inside it
   - data-upload-cancel on a button inside it (hidden until there is something to cancel).
   Without the script the form is sent as forms are. */

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const megabytes = (bytes) => `${number.format(bytes / 1e6)} MB`;

function showAnswer(xhr) {
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  const main = page.getElementById("main");
  if (!main) return false;
  if (xhr.status < 400 && xhr.responseURL) history.pushState({}, "", xhr.responseURL);
  document.title = page.title;
  document.getElementById("main").replaceWith(main);
  globalThis.htmx?.process(main);
  main.focus();
  return true;
}

function send(form, submitter) {
  const bar = form.querySelector("[data-upload-progress]");
  const status = form.querySelector("[data-upload-status]");
  const cancel = form.querySelector("[data-upload-cancel]");
  const say = (text) => status && (status.textContent = text);
  const xhr = new XMLHttpRequest();
  const stop = () => xhr.abort();
  const done = (state, text) => {
    form.dataset.uploadState = state;
    if (cancel) cancel.hidden = true;
    cancel?.removeEventListener("click", stop);
    if (text) say(text);
  };
  xhr.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    if (bar) Object.assign(bar, { max: event.total, value: event.loaded });
    const sent = event.loaded < event.total;
    say(sent ? `${megabytes(event.loaded)} of ${megabytes(event.total)}` : "Sent. The server is reading it.");
    if (!sent) bar?.removeAttribute("value");
  });
  xhr.addEventListener("load", () => {
    if (!showAnswer(xhr)) done("failed", `Not taken: the server answered ${xhr.status}.`);
  });
  xhr.addEventListener("error", () => done("failed", "Not sent: the server cannot be reached. Try again."));
  xhr.addEventListener("abort", () => done("idle", "Cancelled."));
  xhr.open("POST", form.action);
  form.dataset.uploadState = "sending";
  if (cancel) cancel.hidden = false;
  cancel?.addEventListener("click", stop);
  xhr.send(new FormData(form, submitter));
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-upload]") || event.defaultPrevented) return;
  event.preventDefault();
  if (form.dataset.uploadState !== "sending") send(form, event.submitter);
});
