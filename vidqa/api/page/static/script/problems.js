// What went wrong, said once, with what to do next; gone when it is closed or something else is done.

import { byId, el, icon } from "./dom.js";

/** Shows a Problem (or whatever else was raised) at the top of the page; `act` is a button's {words, call}. */
export function showProblem(err, { place = "", act = null } = {}) {
  if (err?.name === "AbortError") return;
  const box = el("div", { class: "problem", data: { code: err.code ?? "" } });
  const close = () => box.remove();
  const words = el(
    "div",
    { class: "problem-words" },
    el("p", {}, el("strong", {}, place ? `${place}: ` : ""), sentence(err.message || String(err))),
    err.nextStep ? el("p", { class: "quiet" }, sentence(err.nextStep)) : null,
    err.requestId ? el("p", { class: "quiet small" }, `Request ${err.requestId}`) : null,
  );
  const tools = el("div", { class: "problem-tools" });
  if (act) tools.append(el("button", { type: "button", class: "plain", on: { click: () => (close(), act.call()) } }, act.words));
  tools.append(el("button", { type: "button", class: "icon small", "aria-label": "Dismiss", on: { click: close } }, icon("cross")));
  box.append(words, tools);
  byId("problems").replaceChildren(box);
  box.scrollIntoView({ block: "nearest" });
}

export const clearProblems = () => byId("problems").replaceChildren();

/** "no video" to "No video.": every message as a sentence. */
export function sentence(words) {
  const trimmed = words.trim();
  const ended = /[.!?:]$/.test(trimmed) ? trimmed : `${trimmed}.`;
  return ended.charAt(0).toUpperCase() + ended.slice(1);
}

/** Runs `work`; a failure is shown in place of being raised. */
export async function guarded(work, where = {}) {
  try {
    return await work();
  } catch (err) {
    showProblem(err, where);
    return undefined;
  }
}
