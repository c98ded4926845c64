// Hits of an archive as a grid of pictures, and the place each plays in.

import { framePath, segmentPath, videoPath } from "./api.js";
import { byId, el, icon } from "./dom.js";
import { addressOf, letGo, showPicture } from "./media.js";
import { Player } from "./player.js";
import { guarded } from "./problems.js";
import { spanWords } from "./result.js";
import { clock, percent, plural } from "./time.js";

const VERDICTS = { confirmed: ["check", "confirmed"], denied: ["cross", "denied"] };

const nameOf = (hit) => hit.video.name ?? (hit.video.path ?? "").split("/").pop() ?? hit.video.id;

/** One hit as a card; a click plays the place. */
export function renderHit(hit) {
  const [sign, word] = VERDICTS[hit.verdict] ?? [null, hit.verdict ? String(hit.verdict) : "not looked at"];
  const sure = typeof hit.probability === "number" ? ` ${percent(hit.probability)}` : "";
  const name = nameOf(hit);
  const words = `${name}, ${spanWords(hit)}, ${word}${hit.verdict === "confirmed" ? sure : ""}, score ${hit.score.toFixed(2)}`;
  const thumb = el("span", { class: "thumb" }, el("span", { class: "thumb-time tabular" }, `${clock(hit.start, 0)} – ${clock(hit.end, 0)}`));
  if (hit.id) {
    const image = el("img", { alt: "", decoding: "async" });
    thumb.prepend(image);
    showPicture(image, framePath(hit.id, hit.key ?? hit.start));
  } else {
    thumb.classList.add("missing");
  }
  const said = (hit.found_by ?? []).some((each) => each !== "vector");
  const others = (hit.also_in ?? []).length;
  return el(
    "li",
    {},
    el(
      "button",
      { type: "button", class: `hit ${hit.verdict ?? "unseen-hit"}`, "aria-label": `Play ${words}`, on: { click: () => guarded(() => playPlace(hit)) } },
      thumb,
      el("span", { class: "hit-name" }, name),
      el("span", { class: "hit-facts" }, el("span", { class: `verdict ${hit.verdict ?? ""}` }, sign ? icon(sign) : null, `${word}${hit.verdict === "confirmed" ? sure : ""}`), el("span", { class: "quiet tabular" }, `score ${hit.score.toFixed(2)}`), said ? el("span", { class: "quiet" }, "said") : null),
      ...(hit.lines ?? []).slice(0, 2).map((line) => el("q", { class: "hit-line" }, typeof line === "string" ? line : (line.text ?? ""))),
      others ? el("span", { class: "quiet small" }, `the same footage in ${plural(others, "other file")}`) : null,
    ),
  );
}

/** Plays a hit over the page: its video from its second on, or its clip where the library lacks it. */
async function playPlace(hit) {
  const dialog = byId("place-dialog");
  const whole = hit.video.video_id ?? null;
  const video = el("video", { controls: true, playsinline: true, class: "place-video", "aria-label": `${nameOf(hit)}, ${spanWords(hit)}` });
  const close = el("button", { type: "button", class: "icon", "aria-label": "Close", on: { click: () => dialog.close() } }, icon("cross"));
  const link = whole ? el("a", { class: "plain button", href: `#video=${encodeURIComponent(whole)}&t=${hit.start}-${hit.end}`, on: { click: () => dialog.close() } }, "Open this video") : null;
  const again = el("button", { type: "button", class: "plain", on: { click: () => go() } }, icon("play"), "Play again");
  const failed = el("p", { class: "quiet", hidden: true }, "This browser cannot play this file.");
  dialog.replaceChildren(
    el("div", { class: "place-head" }, el("h2", { id: "place-title" }, nameOf(hit)), el("p", { class: "quiet tabular" }, spanWords(hit)), close),
    video,
    failed,
    el("div", { class: "dialog-buttons" }, again, link),
  );
  const player = new Player(video);
  player.addEventListener("unplayable", () => (failed.hidden = false));
  const address = await addressOf(whole ? `${videoPath(whole)}/content` : `${segmentPath(hit.id)}/clip.mp4`);
  const go = () => (whole ? player.playSpan(hit.start, hit.end) : player.playSpan(0, hit.end - hit.start));
  dialog.addEventListener("close", () => {
    player.load(null);
    letGo(address);
    dialog.replaceChildren();
  }, { once: true });
  dialog.showModal();
  player.load(address);
  go();
}
