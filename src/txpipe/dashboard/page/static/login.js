// Logging in; the secret goes into the request's body and nowhere else.
"use strict";
for (const form of document.forms) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = form.querySelector("[role=alert]");
    const secret = form.querySelector("[type=password]");
    const button = form.querySelector("button");
    said.textContent = "";
    button.disabled = true;
    try {
      const answer = await fetch("/api/v1/login", {
        method: "POST",
        headers: {"content-type": "application/json"},
        body: JSON.stringify(Object.fromEntries([...new FormData(form)].map(([key, text]) =>
          [key, key === "token" ? text.trim() : text]))),
      });
      secret.value = "";
      if (answer.ok) location.replace("/");
      else said.textContent = (await answer.json()).error;
    } catch {
      said.textContent = "The server does not answer.";
    }
    button.disabled = false;
    if (said.textContent) secret.focus();
  });
}
