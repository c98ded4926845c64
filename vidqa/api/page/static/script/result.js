// The one JSON shape of results, read for people: moments, what was looked at, and honest words.

import { clock, percent, plural } from "./time.js";

/** Stretches of any kind of result of one video: `{start, end, ..., text}`. */
export const momentsOf = (result) => result.segments ?? result.chapters ?? result.evidence ?? [];

/** How sure the model is, in words that claim no more than the number does. */
export function surenessOf(moment) {
  if (typeof moment.confidence === "number") return `${percent(moment.confidence)} sure`;
  return typeof moment.score === "number" ? `score ${moment.score.toFixed(2)}` : "";
}

export const spanWords = ({ start, end }) => `${clock(start)} to ${clock(end)}`;

/** A moment for those who hear it: "1 of 2, 0:06.7 to 0:10.1, 91% sure, precise to 1 s". */
export function momentWords(moment, index, count) {
  const parts = [`${index + 1} of ${count}`, moment.text, spanWords(moment), surenessOf(moment), precisionOf(moment)];
  return parts.filter(Boolean).join(", ");
}

export const precisionOf = (moment) => (moment.precision_s ? `precise to ${Number(moment.precision_s.toFixed(2))} s` : "");

/** What the answer is, as a heading. */
export function headlineOf(result) {
  const count = momentsOf(result).length;
  if (result.chapters) return count ? plural(count, "thing happens", "things happen") : "Nothing happens that the model can name";
  if (result.answer) return result.answer;
  if (result.outcome === "found") return count === 1 ? "Found once" : `Found ${count} times`;
  if (result.outcome === "uncertain") return result.question ? "No clear answer" : "Not sure";
  if (result.question) return "No answer";
  if (!sawAll(result)) return "Not found in what was looked at";
  return result.familiar === false ? "Not found" : "It does not happen";
}

const sawAll = (result) => (result.coverage?.fraction ?? 1) >= 0.995 && !result.ended_early;

/** One sentence under the heading; empty where the heading says it all. */
export function explanationOf(result) {
  if (result.outcome === "not_found" && !result.chapters) {
    return sawAll(result) ? "All of it was looked at. Other words may still find it." : "Other parts were not looked at. Thorough, among the options, looks at everything.";
  }
  if (result.outcome === "uncertain") return "The model gave no answer that can be relied on. Ask in other words, or about a shorter stretch.";
  if (result.question !== undefined && !momentsOf(result).length && result.answer) return "It named no moment for this answer.";
  return "";
}

/** What was looked at, in a sentence: "Looked at 0:00.0 to 0:19.0 (100% of the video), 38 frames at 2 fps." */
export function coverageOf(result) {
  const { coverage, passes = [] } = result;
  if (!coverage) return "";
  const frames = passes.reduce((sum, each) => sum + (each.frames ?? 0), 0);
  const rates = [...new Set(passes.map((each) => Number(each.fps?.toPrecision(2))))].sort((a, b) => a - b);
  const rate = rates.length > 1 ? `${rates[0]} to ${rates.at(-1)} fps` : `${rates[0]} fps`;
  const seen = frames ? `, ${plural(frames, "frame")} at ${rate}` : "";
  return `Looked at ${spanWords(coverage)} (${percent(coverage.fraction)} of the video)${seen}.`;
}

/** Stretches that were looked at, for the timeline. */
export function lookedOf(result) {
  const { coverage, passes = [] } = result;
  if (!coverage) return [];
  const fps = passes.reduce((most, each) => Math.max(most, each.fps ?? 0), 0);
  const looked = coverage.looked ?? [{ start: coverage.start, end: coverage.end, fps }];
  return looked.map((each) => ({ ...each, label: `Looked at ${spanWords(each)}, ${Number(each.fps.toPrecision(2))} frames a second` }));
}

const ENDS = {
  interrupted: "It was stopped before the search was done; this is what was known by then.",
  deadline: "Its time was up before the search was done; this is what was known by then.",
  passes: "Its passes were used up with candidates left to look at.",
};

/** What a careful reader should know first: the gravest at the top. */
export function warningsOf(result) {
  const warnings = [];
  const model = (result.model ?? "the model").split("@")[0];
  const shown = result.video?.kind === "image" ? "picture" : "footage";
  if (result.familiar === false) warnings.push(`This ${shown} does not look like what ${model} was made for; its answer means little.`);
  if (result.ended_early) warnings.push(ENDS[result.ended_early] ?? `It ended early: ${result.ended_early}.`);
  const broken = result.coverage?.unreadable_from;
  if (broken !== undefined) warnings.push(`The file cannot be read from ${clock(broken)} on; nothing after it was seen.`);
  return [...warnings, ...(result.notes ?? []).filter((note) => !warnings.includes(note))];
}

/** What the kinds of marks on the timeline mean, those that this result has. */
export function legendOf(result) {
  const moments = momentsOf(result);
  const rows = [
    [moments.length > 0, "found", result.chapters ? "happens" : "found"],
    [moments.some((moment) => moment.precision_s > 0), "unsure", "within its precision"],
    [(result.considered ?? []).some((each) => each.confirmed !== true), "candidate", "candidate, not confirmed"],
    [result.coverage !== undefined, "seen", "looked at"],
    [(result.coverage?.fraction ?? 1) < 0.995, "unseen-part", "not looked at"],
  ];
  return rows.filter(([there]) => there).map(([, kind, words]) => [kind, words]);
}
