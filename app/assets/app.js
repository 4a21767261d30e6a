// What scripts add. Everything works without them.

// A page that says what went wrong starts there.
document.getElementById("error-summary")?.focus();

// A double click sends once.
const form = document.getElementById("simpleform");
form?.addEventListener("submit", (event) => {
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  const button = form.querySelector("button[type=submit]");
  button.textContent = button.dataset.sending;
  button.setAttribute("aria-disabled", "true");
});
// Back may bring the page as it was left.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
