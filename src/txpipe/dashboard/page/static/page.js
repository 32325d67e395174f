// The browser's part of the page: the table's rows, ages, filters in the address, copying, notices.
// Whatever comes from alerts goes into texts and attributes; nothing here makes markup of it.
"use strict";

const txdash = (() => {
  const KEPT = 2000; // rows in the browser
  const MARKS = { critical: "◆", high: "▲", medium: "■", low: "●", info: "○" };
  const RANKS = { critical: 4, high: 3, medium: 2, low: 1, info: 0 };
  const STATES = { open: "", acknowledged: "✓ acknowledged", false_positive: "✗ false positive", resolved: "✔ resolved" };
  const LOUD = new Set(["critical", "high"]);
  const HEALTH = { ok: "✓", stalled: "▲", blind: "◆", silent: "?" };
  const QUIET_MS = 2000; // between two sounds or notices

  let api = null;
  let order = []; // ids in the table, newest first
  let held = new Map(); // what came in while the table stood still, oldest first
  let paused = false;
  let away = false; // scrolled down
  let next = null;
  let early = [];

  const byId = (id) => document.getElementById(id);
  const now = () => Date.now() / 1000;
  const stored = (key) => {
    try {
      return localStorage.getItem(`txdash-${key}`);
    } catch {
      return null;
    }
  };
  const store = (key, value) => {
    try {
      localStorage.setItem(`txdash-${key}`, value);
    } catch {
      // a private window: it holds until the page goes
    }
  };

  function make(tag, text, classes, attributes = {}) {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    if (classes) made.className = classes;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  function fill(id, children) {
    byId(id)?.replaceChildren(...children);
  }

  function ago(seconds) {
    const left = Math.max(Math.floor(seconds), 0);
    for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
      if (left >= size) return `${Math.floor(left / size)} ${unit}`;
    }
    return `${left} s`;
  }

  function utc(seconds) {
    const at = new Date(seconds * 1000);
    return Number.isNaN(at.getTime()) ? String(seconds) : `${at.toISOString().replace("T", " ").slice(0, 19)} UTC`;
  }

  // -- the table

  const severity = {
    text: (p) => `${MARKS[p.value] ?? ""} ${p.value}`,
    classes: (p) => `sev sev-${p.value}`,
    title: (p) => p.value,
    compare: (one, other) => RANKS[one] - RANKS[other],
  };
  const age = {
    text: (p) => ago(now() - p.value),
    classes: "age",
    title: (p) => `came ${utc(p.value)}; block of ${utc(p.data.time)}`,
    compare: (one, other) => other - one,
  };
  const state = {
    text: (p) => {
      if (p.data.status === "retracted") return "⊘ retracted";
      const said = STATES[p.value] ?? "";
      return p.data.shadow && !said ? "on trial" : said;
    },
    classes: "state",
    title: (p) => (p.data.by ? `${STATES[p.value] ?? ""} by ${p.data.by}` : p.data.status),
    compare: (one, other) => (one ?? "").localeCompare(other ?? ""),
  };
  const rowClasses = {
    retracted: (p) => p.data?.status === "retracted",
    done: (p) => (p.data?.triage ?? "open") !== "open",
    grave: (p) => p.data?.sev === "critical" && p.data?.status !== "retracted" && (p.data?.triage ?? "open") === "open",
  };
  const path = (id) => `/alerts/${encodeURIComponent(id)}`;
  const open = (id) => location.assign(path(id));

  function link(text, href, classes) {
    return make("a", text, classes, { href, tabindex: "-1" });
  }

  const title = (p) => link(p.data.title, path(p.data.id), "title");
  const about = (p) => link(p.data.short, `/address/${encodeURIComponent(p.data.who)}`, "");
  const parties = (p) => `about ${p.data.who}\nfrom ${p.data.from || "–"}\nto ${p.data.to || "–"}`;

  function ready(event) {
    api = event.api;
    order = [];
    api.forEachNode((node) => order.push(node.id));
    const older = byId("older");
    next = older?.dataset.next ? Number(older.dataset.next) : null;
    narrow();
    for (const what of early.splice(0)) feed(what);
    shown();
  }

  function narrow() {
    const wide = window.innerWidth;
    const hidden = { chain: wide < 1250, what: wide < 1000, short: wide < 800, rule: wide < 700, triage: wide < 560 };
    for (const [column, hide] of Object.entries(hidden)) api?.setColumnsVisible([column], !hide);
  }

  function scrolled(event) {
    if (event.direction !== "vertical") return;
    away = event.top > 4;
    if (!away) flush();
    shown();
  }

  const still = () => paused || away || (api?.getSelectedNodes().length ?? 0) > 0;

  function feed(what) {
    if (!api) {
      if (byId("older")) early.push(what);
      return early.length;
    }
    const update = [];
    const fresh = [];
    const remove = [];
    for (const { row, keep } of what.marks ?? []) {
      const node = api.getRowNode(row.id);
      if (node && keep) update.push(row);
      else if (node) remove.push(row.id);
      else if (keep) what.rows.push(row);
    }
    for (const row of what.rows ?? []) {
      const node = api.getRowNode(row.id);
      if (node) update.push({ ...node.data, ...row, at: node.data.at });
      else if (held.has(row.id)) held.set(row.id, { ...held.get(row.id), ...row });
      else fresh.push(row);
    }
    notice(fresh);
    for (const row of fresh) held.set(row.id, row);
    while (held.size > KEPT) held.delete(held.keys().next().value);
    change(update, remove);
    if (!still()) flush();
    shown();
    return held.size;
  }

  function change(update, remove) {
    if (remove.length) {
      const gone = new Set(remove);
      order = order.filter((id) => !gone.has(id));
    }
    if (update.length || remove.length) api.applyTransaction({ update, remove: remove.map((id) => ({ id })) });
  }

  function flush() {
    if (!held.size || !api) return;
    const add = [...held.values()].reverse();
    held = new Map();
    order.unshift(...add.map((row) => row.id));
    const gone = order.splice(KEPT);
    if (gone.length) {
      next = null; // the store's order goes on behind what was cut off; a filter leads there
      byId("older")?.classList.add("hidden");
    }
    const kept = gone.length ? new Set(order) : null;
    api.applyTransaction({
      add: kept ? add.filter((row) => kept.has(row.id)) : add,
      addIndex: 0,
      remove: gone.filter((id) => api.getRowNode(id)).map((id) => ({ id })),
    });
  }

  function renew(what) {
    if (!api) return;
    held = new Map();
    order = what.rows.map((row) => row.id);
    api.setGridOption("rowData", what.rows);
    api.ensureIndexVisible?.(0, "top");
    away = false;
    follow(what.next);
    shown();
  }

  function older(what) {
    if (!api) return;
    const add = what.rows.filter((row) => !api.getRowNode(row.id));
    const room = add.slice(0, Math.max(KEPT - order.length, 0));
    order.push(...room.map((row) => row.id));
    api.applyTransaction({ add: room });
    follow(order.length < KEPT ? what.next : null);
    shown();
  }

  function follow(number) {
    next = number;
    byId("older")?.classList.toggle("hidden", next === null);
  }

  function shown() {
    const count = order.length;
    const said = byId("shown");
    const text = `${count.toLocaleString("en")} shown${count >= KEPT ? " (the newest)" : ""}`;
    if (said && said.textContent !== text) said.textContent = text;
    const pill = byId("pill");
    if (!pill) return;
    pill.classList.toggle("hidden", !held.size);
    pill.textContent = held.size ? `${paused ? "paused" : "held"} · ${held.size.toLocaleString("en")} new ↑` : "";
  }

  function key(event) {
    if (event.event.key === "Enter") open(event.data.id);
  }

  function pause(button) {
    paused = !paused;
    button.textContent = paused ? "Resume" : "Pause";
    if (!paused && !away) flush();
    shown();
  }

  function catchUp() {
    if (paused) pause(byId("pause"));
    api?.deselectAll();
    api?.ensureIndexVisible(0, "top");
    away = false;
    flush();
    shown();
  }

  // -- how it is

  function pulse(what) {
    trouble(what.trouble);
    const lasting = what.sources.map(source);
    if (!lasting.length) lasting.push(make("span", "no source has said anything yet (txdetect --heartbeat 1)", "faint"));
    if (what.more) lasting.push(make("span", `and ${what.more} more`, "faint"));
    fill("sources", lasting);
    const levels = Object.keys(MARKS).map((name) => {
      const made = make("span", "", `count sev-${name}`);
      made.append(make("span", `${MARKS[name]} `, ""), make("b", (what.severity[name] ?? 0).toLocaleString("en")));
      made.append(make("span", ` ${name}`, ""));
      return made;
    });
    levels.push(make("span", `${what.open.toLocaleString("en")} open of ${what.total.toLocaleString("en")}`, "faint"));
    fill("counters", levels);
    fill("sparks", [spark("records", what.traffic), spark("alerts", what.alerts)]);
    return true;
  }

  function source(each) {
    const made = make("span", "", `source is-${each.status}`);
    const loud = each.status !== "ok";
    made.append(make("b", `${HEALTH[each.status]} ${loud ? each.status.toUpperCase() : "ok"}`));
    const bad = each.bad ? ` · ${each.bad} bad lines` : "";
    const block = each.block === null ? "no block yet" : `block ${each.block}`;
    const since = loud ? ` · for ${ago(now() - each.since)}` : "";
    made.append(make("span", ` ${each.name} · ${block} · ${ago(each.lag)} behind${bad}${since}`));
    made.title = `last heard ${utc(each.seen)}`;
    return made;
  }

  function trouble(text) {
    const place = byId("trouble");
    if (place && place.textContent !== text) place.textContent = text;
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

  // -- filters, which are the page's address

  const PLAIN = ["q", "rule", "chain", "triage", "status"];

  function query() {
    const found = new URLSearchParams(location.search);
    for (const name of ["severity", ...PLAIN]) found.delete(name);
    for (const form of [byId("search"), byId("filters")]) {
      for (const [name, value] of new FormData(form)) if (value.trim()) found.append(name, value.trim());
    }
    return found.toString();
  }

  function restore() {
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

  function filter(text, push) {
    if (push) history.pushState(null, "", text ? `?${text}` : location.pathname);
    offer(new URLSearchParams(text));
    emitEvent("filter", text);
  }

  // -- notices, by choice

  let quietUntil = 0;
  let sounds = null;

  function notice(rows) {
    const loud = rows.filter((row) => LOUD.has(row.sev) && row.status !== "retracted");
    if (!loud.length || Date.now() < quietUntil) return;
    const bell = stored("bell") === "on";
    const sound = stored("sound") === "on";
    if (!bell && !sound) return;
    quietUntil = Date.now() + QUIET_MS;
    if (sound) beep(loud.some((row) => row.sev === "critical"));
    if (bell && window.Notification?.permission === "granted") {
      const last = loud[loud.length - 1];
      const more = loud.length > 1 ? ` (and ${loud.length - 1} more)` : "";
      const made = new Notification(`${last.sev}: ${last.rule}`, { body: last.title + more, tag: "txdash" });
      made.onclick = () => {
        window.focus();
        open(last.id);
      };
    }
  }

  function beep(grave) {
    sounds ??= new AudioContext();
    const tone = sounds.createOscillator();
    const volume = sounds.createGain();
    tone.frequency.value = grave ? 880 : 587;
    volume.gain.setValueAtTime(0.12, sounds.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, sounds.currentTime + 0.35);
    tone.connect(volume).connect(sounds.destination);
    tone.start();
    tone.stop(sounds.currentTime + 0.36);
  }

  async function toggle(name) {
    const on = stored(name) !== "on";
    if (name === "bell" && on && window.Notification && Notification.permission !== "granted") {
      if ((await Notification.requestPermission()) !== "granted") return;
    }
    store(name, on ? "on" : "off");
    if (name === "sound" && on) beep(false);
    pressed(name);
  }

  function pressed(name) {
    byId(`switch-${name}`)?.setAttribute("aria-pressed", String(stored(name) === "on"));
  }

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
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "copied";
    } catch {
      button.textContent = copyOld(text) ? "copied" : "not allowed";
    }
    setTimeout(() => (button.textContent = label), 1500);
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
    await fetch("/api/v1/logout", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
    location.assign("/login");
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
    else if (button.id === "older" && next !== null) emitEvent("older", next);
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

  document.addEventListener("click", clicked);
  document.addEventListener("keydown", pressedKey);
  document.addEventListener("DOMContentLoaded", waitForPage);
  window.addEventListener("resize", narrow);
  window.addEventListener("popstate", () => {
    if (!byId("filters")) return;
    restore();
    filter(location.search.slice(1), false);
  });
  setInterval(() => {
    api?.refreshCells({ columns: ["at"], force: true });
    for (const each of document.querySelectorAll("time.ago")) each.textContent = ago(now() - Number(each.dataset.at));
  }, 1000);

  return {
    about, age, feed, key, leave, note, older, open, parties, pulse, ready, renew, rowClasses, scrolled, severity, state, title,
  };
})();
window.txdash = txdash;
