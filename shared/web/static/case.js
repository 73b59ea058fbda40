// The form of a case: where the preview cannot be put in place (the session has ended, the reason cannot be taken, the
// case was decided meanwhile), its button sends the form, and the page that answers says why and keeps what was typed.
// Without this script the button always does. What is asked for while somebody types is not worth leaving the page for.

document.addEventListener("htmx:responseError", ({ target, detail }) => {
  if (target.matches("button") && detail.target.id === "preview") target.form.requestSubmit(target);
});
