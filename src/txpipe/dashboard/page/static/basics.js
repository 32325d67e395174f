// What every part needs: elements made of texts, spans of time, what the browser remembers.

export const MARKS = { critical: "◆", high: "▲", medium: "■", low: "●", info: "○" };

export const byId = (id) => document.getElementById(id);
export const now = () => Date.now() / 1000;
export const stored = (key) => {
  try {
    return localStorage.getItem(`txdash-${key}`);
  } catch {
    return null;
  }
};
export const store = (key, value) => {
  try {
    localStorage.setItem(`txdash-${key}`, value);
  } catch {
    // a private window: it holds until the page goes
  }
};

export function make(tag, text, classes, attributes = {}) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (classes) made.className = classes;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

export function fill(id, children) {
  byId(id)?.replaceChildren(...children);
}

// Tell those who hear the page, once: what changes every second must not be read out every second.
export function say(id, text) {
  const place = byId(id);
  if (place && place.textContent !== text) place.textContent = text;
}

export function ago(seconds) {
  const left = Math.max(Math.floor(seconds), 0);
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (left >= size) return `${Math.floor(left / size)} ${unit}`;
  }
  return `${left} s`;
}

export function utc(seconds) {
  const at = new Date(seconds * 1000);
  return Number.isNaN(at.getTime()) ? String(seconds) : `${at.toISOString().replace("T", " ").slice(0, 19)} UTC`;
}
