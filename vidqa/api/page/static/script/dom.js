// Elements from values. Text only ever becomes a text node: nothing here can make markup of it.

/** An element; `props` are attributes, except `class`, `on` (listeners), `data` and `style` (by property). */
export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) set(made, name, value);
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

function set(made, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "on") for (const [type, call] of Object.entries(value)) made.addEventListener(type, call);
  else if (name === "data") Object.assign(made.dataset, value);
  else if (name === "style") for (const [key, to] of Object.entries(value)) made.style.setProperty(key, to);
  else made.setAttribute(name, value === true ? "" : value);
}

export const byId = (id) => document.getElementById(id);

/** Says something to those who hear the page; the same words twice are heard twice. */
export function announce(words) {
  const line = byId("status");
  line.textContent = line.textContent === words ? `${words}\u00a0` : words;
}

const PATHS = {
  sun: "M12 4V2m0 20v-2m8-8h2M2 12h2m13.7-5.7 1.4-1.4M4.9 19.1l1.4-1.4m0-11.4L4.9 4.9m14.2 14.2-1.4-1.4M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5",
  auto: "M12 3a9 9 0 1 0 0 18V3m0 0a9 9 0 0 1 0 18",
  keyboard: "M3 7h18v10H3zM7 10.5h.01M11 10.5h.01M15 10.5h.01M18 10.5h.01M8 14h8",
  key: "M14.5 9.5a4.5 4.5 0 1 0-3 4.2L13 15h2v2h2v2h3v-3l-5.7-5.7M8.5 9.5h.01",
  play: "M8 5.5v13l10.5-6.5z",
  clip: "M12 4v11m0 0 4-4m-4 4-4-4M5 20h14",
  check: "m5 12.5 4.5 4.5L19 7.5",
  cross: "M6 6l12 12M18 6 6 18",
  question: "M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4m0 3h.01",
  film: "M4 5h16v14H4zM8 5v14M16 5v14M4 9.7h4M4 14.3h4M16 9.7h4M16 14.3h4",
  minus: "M6 12h12",
  plus: "M6 12h12M12 6v12",
  fit: "M4 12h16M7 9l-3 3 3 3M17 9l3 3-3 3",
};

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const made = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  made.setAttribute("viewBox", "0 0 24 24");
  made.setAttribute("aria-hidden", "true");
  made.setAttribute("class", "glyph");
  path.setAttribute("d", PATHS[name]);
  made.append(path);
  return made;
}
