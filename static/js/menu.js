/* Menus made of <details data-menu> close when one clicks elsewhere, tabs out or presses
   Escape, and only one is open at a time. Also:
   - data-dialog="id" on a button opens that <dialog>; data-dialog-close closes its own.
   - data-submit-on-change on a select or input submits its form when it changes.
   - data-print on a button prints the page.
   Without the script menus open and close by their summary. */

const open = () => document.querySelectorAll("details[data-menu][open]");

document.addEventListener("click", (event) => {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
  event.target.closest("[data-dialog-close]")?.closest("dialog")?.close();
  if (event.target.closest("[data-print]")) print();
});
document.addEventListener("focusin", (event) => {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of open()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});

// On a phone the current tab may lie outside the strip.
const tab = document.querySelector(".bar .tabs [aria-current]");
const strip = tab?.closest(".tabs");
if (strip && strip.scrollWidth > strip.clientWidth) {
  strip.scrollLeft = tab.offsetLeft - strip.clientWidth / 2 + tab.offsetWidth / 2;
}
