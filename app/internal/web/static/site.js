// The site also works without this script.

// Move the focus to the error summary, if the page has one.
document.getElementById("error-summary")?.focus();

const form = document.getElementById("simpleform");
if (form) {
  const button = form.querySelector("button[type=submit]");
  const label = button.textContent;
  let sending = false;
  let timeout;
  const showSending = (now) => {
    sending = now;
    clearTimeout(timeout);
    button.textContent = now ? button.dataset.sending : label;
    button.setAttribute("aria-disabled", now);
  };

  // Ignore the second click of a double click. If no answer arrives within 15 s, allow the visitor to
  // submit again. The server stores the form only once. If a browser blocks sessionStorage, its use
  // throws an error. Therefore that line is the last one.
  form.addEventListener("submit", (event) => {
    if (sending) return event.preventDefault();
    showSending(true);
    timeout = setTimeout(showSending, 15000, false);
    sessionStorage.setItem("sent", form.elements.token.value);
  });

  // If the visitor goes back to a form that is stored, show an empty form with a new token. The browser
  // may have kept the old form.
  addEventListener("pageshow", () => {
    showSending(false);
    if (sessionStorage.getItem(form.elements.token.value)) location.replace("/simpleform");
  });
}

// If the answer to a form is the success page, note that the form is stored. If another page follows
// the form, the form may not be stored. A success page to which the visitor goes back answers no form.
const sent = sessionStorage.getItem("sent");
const [navigation] = performance.getEntriesByType("navigation");
if (sent && document.getElementById("stored") && navigation?.type === "navigate") {
  sessionStorage.setItem(sent, "stored");
}
sessionStorage.removeItem("sent");
