/* Says what a mark of a chart stands for, on hover and focus. Marks are the elements with
   an aria-label inside `figure.chart .drawing svg`. The table behind the chart holds the
   same numbers, so nothing is lost without the script. */

const MARKS = "figure.chart .drawing svg [aria-label]";
let tip = null;

function show(mark) {
  const figure = mark.closest("figure.chart");
  tip ??= Object.assign(document.createElement("div"), { className: "chart-tip" });
  tip.setAttribute("aria-hidden", "true");
  tip.textContent = mark.getAttribute("aria-label");
  figure.append(tip);
  const box = figure.getBoundingClientRect();
  const at = mark.getBoundingClientRect();
  const left = at.left + at.width / 2 - box.left - tip.offsetWidth / 2;
  tip.style.left = `${Math.max(0, Math.min(left, box.width - tip.offsetWidth))}px`;
  tip.style.top = `${Math.max(0, at.top - box.top - tip.offsetHeight - 8)}px`;
}
const hide = () => tip?.remove();

for (const [enter, leave] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
  document.addEventListener(enter, (event) => {
    const mark = event.target.closest?.(MARKS);
    if (mark && !mark.matches("svg, [role=graphics-document]")) show(mark);
  });
  document.addEventListener(leave, hide);
}
document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
