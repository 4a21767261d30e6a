// What scripts add. Everything works without them.

// A page that says what went wrong starts there.
document.getElementById("error-summary")?.focus();

const form = document.getElementById("simpleform");
if (form) {
  const button = form.querySelector("button[type=submit]");
  const label = button.textContent;
  let sending = false;
  const show = (now) => {
    sending = now;
    button.textContent = now ? button.dataset.sending : label;
    button.setAttribute("aria-disabled", now);
  };

  // A double click sends once. Should no answer come, the form can be sent again: it is stored once anyhow.
  form.addEventListener("submit", (event) => {
    if (sending) return event.preventDefault();
    show(true);
    setTimeout(show, 15000, false);
  });

  // Back after success finds an empty form with a fresh token, whatever the browser kept of the old one.
  addEventListener("pageshow", (event) => {
    show(false);
    const back = event.persisted || performance.getEntriesByType("navigation")[0]?.type === "back_forward";
    if (back && sessionStorage.getItem("stored")) location.replace("/simpleform");
    sessionStorage.removeItem("stored");
  });
}
if (document.getElementById("stored")) sessionStorage.setItem("stored", "yes");
