// For the form "Add a customer account", which works without it:
// - a list pasted into an email field fills in rows, as a list pasted into "Add many at once" does;
// - where htmx gets no good answer, the form is sent the plain way, or the page says what happened.
"use strict";

document.addEventListener("paste", (event) => {
  const field = event.target;
  if (!(field instanceof HTMLInputElement) || field.name !== "customer_email") return;
  const text = event.clipboardData.getData("text/plain");
  const named = field.closest("fieldset").querySelector("[name=common_name]").value.trim();
  const cells = /[\n\r\t]/.test(text.trim());
  const mailbox = /<[^<>\s]+@[^<>\s]+>/.test(text);
  if (!cells && (named || !mailbox)) return;
  event.preventDefault();
  const list = field.form.elements.pasted;
  list.value = list.value.trim() ? `${list.value}\n${text}` : text;
  document.getElementById("fill-in").click();
});

function unanswered(event) {
  const button = event.detail.elt;
  if (!(button instanceof HTMLButtonElement) || !button.form) return;
  const said = document.querySelector(`[data-when="${event.detail.xhr.status}"]`);
  if (said) said.hidden = false;
  else setTimeout(() => button.form.requestSubmit(button)); // once the fields, which htmx held, are free again
}

document.addEventListener("htmx:responseError", unanswered);
document.addEventListener("htmx:sendError", unanswered);
document.addEventListener("htmx:beforeRequest", () => {
  for (const said of document.querySelectorAll("[data-when]")) said.hidden = true;
});
