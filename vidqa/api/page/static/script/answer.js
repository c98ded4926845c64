// The panel beside the player: how far a job is, then what it found, with the frames that show it.

import { framePath, jobPath, segmentPath } from "./api.js";
import { el, icon } from "./dom.js";
import { verbOf, wordsOf } from "./jobs.js";
import { download, fileWords, save, showPicture } from "./media.js";
import { guarded, sentence } from "./problems.js";
import { coverageOf, explanationOf, headlineOf, momentWords, momentsOf, precisionOf, spanWords, surenessOf, warningsOf } from "./result.js";
import { clock, length, plural } from "./time.js";

const FORMATS = [["srt", "SRT"], ["vtt", "VTT"], ["csv", "CSV"], ["edl", "EDL"], ["json", "JSON"]];
/** Formats that can also say that there is nothing; the others are lists of stretches. */
const TABLES = new Set(["csv", "json"]);

const STAGES = {
  started: "Starting",
  load: "Loading the model",
  fetch: "Fetching the video",
  probe: "Reading the file",
  recall: "Looking up what is known",
  skim: "Skimming",
  plan: "Planning",
  decode: "Reading frames",
  vision: "Looking at frames",
  text: "Working out the answer",
  ground: "Finding the moment",
  verify: "Checking",
  zoom: "Looking closer",
  store: "Keeping what was seen",
  embed: "Describing clips",
  index: "Adding to the archive",
  describe: "Describing",
};

/** The name of a stage for people; one that is not known is shown as it is. */
const stageWords = (stage) => STAGES[stage] ?? (stage ? sentence(stage).slice(0, -1) : "Starting");

/** Nothing asked yet. */
export function renderEmpty(panel, isImage) {
  const hint = isImage ? "Ask what is to be seen." : "Describe a moment, and it is marked on the timeline.";
  panel.replaceChildren(el("div", { class: "answer-empty" }, el("h2", { id: "answer-title" }, "Nothing asked yet"), el("p", { class: "quiet" }, hint)));
}

/** A job that waits or runs; returns a function that shows its next state, `clock` ticking between. */
export function renderProgress(panel, job, { cancel }) {
  const stage = el("p", { class: "stage-name" });
  const bar = el("progress", { max: 1, "aria-label": "Progress" });
  const words = el("p", { class: "quiet tabular progress-words" });
  const button = el("button", { type: "button", class: "plain", on: { click: cancel } }, "Cancel");
  panel.replaceChildren(el("div", { class: "progress" }, el("h2", { id: "answer-title", class: "asked" }, titleOf(job)), stage, bar, words, button));
  const began = Date.now();
  return (now, lost = false) => {
    const { stage: name, done = 0, total = 0, eta_s: eta } = now.progress ?? {};
    const waits = now.state === "queued";
    stage.textContent = lost ? "The connection is lost; trying again" : now.cancel_requested ? "Stopping" : waits ? "Waiting for a worker" : stageWords(name);
    if (total > 0 && !waits) bar.value = Math.min(1, done / total);
    else bar.removeAttribute("value");
    const passed = Math.round((Date.now() - began) / 1000);
    const counted = total > 0 && !waits ? `${done} of ${total}` : "";
    words.textContent = [counted, eta ? `about ${length(eta)} left` : "", `${length(passed)} so far`].filter(Boolean).join(" · ");
    button.disabled = Boolean(now.cancel_requested);
    return stage.textContent;
  };
}

const titleOf = (job) => wordsOf(job) || verbOf(job);

/** A job that failed or was cancelled, with a way to try again. */
export function renderEnded(panel, job, { again }) {
  const error = job.error ?? {};
  const cancelled = job.state === "cancelled";
  panel.replaceChildren(
    el(
      "div",
      { class: cancelled ? "ended" : "ended failed" },
      el("p", { class: "asked" }, titleOf(job)),
      el("h2", { id: "answer-title" }, cancelled ? "Cancelled" : "This did not work"),
      cancelled ? null : el("p", {}, sentence(error.message ?? "The job failed and did not say why")),
      error.next_step && !cancelled ? el("p", { class: "quiet" }, sentence(error.next_step)) : null,
      el("button", { type: "button", class: "plain", on: { click: again } }, cancelled ? "Ask again" : "Try again"),
      error.code ? el("p", { class: "quiet small" }, `${error.code}${job.attempts > 1 ? `, after ${plural(job.attempts, "attempt")}` : ""}`) : null,
    ),
  );
}

/** A result; `play(index)`, `show(seconds)` and `playSpan(start, end)` move the player. */
export function renderResult(panel, job, result, moves) {
  const moments = momentsOf(result);
  const explanation = explanationOf(result);
  panel.replaceChildren(
    el("p", { class: "asked" }, titleOf(job)),
    el("h2", { id: "answer-title", class: `outcome ${result.outcome}`, tabindex: -1 }, outcomeSign(result.outcome), el("span", {}, headlineOf(result))),
    ...(explanation ? [el("p", { class: "explanation" }, explanation)] : []),
    ...warningsOf(result).map((words) => el("p", { class: "warning" }, words)),
    el("ol", { class: moments.length > 2 ? "moments many" : "moments" }, ...moments.map((moment, i) => renderMoment(moment, i, { count: moments.length, title: titleOf(job), moves }))),
    ...consideredList(result, moves),
    el("p", { class: "quiet coverage-words" }, coverageOf(result)),
    exports(job, result),
    provenance(result),
  );
}

export function outcomeSign(outcome) {
  const name = { found: "check", not_found: "cross", uncertain: "question" }[outcome];
  return name ? el("span", { class: `sign ${outcome}` }, icon(name)) : null;
}

function renderMoment(moment, index, { count, title, moves }) {
  const facts = [length(moment.end - moment.start), precisionOf(moment), surenessOf(moment)].filter(Boolean).join(" · ");
  const frames = (moment.evidence ?? []).map((frame) => evidence(moment, frame, moves));
  return el(
    "li",
    { class: "moment", data: { index: String(index) } },
    el(
      "button",
      { type: "button", class: "moment-play", "aria-label": `Play ${momentWords(moment, index, count)}`, on: { click: () => moves.play(index) } },
      icon("play"),
      el("span", { class: "moment-span tabular" }, `${clock(moment.start)} – ${clock(moment.end)}`),
      moment.text ? el("span", { class: "moment-text" }, moment.text) : null,
    ),
    el("p", { class: "quiet moment-facts" }, facts),
    frames.length ? el("div", { class: "frames", role: "group", "aria-label": "Frames the model saw" }, ...frames) : null,
    moment.id ? clipButton(moment, title) : null,
  );
}

function evidence(moment, { pts }, moves) {
  const words = `The frame at ${clock(pts, 2)}`;
  if (!moment.id) return el("button", { type: "button", class: "frame bare", title: words, on: { click: () => moves.show(pts, moment) } }, el("span", {}, clock(pts, 2)));
  const image = el("img", { alt: "", decoding: "async" });
  const made = el("button", { type: "button", class: "frame", "aria-label": words, title: words, on: { click: () => moves.show(pts, moment) } }, image, el("span", { class: "tabular" }, clock(pts, 2)));
  showPicture(image, framePath(moment.id, pts));
  return made;
}

function clipButton(moment, title) {
  const get = async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    await guarded(() => download(`${segmentPath(moment.id)}/clip.mp4`, `${fileWords(`${moment.text ?? title} ${moment.start}-${moment.end}`)}.mp4`));
    button.disabled = false;
  };
  return el("button", { type: "button", class: "plain small clip", "aria-label": `Download the clip ${spanWords(moment)}`, on: { click: get } }, icon("clip"), "Clip");
}

/** Candidates that were looked at more closely and are no answer: what fell below the line. */
function consideredList(result, moves) {
  const others = (result.considered ?? []).filter((each) => each.confirmed !== true);
  if (!others.length) return [];
  const rows = others.map((each) =>
    el("li", {}, el("button", { type: "button", class: "link tabular", on: { click: () => moves.playSpan(each.start, each.end) } }, spanWords(each)),
      el("span", { class: "quiet" }, each.confirmed === false ? " looked at closely: no" : " no time for a close look")));
  return [el("details", { class: "more-facts" }, el("summary", {}, plural(others.length, "other candidate")), el("ul", { class: "considered-list" }, ...rows))];
}

function exports(job, result) {
  const picture = result.video?.kind === "image";
  const buttons = FORMATS.filter(([format]) => TABLES.has(format) || (!picture && momentsOf(result).length)).map(([format, label]) =>
    el("button", { type: "button", class: "plain small", data: { format }, on: { click: () => guarded(() => exportAs(job, result, format)) } }, label));
  return el("div", { class: "exports", role: "group", "aria-label": "Export" }, el("span", { class: "quiet" }, "Export"), ...buttons);
}

async function exportAs(job, result, format) {
  const name = `${fileWords(titleOf(job))}.${format}`;
  if (format === "json") save(new Blob([JSON.stringify(result, null, 2)], { type: "application/json" }), name);
  else await download(`${jobPath(job.id)}/export?format=${format}`, name);
}

function provenance(result) {
  const passes = result.passes ?? [];
  const rows = passes.map((each) =>
    el("tr", {}, el("td", {}, each.stage), el("td", {}, `${clock(each.start)} – ${clock(each.end)}`), el("td", {}, String(each.frames)), el("td", {}, `${Number(each.fps.toPrecision(3))}`), el("td", {}, String(each.video_tokens))));
  const heads = ["Look", "From, to", "Frames", "fps", "Tokens"].map((words) => el("th", { scope: "col" }, words));
  const seconds = Object.entries(result.timings ?? {}).map(([name, value]) => `${name.replace(/_s$/, "")} ${value.toFixed(2)} s`).join(", ");
  const kept = Object.entries(result.cache ?? {}).map(([name, state]) => `${name} ${state}`).join(", ");
  const facts = [["Model", result.model], ["The model's words", result.reply?.text], ["Kept from before", kept], ["Time", seconds]];
  return el(
    "details",
    { class: "more-facts" },
    el("summary", {}, "How this was answered"),
    rows.length ? el("div", { class: "table-box", tabindex: 0, role: "region", "aria-label": "Looks" }, el("table", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows))) : null,
    el("dl", {}, ...facts.filter(([, value]) => value).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
  );
}
