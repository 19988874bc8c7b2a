/* Recordings beside the fields that were heard in them. Markup:
   - audio[data-sound] in a figure, and in it [data-sound-tools] (hidden until the script is
     there): [data-sound-play] plays or stops the whole, [data-sound-next] the piece of one
     field after the other, [data-sound-now] says which.
   - [data-field] with data-evidence='{"start_ms": …, "end_ms": …}' and in it
     [data-sound-piece], a button that plays that piece.
   Without the script the browser's own player plays the whole. */

const AROUND = 0.08; // seconds more on both sides: a word's edge is easily cut off
const ends = new WeakMap();
const places = new WeakMap();

const player = () => document.querySelector("audio[data-sound]");
const fields = () => [...document.querySelectorAll("[data-field]")].filter((one) => one.querySelector("[data-sound-piece]"));
const tell = (text) => {
  const now = document.querySelector("[data-sound-now]");
  if (now) now.textContent = text;
};

/* Stopping before the first sound has come ends the promise of playing: no fault. */
const begin = (audio) => audio.play().catch((error) => {
  if (error.name !== "AbortError") throw error;
});

function playPiece(field) {
  const audio = player();
  if (!audio || !field) return;
  const { start_ms: start, end_ms: end } = JSON.parse(field.dataset.evidence);
  for (const one of fields()) one.toggleAttribute("data-heard", one === field);
  places.set(audio, fields().indexOf(field));
  ends.set(audio, end / 1000 + AROUND);
  audio.currentTime = Math.max(0, start / 1000 - AROUND);
  tell(field.querySelector("label, legend")?.firstChild?.textContent.trim() ?? "");
  begin(audio);
  watch(audio);
}

/* timeupdate comes four times a second: too seldom for a word. */
function watch(audio) {
  const end = ends.get(audio);
  if (end === undefined || audio.paused) return;
  if (audio.currentTime >= end) {
    audio.pause();
    ends.delete(audio);
    return;
  }
  requestAnimationFrame(() => watch(audio));
}

function playAll(audio) {
  ends.delete(audio);
  tell("");
  if (!audio.paused) return audio.pause();
  audio.currentTime = 0;
  return begin(audio);
}

document.addEventListener("click", (event) => {
  const audio = player();
  if (!audio) return;
  if (event.target.closest("[data-sound-play]")) playAll(audio);
  else if (event.target.closest("[data-sound-next]")) {
    const all = fields();
    playPiece(all[((places.get(audio) ?? -1) + 1) % all.length]);
  } else {
    const piece = event.target.closest("[data-sound-piece]");
    if (piece) playPiece(piece.closest("[data-field]"));
  }
});

function ready(root) {
  if (!player()) return;
  for (const one of root.querySelectorAll("[data-sound-tools], [data-sound-piece]")) one.hidden = false;
  for (const one of root.querySelectorAll("[data-sound-next]")) one.hidden = !fields().length;
}
ready(document);
document.addEventListener("htmx:load", (event) => ready(event.target));
