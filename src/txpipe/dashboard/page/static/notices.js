// Notices and sounds, by choice: the first alert at once, what follows soon after it in one summary.

import { RANKS } from "./cells.js";
import { byId, store, stored } from "./basics.js";

const LOUD = new Set(["critical", "high"]);
const MOST = 10_000; // alerts of a summary: a page in the background may be let run once a minute
const QUIET_MS = 5000; // between two sounds or notices

let waiting = new Map(); // by id: alerts for the next summary
let timer = null;
let sounds = null;

// Whether an alert is news for somebody who does not look: grave, valid, and nobody has judged it yet.
const isNews = (row) =>
  LOUD.has(row.sev) && row.status !== "retracted" && (row.triage ?? "open") === "open" && !row.shadow;

export function notice(rows) {
  for (const row of rows) {
    if (!isNews(row)) waiting.delete(row.id);
    else if (waiting.size < MOST || waiting.has(row.id)) waiting.set(row.id, row);
  }
  if (timer === null) tell();
}

export function forget(ids) {
  for (const id of ids) waiting.delete(id);
}

function tell() {
  timer = null;
  if (!waiting.size) return;
  const rows = [...waiting.values()];
  waiting = new Map();
  timer = setTimeout(tell, QUIET_MS);
  const worst = rows.reduce((one, other) => (RANKS[other.sev] >= RANKS[one.sev] ? other : one));
  if (stored("sound") === "on") beep(worst.sev === "critical");
  if (stored("bell") === "on" && window.Notification?.permission === "granted") show(worst, rows.length);
}

function show(row, count) {
  const more = count > 1 ? `${count.toLocaleString("en")}${count < MOST ? "" : "+"} alerts; the gravest: ` : "";
  const made = new Notification(`${row.sev}: ${row.rule}`, { body: more + row.title, tag: "txdash" });
  made.onclick = () => {
    window.focus();
    location.assign(count > 1 ? "/" : `/alerts/${encodeURIComponent(row.id)}`);
  };
}

function beep(grave) {
  sounds ??= new AudioContext();
  if (sounds.state === "suspended") { // browsers want a click or a key on the page first
    sounds.resume().then(muted);
    muted();
    return;
  }
  const tone = sounds.createOscillator();
  const volume = sounds.createGain();
  tone.frequency.value = grave ? 880 : 587;
  volume.gain.setValueAtTime(0.12, sounds.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, sounds.currentTime + 0.35);
  tone.connect(volume).connect(sounds.destination);
  tone.start();
  tone.stop(sounds.currentTime + 0.36);
}

function muted() {
  const button = byId("switch-sound");
  if (button) button.textContent = sounds?.state === "suspended" ? "Sound: click once" : "Sound";
}

// A click or a key lets a sound that was chosen before be heard.
export function unmute() {
  if (stored("sound") !== "on") return;
  sounds ??= new AudioContext();
  if (sounds.state === "suspended") sounds.resume().then(muted);
}

export async function toggle(name) {
  const on = stored(name) !== "on";
  if (name === "bell" && on && !(await allowed())) return;
  store(name, on ? "on" : "off");
  if (name === "sound" && on) beep(false);
  pressed(name);
}

async function allowed() {
  const button = byId("switch-bell");
  const state = window.Notification ? await Notification.requestPermission() : "denied";
  if (state === "granted") return true;
  if (button) button.textContent = window.isSecureContext ? "Notify: not allowed" : "Notify: needs https";
  return false;
}

export function pressed(name) {
  byId(`switch-${name}`)?.setAttribute("aria-pressed", String(stored(name) === "on"));
}
