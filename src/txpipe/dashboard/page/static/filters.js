// The filters, which are the page's address.

import { byId, make } from "./basics.js";

const PLAIN = ["q", "rule", "chain", "triage", "status"];

export function query() {
  const found = new URLSearchParams(location.search);
  for (const name of ["severity", ...PLAIN]) found.delete(name);
  for (const form of [byId("search"), byId("filters")]) {
    for (const [name, value] of new FormData(form)) if (value.trim()) found.append(name, value.trim());
  }
  return found.toString();
}

export function restore() {
  const given = new URLSearchParams(location.search);
  for (const box of document.querySelectorAll("#filters input")) box.checked = given.getAll(box.name).includes(box.value);
  for (const name of PLAIN) {
    const field = document.querySelector(`#filters [name=${name}], #search [name=${name}]`);
    const value = given.get(name) ?? "";
    if (!field) continue;
    if (field.options && value && ![...field.options].some((each) => each.value === value)) {
      field.append(make("option", value, "", { value }));
    }
    field.value = value;
  }
  offer(given);
}

function offer(given) {
  const text = given.get("q") ?? "";
  const place = byId("about");
  if (!place) return;
  const likely = /^(0x[0-9a-fA-F]{40}|[a-zA-Z0-9]{25,62}|[a-z]{1,12}1[a-z0-9]{20,90})$/.test(text);
  place.classList.toggle("hidden", !likely);
  place.textContent = likely ? "This address →" : "";
  place.setAttribute("href", likely ? `/address/${encodeURIComponent(text)}` : "/");
  const rest = [...given.keys()].filter((name) => !["severity", ...PLAIN].includes(name));
  byId("clear").textContent = rest.length ? `Clear (${rest.map((name) => `${name} ${given.get(name).slice(0, 12)}`).join(", ")})` : "Clear";
  byId("clear").classList.toggle("on", [...given.keys()].length > 0);
}

export function filter(text, push) {
  if (push) history.pushState(null, "", text ? `?${text}` : location.pathname);
  offer(new URLSearchParams(text));
  emitEvent("filter", text);
}
