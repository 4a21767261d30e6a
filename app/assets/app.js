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
  // submit again. The server stores the form only once.
  form.addEventListener("submit", (event) => {
    if (sending) return event.preventDefault();
    showSending(true);
    timeout = setTimeout(showSending, 15000, false);
  });

  // If the visitor goes back after success, show an empty form with a new token. The browser may have
  // kept the old form.
  addEventListener("pageshow", (event) => {
    showSending(false);
    const back = event.persisted || performance.getEntriesByType("navigation")[0]?.type === "back_forward";
    if (back && sessionStorage.getItem("stored")) location.replace("/simpleform");
    sessionStorage.removeItem("stored");
  });
}
// Note success at once, and again when the browser shows the page of success without loading it.
const noteSuccess = () => {
  if (document.getElementById("stored")) sessionStorage.setItem("stored", "yes");
};
noteSuccess();
addEventListener("pageshow", noteSuccess);
