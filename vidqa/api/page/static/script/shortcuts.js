// Keys for those who prefer them: documented in a dialog, and switched off there.

import { byId, el, icon } from "./dom.js";

const OFF = "vidqa-keys-off";
const isOff = () => localStorage.getItem(OFF) === "1";

/** `acts`: rows of {keys, words, call(key), when}; single keys work outside of fields, Escape as the browser has it. */
export function setUpShortcuts(acts) {
  const byKey = new Map(acts.flatMap((act) => act.keys.map((key) => [key, act])));
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isOff()) return;
    if (document.querySelector("dialog[open]") || isTyping(event.target)) return;
    if (event.key === " " && event.target.closest("button, a, summary, video, [role=slider]")) return;
    const act = byKey.get(event.key);
    if (!act || act.when?.() === false) return;
    event.preventDefault();
    act.call(event.key);
  });
  byId("keys-button").append(icon("keyboard"));
  byId("keys-button").addEventListener("click", () => showKeys(acts));
}

function isTyping(target) {
  return target.closest("textarea, select, [contenteditable]") !== null || (target.matches("input") && !["radio", "checkbox"].includes(target.type));
}

const NAMES = { " ": "Space", ArrowLeft: "←", ArrowRight: "→" };

export function showKeys(acts) {
  const dialog = byId("keys-dialog");
  const rows = acts.flatMap(({ keys, words }) => [
    el("dt", {}, ...keys.map((key) => el("kbd", {}, NAMES[key] ?? key))),
    el("dd", {}, words),
  ]);
  const fixed = [
    ["←  →", "on the timeline: a second back or on; ten with Shift; among marks: the next one"],
    ["Enter", "on a mark: play it, and stop at its end"],
    ["Esc", "close what lies over the page"],
  ].flatMap(([keys, words]) => [el("dt", {}, el("kbd", {}, keys)), el("dd", {}, words)]);
  const on = el("input", { type: "checkbox", checked: !isOff() });
  on.addEventListener("change", () => localStorage.setItem(OFF, on.checked ? "0" : "1"));
  dialog.replaceChildren(
    el("h2", { id: "keys-title" }, "Keyboard shortcuts"),
    el("dl", { class: "keys" }, ...rows, ...fixed),
    el("label", { class: "check" }, on, "Single keys work"),
    el("div", { class: "dialog-buttons" }, el("button", { type: "button", class: "primary", on: { click: () => dialog.close() } }, "Close")),
  );
  dialog.showModal();
}
