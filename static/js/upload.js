/* Sends a file with a progress bar, then tells how many rows the server has stored so
   far, then shows the page that it answers with. The server tells in lines of JSON: each
   holds counts, the last one the page.
   Attributes:
   - data-upload on a form with method="post" enctype="multipart/form-data"
   - <progress data-upload-progress> and [data-upload-status] (aria-live) inside it
   - data-upload-cancel on a button inside it (hidden until there is something to cancel).
   Without the script the form is sent as forms are. */

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const megabytes = (bytes) => `${number.format(bytes / 1e6)} MB`;

const STEPS = "application/x-ndjson";
const EVERY_MS = 1000; // readers of screens are not to be told every step

function showPage(html, address) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const main = page.getElementById("main");
  if (!main) return false;
  if (address) history.pushState({}, "", address);
  document.title = page.title;
  document.getElementById("main").replaceWith(main);
  globalThis.htmx?.process(main);
  main.focus();
  return true;
}

const isTold = (xhr) => (xhr.getResponseHeader("Content-Type") ?? "").startsWith(STEPS);

/* The lines that are whole so far; the text grows while the server works. */
function linesOf(text) {
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

function words({ stored, duplicates, refused }) {
  const there = duplicates ? `, ${number.format(duplicates)} there already` : "";
  return `Stored ${number.format(stored)}${there}, refused ${number.format(refused)} so far.`;
}

function lastStep(xhr) {
  return isTold(xhr) ? linesOf(xhr.responseText).findLast((line) => "stored" in line) : undefined;
}

function showAnswer(xhr) {
  if (!isTold(xhr)) return showPage(xhr.responseText, xhr.status < 400 && xhr.responseURL);
  const last = linesOf(xhr.responseText).at(-1);
  return Boolean(last?.page) && showPage(last.page, last.status < 400 && xhr.responseURL);
}

function send(form, submitter) {
  const bar = form.querySelector("[data-upload-progress]");
  const status = form.querySelector("[data-upload-status]");
  const cancel = form.querySelector("[data-upload-cancel]");
  const say = (text) => status && (status.textContent = text);
  const xhr = new XMLHttpRequest();
  const stop = () => xhr.abort();
  let step;
  let toldAt = 0;
  const done = (state, text) => {
    form.dataset.uploadState = state;
    if (cancel) cancel.hidden = true;
    cancel?.removeEventListener("click", stop);
    say(step ? `${text} ${words(step)} What is stored stays; the same file can be sent again.` : text);
  };
  xhr.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    if (bar) Object.assign(bar, { max: event.total, value: event.loaded });
    const sent = event.loaded < event.total;
    say(sent ? `${megabytes(event.loaded)} of ${megabytes(event.total)}` : "Sent. The server is reading it.");
    if (!sent) bar?.removeAttribute("value");
  });
  xhr.addEventListener("progress", () => {
    step = lastStep(xhr) ?? step;
    if (!step || performance.now() - toldAt < EVERY_MS) return;
    toldAt = performance.now();
    say(words(step));
  });
  xhr.addEventListener("load", () => {
    if (!showAnswer(xhr)) done("failed", `Not finished: the server answered ${xhr.status}.`);
  });
  xhr.addEventListener("error", () => done("failed", step ? "The connection broke." : "Not sent: the server cannot be reached. Try again."));
  xhr.addEventListener("abort", () => done("idle", "Cancelled."));
  xhr.open("POST", form.action);
  xhr.setRequestHeader("Accept", `${STEPS}, text/html`);
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
