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
export const about = (p) => link(p.data.short, `/address/${encodeURIComponent(p.data.who)}`, "");
export const parties = (p) => `about ${p.data.who}\nfrom ${p.data.from || "–"}\nto ${p.data.to || "–"}`;
