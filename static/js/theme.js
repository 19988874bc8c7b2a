/* Changes the theme at once, without leaving the page. The plain form does the same with
   a reload. Attribute: data-theme-form on a form whose buttons are named "theme". */

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const theme = event.submitter?.value;
  if (!form.matches("[data-theme-form]") || !theme) return;
  event.preventDefault();
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const button of form.querySelectorAll("button[name=theme]"))
    button.setAttribute("aria-pressed", String(button === event.submitter));
  const body = new FormData(form);
  body.set("theme", theme);
  await fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => {});
});
