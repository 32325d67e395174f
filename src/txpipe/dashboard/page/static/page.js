// The browser's part of the page: what the server and the table's options call, keys and buttons.
// Whatever comes from alerts goes into texts and attributes; nothing here makes markup of it.

import { ago, byId, make, now, say, store, stored } from "./basics.js";
import { age, open, parties, rowClasses, severity, state, title } from "./cells.js";
import { filter, query, restore } from "./filters.js";
import { pressed, toggle, unmute } from "./notices.js";
import { listen, opened, pulse } from "./pulse.js";
import { catchUp, feed, key, narrow, nextOlder, older, pause, ready, refresh, renew, scrolled } from "./table.js";

const isDark = () => document.body.classList.contains("body--dark");

function theme(flip) {
  if (flip) store("theme", isDark() ? "light" : "dark");
  const chosen = stored("theme");
  if (chosen) setDark(chosen === "dark");
  const button = byId("switch-theme");
  if (!button) return;
  button.textContent = isDark() ? "Light" : "Dark";
  button.removeAttribute("aria-pressed");
}

async function copy(button) {
  const text = button.dataset.copy ?? byId(button.dataset.copyFrom)?.textContent ?? "";
  let said = "copied";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copyOld(text)) said = "not allowed";
  }
  button.textContent = said;
  say("news", said);
  setTimeout(() => {
    button.textContent = "copy";
    say("news", "");
  }, 1500);
}

function copyOld(text) { // without TLS there is no clipboard but on localhost
  const field = make("textarea", text, "unseen");
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}

async function logOut() {
  try {
    await fetch("/api/v1/logout", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
    location.assign("/login");
  } catch {
    byId("trouble").textContent = "The server does not answer: you are not logged out.";
  }
}

const leave = () => location.assign("/login");
const note = () => byId("note")?.value ?? "";
const typing = (element) => element.closest?.("input, textarea, select, [contenteditable]");

function pressedKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && typing(event.target)) event.target.blur();
  if (typing(event.target)) return;
  if (event.key === "/") {
    event.preventDefault();
    byId("q")?.focus();
  } else if (event.key === "u" && location.pathname !== "/") {
    history.length > 1 ? history.back() : location.assign("/");
  } else {
    document.querySelector(`button[data-key="${CSS.escape(event.key)}"]:not([disabled])`)?.click();
  }
}

function clicked(event) {
  const button = event.target.closest?.("button");
  if (!button) return;
  if ("copy" in button.dataset || "copyFrom" in button.dataset) copy(button);
  else if (button.id === "pause") pause(button);
  else if (button.id === "pill") catchUp();
  else if (button.id === "older" && nextOlder() !== null) emitEvent("older", nextOlder());
  else if (button.id === "clear") {
    history.pushState(null, "", location.pathname);
    restore();
    filter("", false);
  } else if (button.id === "switch-theme") theme(true);
  else if (button.id === "switch-bell") toggle("bell");
  else if (button.id === "switch-sound") toggle("sound");
  else if (button.id === "log-out") logOut();
}

function begin() {
  theme(false);
  pressed("bell");
  pressed("sound");
  const own = byId("filters");
  if (!own) return;
  restore();
  own.addEventListener("change", () => filter(query(), true));
  own.addEventListener("submit", (event) => event.preventDefault());
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    filter(query(), true);
  });
}

function waitForPage() { // Vue makes the page after the scripts are in
  const seen = new MutationObserver(() => {
    if (!byId("main")) return;
    seen.disconnect();
    begin();
  });
  seen.observe(document.body, { childList: true, subtree: true });
}

for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, unmute);
document.addEventListener("click", clicked);
document.addEventListener("toggle", opened, true);
document.addEventListener("keydown", pressedKey);
document.addEventListener("DOMContentLoaded", waitForPage);
window.addEventListener("resize", narrow);
window.addEventListener("popstate", () => {
  if (!byId("filters")) return;
  restore();
  filter(location.search.slice(1), false);
});
setInterval(() => {
  refresh();
  listen();
  for (const each of document.querySelectorAll("time.ago")) each.textContent = ago(now() - Number(each.dataset.at));
}, 1000);

window.txdash = {
  age, feed, key, leave, note, older, open, parties, pulse, ready, renew, rowClasses, scrolled, severity, state, title,
};
