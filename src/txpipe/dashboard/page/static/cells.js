// The table's cells: texts, classes and order of what is in them.

import { MARKS, ago, make, now, utc } from "./basics.js";

export const RANKS = { critical: 4, high: 3, medium: 2, low: 1, info: 0 };
const STATES = { open: "", acknowledged: "✓ acknowledged", false_positive: "✗ false positive", resolved: "✔ resolved" };

export const severity = {
  text: (p) => `${MARKS[p.value] ?? ""} ${p.value}`,
  classes: (p) => `sev sev-${p.value}`,
  title: (p) => p.value,
  compare: (one, other) => RANKS[one] - RANKS[other],
};
export const age = {
  text: (p) => ago(now() - p.value),
  classes: "age",
  title: (p) => `came ${utc(p.value)}; block of ${utc(p.data.time)}`,
  compare: (one, other) => other - one,
};
export const state = {
  text: (p) => {
    if (p.data.status === "retracted") return "⊘ retracted";
    const said = STATES[p.value] ?? "";
    return p.data.shadow && !said ? "on trial" : said;
  },
  classes: "state",
  title: (p) => (p.data.by ? `${STATES[p.value] ?? ""} by ${p.data.by}` : p.data.status),
  compare: (one, other) => (one ?? "").localeCompare(other ?? ""),
};
export const rowClasses = {
  retracted: (p) => p.data?.status === "retracted",
  done: (p) => (p.data?.triage ?? "open") !== "open",
  grave: (p) => p.data?.sev === "critical" && p.data?.status !== "retracted" && (p.data?.triage ?? "open") === "open",
};
const path = (id) => `/alerts/${encodeURIComponent(id)}`;
export const open = (id) => location.assign(path(id));

function link(text, href, classes) {
  return make("a", text, classes, { href, tabindex: "-1" });
}

export const title = (p) => link(p.data.title, path(p.data.id), "title");

// Both parties of what happened, shortened, for poisoners match fewer digits; whom the alert is about has a
// flag. Where that is neither, it stands alone.
export const parties = {
  text: (p) => `${p.data.from} → ${p.data.to} ${p.data.role} ${p.data.who}`,
  cell: (p) => {
    const { who, from, to } = p.data;
    const made = make("span", "", "parties");
    if (who !== from && who !== to) made.append(party(p.data, "about", who));
    else made.append(party(p.data, "from", from), make("span", "→", "arrow", { "aria-hidden": "true" }), party(p.data, "to", to));
    return made;
  },
  title: (p) => [`${p.data.role} ${p.data.who}`, `from ${p.data.from || "–"}`, `to ${p.data.to || "–"}`].join("\n"),
};

function party({ who, role }, name, address) {
  if (!address) return make("span", "–", "party", { "aria-label": `${name} nobody` });
  const isMeant = address === who;
  const short = shortened(address);
  const made = link(short, `/address/${encodeURIComponent(address)}`, isMeant ? `party ${role}` : "party");
  made.setAttribute("aria-label", `${name} ${short}${isMeant ? `, ${role}` : ""}`);
  return made;
}

function shortened(text) {
  if (text.length <= 22) return text;
  const chars = [...text];
  return `${chars.slice(0, 10).join("")}…${chars.slice(-8).join("")}`;
}
