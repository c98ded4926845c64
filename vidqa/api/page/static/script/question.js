// The question: find, ask or describe, with the options that the service takes.

import { byId } from "./dom.js";
import { parseTime } from "./time.js";

const VERBS = {
  ground: { go: "Find", label: "What to find", hint: "person opens door" },
  ask: { go: "Ask", label: "What to ask", hint: "What happens at 13 seconds?" },
  describe: { go: "Describe", label: "", hint: "" },
};

export class Question {
  #send;

  /** `send(kind, request)` is given what to ask, without the video. */
  constructor(send) {
    this.#send = send;
    byId("question").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    byId("verbs").addEventListener("change", () => this.#fit());
    for (const id of ["start", "end"]) byId(id).addEventListener("input", (event) => event.target.setCustomValidity(""));
    byId("words").addEventListener("input", (event) => event.target.setCustomValidity(""));
    this.#fit();
  }

  get kind() {
    return document.querySelector("#verbs input:checked").value;
  }

  setKind(kind) {
    document.querySelector(`#verbs input[value="${kind}"]`).checked = true;
    this.#fit();
  }

  /** Pictures have no time: nothing to find or describe in them. */
  setImage(isImage) {
    for (const input of document.querySelectorAll("#verbs input")) input.disabled = isImage && input.value !== "ask";
    byId("options").hidden = isImage;
    if (isImage) this.setKind("ask");
  }

  /** The form as it was for a job's request. */
  fill(kind, request) {
    if (!(kind in VERBS)) return;
    this.setKind(kind);
    byId("words").value = request.query ?? request.question ?? "";
    byId("start").value = request.start ?? "";
    byId("end").value = request.end ?? "";
    byId("precision").value = request.precision_s ?? "";
    byId("most").value = request.max_segments ?? "";
    byId("thorough").checked = request.thorough ?? false;
  }

  setStretch(selection, words) {
    byId("start").value = selection ? words(selection.start) : "";
    byId("end").value = selection ? words(selection.end) : "";
    byId("options").open ||= selection !== null;
  }

  /** The stretch that is asked about, where both ends can be read; null for all of it. */
  stretch(duration) {
    const [start, end] = [parseTime(byId("start").value), parseTime(byId("end").value)];
    if (start === null && end === null) return null;
    const span = { start: start ?? 0, end: end ?? duration };
    return span.start < span.end ? span : null;
  }

  setBusy(busy) {
    byId("go").disabled = busy;
    byId("question").setAttribute("aria-busy", String(busy));
  }

  #fit() {
    const kind = this.kind;
    const { go, label, hint } = VERBS[kind];
    const words = byId("words");
    byId("go").textContent = go;
    byId("words-label").textContent = label || "Nothing to fill in";
    words.placeholder = hint;
    words.hidden = kind === "describe";
    words.disabled = kind === "describe";
    byId("words-fixed").hidden = kind !== "describe";
    for (const option of document.querySelectorAll("#options [data-for]")) option.hidden = option.dataset.for !== kind;
  }

  #submit() {
    const kind = this.kind;
    const words = byId("words");
    if (kind !== "describe" && !words.value.trim()) return complain(words, "Say what to look for.");
    const request = kind === "describe" ? {} : { [kind === "ground" ? "query" : "question"]: words.value.trim() };
    for (const id of ["start", "end"]) {
      const seconds = parseTime(byId(id).value);
      if (Number.isNaN(seconds)) return complain(byId(id), "Write seconds, or a time like 1:23.5.");
      if (seconds !== null) request[id] = seconds;
    }
    if (request.start !== undefined && request.end !== undefined && request.start >= request.end) return complain(byId("end"), "The end lies before the start.");
    if (kind === "ground") Object.assign(request, groundOptions());
    this.#send(kind, request);
    return undefined;
  }
}

function groundOptions() {
  const options = {};
  if (byId("precision").value) options.precision_s = Number(byId("precision").value);
  if (byId("most").value) options.max_segments = Number(byId("most").value);
  if (byId("thorough").checked) options.thorough = true;
  return options;
}

/** Says at the field what is wrong with it, as the browser says it of its own rules. */
function complain(field, words) {
  byId("options").open ||= field.closest("#options") !== null;
  field.setCustomValidity(words);
  field.reportValidity();
}
