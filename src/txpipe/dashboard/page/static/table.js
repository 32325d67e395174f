// The table's rows: what comes in, what waits while it stands still, and how many stay.

import { byId, say } from "./basics.js";
import { open } from "./cells.js";
import { forget, notice } from "./notices.js";

const KEPT = 2000; // rows in the browser

let api = null;
let order = []; // ids in the table, newest first
let held = new Map(); // what came in while the table stood still, oldest first
let paused = false;
let away = false; // scrolled down
let next = null;
let early = [];

export function ready(event) {
  api = event.api;
  order = [];
  api.forEachNode((node) => order.push(node.id));
  const older = byId("older");
  next = older?.dataset.next ? Number(older.dataset.next) : null;
  narrow();
  for (const what of early.splice(0)) feed(what);
  shown();
}

export function narrow() {
  const wide = window.innerWidth;
  const hidden = { chain: wide < 1400, what: wide < 1240, parties: wide < 1000, rule: wide < 700, triage: wide < 560 };
  for (const [column, hide] of Object.entries(hidden)) api?.setColumnsVisible([column], !hide);
}

export function scrolled(event) {
  if (event.direction !== "vertical") return;
  away = event.top > 4;
  if (!away) flush();
  shown();
}

const still = () => paused || away || (api?.getSelectedNodes().length ?? 0) > 0;

const size = (what) => (what.rows?.length ?? 0) + (what.marks?.length ?? 0);

export function feed(what) {
  if (!api) {
    if (byId("older")) early.push(what);
    while (early.reduce((sum, each) => sum + size(each), 0) > KEPT) early.shift();
    return early.length;
  }
  const update = [];
  const fresh = [];
  const remove = [];
  const known = []; // somebody has said something of them, which is no news
  for (const { row, keep } of what.marks ?? []) {
    const node = api.getRowNode(row.id);
    if (node && keep) update.push(row);
    else if (node) remove.push(row.id);
    else if (held.has(row.id)) keep ? held.set(row.id, row) : held.delete(row.id);
    else if (keep) known.push(row);
  }
  for (const row of what.rows ?? []) {
    const node = api.getRowNode(row.id);
    if (node) update.push({ ...node.data, ...row, at: node.data.at });
    else if (held.has(row.id)) held.set(row.id, { ...held.get(row.id), ...row });
    else fresh.push(row);
  }
  notice(fresh);
  forget([...update, ...(what.rows ?? [])].filter((row) => row.status === "retracted").map((row) => row.id));
  forget((what.marks ?? []).filter(({ row }) => row.triage !== "open").map(({ row }) => row.id));
  for (const row of [...known, ...fresh]) held.set(row.id, row);
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

export function renew(what) {
  if (!api) return;
  held = new Map();
  order = what.rows.map((row) => row.id);
  api.setGridOption("rowData", what.rows);
  api.ensureIndexVisible?.(0, "top");
  away = false;
  follow(what.next);
  shown();
  say("news", `${order.length} alerts shown`);
}

export function older(what) {
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
  document.querySelector(".grid")?.style.setProperty("--rows", String(Math.min(count, 99)));
  const said = byId("shown");
  const text = `${count.toLocaleString("en")} shown${count >= KEPT ? " (the newest)" : ""}`;
  if (said && said.textContent !== text) said.textContent = text;
  const pill = byId("pill");
  if (!pill) return;
  pill.classList.toggle("hidden", !held.size);
  pill.textContent = held.size ? `${paused ? "paused" : "held"} · ${held.size.toLocaleString("en")}${held.size < KEPT ? "" : "+"} new ↑` : "";
}

export function key(event) {
  if (event.event.key === "Enter") open(event.data.id);
}

export function pause(button) {
  paused = !paused;
  button.textContent = paused ? "Resume" : "Pause";
  if (!paused && !away) flush();
  shown();
}

export function catchUp() {
  if (paused) pause(byId("pause"));
  api?.deselectAll();
  api?.ensureIndexVisible(0, "top");
  away = false;
  flush();
  shown();
}

export const refresh = () => api?.refreshCells({ columns: ["at"], force: true });

export const nextOlder = () => next;
