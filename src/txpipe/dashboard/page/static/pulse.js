// The head: how the sources are, how many alerts there are, what came in lately.

import { MARKS, ago, byId, fill, make, now, say, utc } from "./basics.js";

const MOST_CHOICES = 300; // names come and go for as long as the page is open
const HEALTH = { ok: "✓", stalled: "▲", blind: "◆", silent: "?" };

const SILENT_S = 10; // without a pulse, which comes every second

let last = []; // the last stalls that were told
let heard = now();

export function pulse(what) {
  heard = now();
  say("trouble", what.trouble);
  fill("sparks", [spark("lines", what.traffic), spark("alerts", what.alerts)]);
  if (what.trouble) return true; // the rest is not known
  for (const [name, values] of Object.entries(what.choices ?? {})) choices(name, values);
  const lasting = what.sources.map(source);
  if (!lasting.length) lasting.push(make("span", "no source has said anything yet (txdetect --heartbeat 1)", "faint"));
  if (what.more) lasting.push(make("span", `and ${what.more} more`, "faint"));
  fill("sources", lasting);
  last = what.stalls;
  stalls(last);
  const levels = Object.keys(MARKS).map((name) => {
    const made = make("span", "", `count sev-${name}`);
    made.append(make("span", `${MARKS[name]} `, ""), make("b", (what.severity[name] ?? 0).toLocaleString("en")));
    made.append(make("span", ` ${name}`, ""));
    return made;
  });
  levels.push(make("span", `${what.open.toLocaleString("en")} open of ${what.total.toLocaleString("en")}`, "faint"));
  fill("counters", levels);
  say("news-sources", health(what.sources));
  return true;
}

function health(sources) {
  if (!sources.length) return "No source has said anything yet";
  const ill = sources.filter((each) => each.status !== "ok").map((each) => `${each.name} ${each.status}`);
  return ill.length ? `Sources: ${ill.join(", ")}` : "Sources ok";
}

// What is shown says how it is; where nothing is heard any more, that is to be said: once, so without a count.
export function listen() {
  if (now() - heard > SILENT_S) say("trouble", "txdash says nothing any more; what is shown may be old");
}

function choices(name, values) { // rules and chains that the page did not know yet
  const field = document.querySelector(`#filters select[name=${name}]`);
  if (!field || document.activeElement === field) return;
  const known = new Set([...field.options].map((each) => each.value));
  for (const [value, text] of Object.entries(values)) {
    if (!known.has(value) && field.options.length < MOST_CHOICES) field.append(make("option", text, "", { value }));
  }
}

function source(each) {
  const made = make("span", "", `source is-${each.status}`);
  const loud = each.status !== "ok";
  made.append(make("b", `${HEALTH[each.status]} ${loud ? each.status.toUpperCase() : "ok"}`));
  const bad = each.bad ? ` · ${each.bad} bad lines` : "";
  const block = each.block === null ? "no block yet" : `block ${each.block}`;
  const since = loud ? ` · for ${ago(now() - each.since)}` : "";
  made.append(make("span", ` ${each.name} · ${block} · ${clock(each)}${bad}${since}`));
  made.title = `last heard ${utc(each.seen)}`;
  return made;
}

function clock(each) { // a replay has a clock of its own, behind which nobody is
  if (each.lag !== null) return each.block === null ? "not behind yet" : `${ago(each.lag)} behind`;
  return each.clock === null ? "replay" : `replay, at ${utc(each.clock)}`;
}

function stalls(list) {
  const place = byId("stalls");
  if (!place) return;
  place.classList.toggle("hidden", !list.length);
  const lasting = list.filter((each) => each.until === null).length;
  const said = `last stalls: ${list.length}${lasting ? `, ${lasting} now` : ""}`;
  const summary = place.querySelector("summary");
  if (summary.textContent !== said) summary.textContent = said;
  if (place.open) fill("stall-list", list.map(stall));
}

function stall(each) {
  const made = make("li", "", "");
  const until = each.until === null ? "now" : utc(each.until);
  const long = ago((each.until ?? now()) - each.since);
  made.append(make("b", each.status), make("span", ` ${each.name} · ${utc(each.since)} to ${until} · ${long}`));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

function spark(name, values) {
  const most = Math.max(1, ...values);
  const last = values.slice(-10);
  const rate = last.reduce((sum, each) => sum + each, 0) / Math.max(last.length, 1);
  const said = rate >= 10 ? Math.round(rate).toLocaleString("en") : rate.toFixed(1);
  const made = make("span", "", "spark");
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${values.length - 1} 20`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${name} a second over two minutes, ${Math.max(...values)} at most`);
  const line = document.createElementNS(SVG, "polyline");
  line.setAttribute("points", values.map((each, at) => `${at},${19 - (18 * each) / most}`).join(" "));
  svg.append(line);
  made.append(svg, make("b", said), make("span", ` ${name}/s`));
  return made;
}

export function opened(event) {
  if (event.target.id === "stalls") stalls(last);
}
