// One video: the player, the timeline under it, the question above and the answer beside it.

import { framePath, get, jobPath, segmentPath, videoPath } from "./api.js";
import { renderEmpty, renderEnded, renderProgress, renderResult } from "./answer.js";
import { announce, byId, el } from "./dom.js";
import { cancel, follow, isFinal, retry, submit, videoOf } from "./jobs.js";
import { durationOf, factsOf, isImage } from "./library.js";
import { addressOf, letGo } from "./media.js";
import { Player } from "./player.js";
import { guarded, showProblem } from "./problems.js";
import { Question } from "./question.js";
import { headlineOf, legendOf, lookedOf, momentWords, momentsOf, spanWords } from "./result.js";
import { bytes, clock, length } from "./time.js";
import { Timeline } from "./timeline.js";


export class Watch {
  #player = new Player(byId("player"));
  #timeline = new Timeline(byId("timeline"));
  #question = new Question((kind, request) => this.#ask(kind, request));
  #video = null;
  #address = null;
  #job = null;
  #stop = new AbortController();
  #moments = [];
  #plainClips = false;
  #go;

  /** `go(hash)` changes the address of the page. */
  constructor(go) {
    this.#go = go;
    this.#player.addEventListener("time", () => this.#timeline.setNow(this.#player.now, this.#player.playing));
    this.#player.addEventListener("ready", () => this.#measured());
    this.#player.addEventListener("unplayable", () => this.#cannotPlay());
    this.#timeline.addEventListener("mark", (event) => this.play(event.detail));
    this.#timeline.addEventListener("seek", (event) => this.#player.seek(event.detail));
    this.#timeline.addEventListener("select", (event) => this.#chosen(event.detail));
    for (const id of ["start", "end"]) byId(id).addEventListener("change", () => this.#timeline.setSelection(this.#question.stretch(this.#duration)));
    new ResizeObserver(() => this.#drawBoxes()).observe(byId("screen"));
  }

  get player() {
    return this.#player;
  }

  get timeline() {
    return this.#timeline;
  }

  get #duration() {
    return durationOf(this.#video ?? {}) ?? this.#player.duration ?? 0;
  }

  /** Shows a video with nothing asked; `query` goes into the field, `span` is played. */
  async openVideo(id, { query = "", span = null } = {}) {
    this.leaveJob();
    await this.#showVideo(id);
    renderEmpty(byId("answer"), isImage(this.#video));
    if (query) this.#question.fill("ground", { query });
    if (span) this.playSpan(span.start, span.end);
    else byId("words").focus({ preventScroll: true });
  }

  /** Shows a job as it is and follows it to its end. */
  async openJob(id) {
    if (this.#job?.id === id && !this.#stop.signal.aborted) return;
    this.leaveJob();
    const stop = this.#stop;
    const job = await get(jobPath(id), {}, { signal: stop.signal });
    const video = videoOf(job);
    if (video) await this.#showVideo(video);
    this.#question.fill(job.kind, job.request ?? {});
    this.#timeline.setSelection(this.#question.stretch(this.#duration));
    await this.#followJob(job, stop);
  }

  /** Stops following; the job goes on. */
  leaveJob() {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#job = null;
    this.#moments = [];
    this.#question.setBusy(false);
  }

  leave() {
    this.leaveJob();
    byId("player").pause();
  }

  play(index) {
    const moment = this.#moments[index];
    if (!moment) return;
    this.#timeline.setCurrent(index);
    for (const item of document.querySelectorAll("#answer .moment")) item.classList.toggle("current", item.dataset.index === String(index));
    guarded(() => this.#playMoment(moment));
    announce(`Playing ${momentWords(moment, index, this.#moments.length)}`);
  }

  /** The next mark after (`1`) or before (`-1`) the second that is shown. */
  step(direction) {
    const now = this.#player.now;
    const order = this.#moments.map((moment, index) => ({ index, start: moment.start })).sort((a, b) => a.start - b.start);
    const next = direction > 0 ? order.find((each) => each.start > now + 0.05) : order.findLast((each) => each.start < now - 1);
    const wrapped = direction > 0 ? order[0] : order.at(-1);
    if (wrapped) this.play((next ?? wrapped).index);
  }

  playSpan(start, end) {
    this.#showStill(null);
    this.#player.playSpan(start, end);
  }

  /** Plays a moment; of a file that this browser cannot play, the clip that the service cuts of it. */
  async #playMoment(moment) {
    if (!this.#plainClips || !moment.id) return this.playSpan(moment.start, moment.end);
    const address = await addressOf(`${segmentPath(moment.id)}/clip.mp4`);
    letGo(this.#address);
    this.#address = address;
    byId("unplayable").hidden = true;
    this.#player.load(address, moment.start);
    return this.playSpan(moment.start, moment.end);
  }

  /** Shows the frame at `pts` of a moment, as a picture where the file cannot be played. */
  async #showFrame(pts, moment) {
    if (!this.#plainClips || !moment.id) return this.#player.show(pts);
    this.#player.load(null);
    byId("unplayable").hidden = true;
    return this.#showStill(await addressOf(framePath(moment.id, pts)));
  }

  #showStill(address) {
    const still = byId("still");
    if (isImage(this.#video ?? {})) return;
    still.hidden = address === null;
    byId("player").hidden = address !== null;
    if (address === null) still.removeAttribute("src");
    else still.src = address;
  }

  async #showVideo(id) {
    if (this.#video?.id === id) {
      this.#timeline.show({});
      return;
    }
    const video = await get(videoPath(id));
    this.#video = video;
    this.#plainClips = false;
    this.#showStill(null);
    const image = isImage(video);
    byId("watch-title").textContent = video.name || video.id;
    document.title = `${video.name || "Video"} – vidqa`;
    this.#showFacts();
    byId("unplayable").hidden = true;
    byId("player").hidden = image;
    byId("still").hidden = !image;
    byId("timeline").hidden = image;
    this.#question.setImage(image);
    this.#question.setStretch(null);
    this.#timeline.setSelection(null);
    this.#timeline.show({});
    this.#timeline.setDuration(durationOf(video) ?? 0);
    letGo(this.#address);
    this.#address = await addressOf(`${videoPath(id)}/content`, { bytes: video.bytes });
    this.#player.load(image ? null : this.#address);
    if (image) byId("still").src = this.#address;
    else byId("still").removeAttribute("src");
    this.#boxes = [];
    this.#drawBoxes();
  }

  /** Length and shape of the video, as far as they are known. */
  #showFacts() {
    const facts = factsOf(this.#video);
    const duration = durationOf(this.#video);
    const size = facts.width ? `${facts.width} × ${facts.height}` : "";
    const line = [duration ? length(duration) : "", size, facts.vfr ? "variable frame rate" : "", bytes(this.#video.bytes ?? 0)];
    byId("watch-facts").textContent = line.filter(Boolean).join(" · ");
    byId("watch").style.setProperty("--ratio", facts.width && facts.height ? facts.width / facts.height : 16 / 9);
  }

  /** The player, or an answer, knows a video that the service has not measured. */
  #learn(facts) {
    if (this.#video === null || durationOf(this.#video) !== null || !(facts.duration > 0)) return;
    this.#video = { ...this.#video, facts };
    this.#showFacts();
    this.#timeline.setDuration(facts.duration);
  }

  #measured() {
    const { videoWidth: width, videoHeight: height } = byId("player");
    this.#learn({ kind: "video", duration: this.#player.duration, width, height });
  }

  #cannotPlay() {
    const words = this.#player.unplayable === "network" ? "The video could not be loaded. Reload the page to try again." : "This browser cannot play this file. Questions about it still work; what they find plays as a clip.";
    if (this.#player.unplayable === "format") this.#plainClips = true;
    byId("unplayable").textContent = words;
    byId("unplayable").hidden = false;
  }

  #chosen(selection) {
    const tiny = !selection || selection.end - selection.start < 0.1;
    if (tiny) this.#timeline.setSelection(null);
    this.#question.setStretch(tiny ? null : selection, (seconds) => clock(seconds, 1));
    if (!tiny) announce(`Questions are about ${spanWords(selection)}`);
  }

  async #ask(kind, request) {
    this.#question.setBusy(true);
    const job = await guarded(() => submit(kind, { video: { video_id: this.#video.id }, ...request }));
    this.#question.setBusy(false);
    if (job) this.#go(`#job=${encodeURIComponent(job.id)}`);
  }

  async #followJob(job, stop) {
    this.#job = job;
    const panel = byId("answer");
    if (isFinal(job)) return this.#ended(job);
    this.#question.setBusy(true);
    this.#timeline.show({});
    const show = renderProgress(panel, job, { cancel: () => guarded(() => this.#cancel(job.id)) });
    let last = "";
    let lost = false;
    const draw = () => {
      const words = show(this.#job, lost);
      if (words !== last) announce(words);
      last = words;
    };
    const tell = (now) => {
      lost = false;
      // A cancel that was answered before an older event arrived stays asked for.
      this.#job = { ...now, cancel_requested: now.cancel_requested || this.#job?.cancel_requested };
      draw();
    };
    tell.lost = () => {
      lost = true;
      draw();
    };
    const ticking = setInterval(draw, 1000);
    try {
      this.#ended(await follow(job.id, tell, stop.signal));
    } catch (err) {
      if (!stop.signal.aborted) showProblem(err, { act: { words: "Try again", call: () => this.openJob(job.id) } });
    } finally {
      clearInterval(ticking);
      if (!stop.signal.aborted) this.#question.setBusy(false);
    }
    return undefined;
  }

  async #cancel(id) {
    const job = await cancel(id);
    if (this.#job?.id === id) this.#job = { ...this.#job, cancel_requested: !isFinal(job) || job.state === "cancelled" };
  }

  async #ended(job) {
    this.#job = job;
    const panel = byId("answer");
    if (job.state !== "completed") {
      renderEnded(panel, job, { again: () => guarded(() => this.#again(job.id)) });
      announce(job.state === "cancelled" ? "Cancelled" : "This did not work");
      return;
    }
    const result = job.result;
    this.#moments = momentsOf(result);
    this.#learn(result.video ?? {});
    renderResult(panel, job, result, { play: (index) => this.play(index), show: (pts, moment) => guarded(() => this.#showFrame(pts, moment)), playSpan: (start, end) => this.playSpan(start, end) });
    panel.scrollTop = 0;
    this.#mark(result);
    this.#boxes = result.marks ?? [];
    this.#drawBoxes();
    announce(headlineOf(result));
  }

  async #again(id) {
    const job = await retry(id);
    this.leaveJob();
    await this.#followJob(job, this.#stop);
  }

  #mark(result) {
    const moments = this.#moments;
    const marks = moments.map((moment, index) => ({
      start: moment.start,
      end: moment.end,
      label: momentWords(moment, index, moments.length),
      text: moment.text ?? "",
      precision: moment.precision_s ?? 0,
      weight: moment.confidence ?? 1,
      pts: (moment.evidence ?? []).map((frame) => frame.pts),
    }));
    const considered = (result.considered ?? []).filter((each) => each.confirmed !== true).map((each) => ({ ...each, label: `Candidate, not confirmed: ${spanWords(each)}` }));
    this.#timeline.show({ marks, looked: lookedOf(result), considered, legend: legendOf(result) });
    if (moments.length && !this.#plainClips) this.#player.show(moments[0].start);
  }

  #boxes = [];

  /** Boxes and points of an answer over the picture; on a video they need the frame they lie on. */
  #drawBoxes() {
    const layer = byId("boxes");
    const facts = factsOf(this.#video ?? {});
    if (!this.#boxes.length || !facts.width) return layer.replaceChildren();
    const screen = byId("screen").getBoundingClientRect();
    const scale = Math.min(screen.width / facts.width, screen.height / facts.height);
    const [left, top] = [(screen.width - facts.width * scale) / 2, (screen.height - facts.height * scale) / 2];
    layer.replaceChildren(...this.#boxes.map(({ kind, label, xy }) => {
      const made = el("div", { class: kind }, el("span", {}, label));
      made.style.left = `${left + xy[0] * scale}px`;
      made.style.top = `${top + xy[1] * scale}px`;
      if (kind === "box") {
        made.style.width = `${(xy[2] - xy[0]) * scale}px`;
        made.style.height = `${(xy[3] - xy[1]) * scale}px`;
      }
      return made;
    }));
  }
}
