// The archive: chosen, searched as a grid, asked with citations, and given more videos.

import { create, get, jobPath } from "./api.js";
import { outcomeSign, renderEnded, renderProgress } from "./answer.js";
import { announce, byId, el } from "./dom.js";
import { renderHit } from "./hits.js";
import { cancel, follow, isFinal, jobOf, retry, submit } from "./jobs.js";
import { durationOf } from "./library.js";
import { download, save } from "./media.js";
import { guarded, showProblem } from "./problems.js";
import { clock, plural } from "./time.js";

const PAGE = 24;
const FIRST = "default";
const FORMATS = ["csv", "srt", "edl"];
const WAIT = { Prefer: "respond-async, wait=25" };

export class Archive {
  #archives = [];
  #stop = new AbortController();
  #go;

  constructor(go) {
    this.#go = go;
    byId("archive-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const words = byId("archive-words").value.trim();
      if (!words) return byId("archive-words").focus();
      const query = new URLSearchParams({ archive: this.#chosen, [this.#verb === "ask" ? "ask" : "q"]: words });
      if (this.#verb === "search" && byId("archive-verify").checked) query.set("verify", "1");
      if (this.#verb === "search") this.#go(`#${query}`, true);
      else guarded(() => this.#ask(words));
    });
    for (const input of document.querySelectorAll("[name=archive-verb]")) input.addEventListener("change", () => this.#fit());
    byId("archive-choice").addEventListener("change", () => this.#go(`#archive=${encodeURIComponent(this.#chosen)}`));
    byId("archive-add").addEventListener("click", () => guarded(() => this.#chooseVideos()));
    this.#fit();
  }

  get #verb() {
    return document.querySelector("[name=archive-verb]:checked").value;
  }

  get #chosen() {
    return byId("archive-choice").value;
  }

  leave() {
    this.#stop.abort();
    this.#stop = new AbortController();
  }

  /** Shows the archive of the address, and the search that it holds. */
  async open({ archive, q, verify }) {
    this.leave();
    await this.#list(archive);
    if (!q) return this.#showEmpty();
    this.#setVerb("search");
    byId("archive-words").value = q;
    byId("archive-verify").checked = verify === "1";
    return this.#search(q, verify === "1");
  }

  /** Shows a job of the archive: a question, or videos that are added. */
  async openJob(job) {
    this.leave();
    await this.#list(job.request?.archive_id);
    this.#setVerb(job.kind === "ask" ? "ask" : "search");
    byId("archive-words").value = job.request?.question ?? job.request?.query ?? "";
    const ended = await this.#follow(job);
    if (ended?.state === "completed") this.#showJob(ended);
  }

  async #list(wanted) {
    const { archives } = await get("/v1/archives");
    this.#archives = archives.length ? archives : [{ id: FIRST, name: FIRST, videos: 0 }];
    const names = this.#archives.map(({ id, name }) => el("option", { value: id }, name ?? id));
    const choice = byId("archive-choice");
    choice.replaceChildren(...names);
    if (wanted && this.#archives.some(({ id }) => id === wanted)) choice.value = wanted;
    this.#facts();
  }

  #facts() {
    const archive = this.#archives.find(({ id }) => id === this.#chosen);
    const videos = countOf(archive);
    byId("archive-facts").textContent = videos === null ? "" : plural(videos, "video");
    return videos;
  }

  #fit() {
    const asks = this.#verb === "ask";
    byId("archive-go").textContent = asks ? "Ask" : "Search";
    byId("archive-words").placeholder = asks ? "How many times does a person open the door?" : "person opens door";
    document.querySelector("label[for=archive-words]").textContent = asks ? "What to ask" : "What to search for";
    byId("archive-verify").closest("label").hidden = asks;
  }

  #setVerb(verb) {
    document.querySelector(`[name=archive-verb][value=${verb}]`).checked = true;
    this.#fit();
  }

  #showEmpty() {
    const box = byId("archive-result");
    const none = this.#facts() === 0;
    const words = none ? "This archive holds no videos yet." : "Search all its videos at once, by what is seen or said.";
    const add = none ? el("button", { type: "button", class: "primary", on: { click: () => guarded(() => this.#chooseVideos()) } }, "Add videos") : null;
    box.replaceChildren(el("div", { class: "archive-empty" }, el("p", {}, words), add));
  }

  async #search(query, verify, token) {
    const stop = this.#stop;
    const box = byId("archive-result");
    if (!token) box.replaceChildren(el("p", { class: "quiet searching" }, verify ? "Searching, and looking at what was found" : "Searching"));
    byId("archive-go").disabled = true;
    try {
      const request = { archive_id: this.#chosen, query, verify, page_size: PAGE, ...(token ? { page_token: token } : {}) };
      const { body, response } = await create("/v1/search", request, WAIT);
      const job = response.status === 202 ? await this.#follow(body) : { id: idOf(response), state: "completed", result: body };
      if (job?.state === "completed" && !stop.signal.aborted) this.#showHits(job, { query, verify, more: Boolean(token) });
    } catch (err) {
      if (!token) box.replaceChildren();
      throw err;
    } finally {
      byId("archive-go").disabled = false;
    }
  }

  #showHits(job, { query, verify, more }) {
    const result = job.result;
    const box = byId("archive-result");
    const cards = result.hits.map(renderHit);
    if (more) {
      box.querySelector(".grid").append(...cards);
      cards[0]?.querySelector("button").focus();
    } else {
      box.replaceChildren(this.#summary(job, verify), el("ul", { class: "grid", "aria-label": "Hits" }, ...cards));
    }
    box.querySelector(".more")?.remove();
    const token = result.next_page_token;
    if (token) box.append(el("button", { type: "button", class: "more", on: { click: () => guarded(() => this.#search(query, verify, token)) } }, "More hits"));
    announce(plural(box.querySelectorAll(".hit").length, "hit"));
  }

  #summary(job, verify) {
    const result = job.result;
    const { considered = {}, total = result.hits.length } = result;
    const confirmed = result.hits.filter((hit) => hit.verdict === "confirmed").length;
    const words = !result.hits.length ? "Nothing found" : verify ? (confirmed ? `${confirmed} of ${result.hits.length} hits confirmed` : "None of the hits is it") : plural(total, "hit");
    const facts = considered.clips === undefined ? "" : `Of ${plural(considered.clips, "clip")} in ${plural(considered.videos, "video")}${considered.looked_at ? `, looked at ${considered.looked_at}` : ""}.`;
    const hint = verify || !result.hits.length ? "" : "The nearest clips are shown however far they are; nobody has looked at them.";
    return el(
      "div",
      { class: "summary" },
      el("h2", {}, words),
      el("p", { class: "quiet" }, [facts, hint].filter(Boolean).join(" ")),
      ...(result.notes ?? []).map((note) => el("p", { class: "warning" }, note)),
      exportsOf(job, "hits"),
    );
  }

  async #ask(question) {
    const job = await submit("ask", { archive_id: this.#chosen, question });
    this.#go(`#job=${encodeURIComponent(job.id)}`);
  }

  /** Follows a job in the place of results; null where somebody went elsewhere meanwhile. */
  async #follow(job) {
    const stop = this.#stop;
    const box = byId("archive-result");
    const panel = el("div", { class: "archive-progress" });
    box.replaceChildren(panel);
    let now = job;
    const show = renderProgress(panel, job, { cancel: () => guarded(async () => (now = await cancel(job.id))) });
    let lost = false;
    const tell = (next) => {
      lost = false;
      now = { ...next, cancel_requested: next.cancel_requested || now.cancel_requested };
      show(now);
    };
    tell.lost = () => show(now, (lost = true));
    const ticking = setInterval(() => show(now, lost), 1000);
    try {
      const ended = isFinal(job) ? await jobOf(job.id) : await follow(job.id, tell, stop.signal);
      if (ended.state !== "completed") renderEnded(panel, ended, { again: () => guarded(() => this.#again(ended.id)) });
      return ended;
    } catch (err) {
      if (!stop.signal.aborted) showProblem(err);
      return null;
    } finally {
      clearInterval(ticking);
    }
  }

  async #again(id) {
    await this.openJob(await retry(id));
  }

  #showJob(job) {
    if (job.kind === "ask") this.#showAnswer(job);
    else if (job.kind === "search") this.#showHits(job, { query: job.request.query ?? "", verify: job.request.verify ?? false, more: false });
    else if (job.kind === "index") this.#showIndexed(job.result);
    else byId("archive-result").replaceChildren(el("div", { class: "summary" }, el("h2", {}, "Done")));
  }

  #showAnswer(job) {
    const result = job.result;
    const { considered = {} } = result;
    const looked = considered.looked_at === undefined ? "" : `Looked at ${plural(considered.looked_at, "stretch", "stretches")} of ${plural(considered.looked_at_videos, "video")}, of ${plural(considered.clips, "clip")} in ${plural(considered.videos, "video")}.`;
    const cited = (result.citations ?? []).map((hit) => el("li", {}, ...renderHit(hit).childNodes));
    const others = (result.others ?? []).map(renderHit);
    byId("archive-result").replaceChildren(
      el(
        "div",
        { class: "summary" },
        el("p", { class: "asked" }, result.question),
        el("h2", { class: `outcome ${result.outcome}` }, outcomeSign(result.outcome), el("span", {}, result.answer || (result.outcome === "not_found" ? "It does not happen in what was looked at" : "No clear answer"))),
        result.at_least ? el("p", { class: "warning" }, "There may be more: stretches as likely were not looked at.") : null,
        ...(result.notes ?? []).map((note) => el("p", { class: "warning" }, note)),
        el("p", { class: "quiet" }, looked),
        exportsOf(job, "answer"),
      ),
      cited.length ? el("h3", {}, "It stands on") : "",
      el("ol", { class: "grid", "aria-label": "Citations" }, ...cited),
      others.length ? el("details", { class: "more-facts" }, el("summary", {}, `Also looked at: ${others.length}`), el("ul", { class: "grid" }, ...others)) : "",
    );
    announce(result.answer || "No clear answer");
  }

  #showIndexed(result) {
    const files = result.files ?? [];
    const rows = files.map((file) => el("li", {}, el("span", { class: "row static" }, el("span", { class: "row-name" }, file.name ?? (file.url ?? "").split("/").pop()), el("span", { class: "row-fact" }, file.outcome), el("span", { class: "row-fact" }, file.clips === undefined ? "" : plural(file.clips, "clip")), ...(file.notes ?? []).map((note) => el("span", { class: "quiet" }, note)))));
    byId("archive-result").replaceChildren(el("div", { class: "summary" }, el("h2", {}, `${plural(files.length, "video")} read`), el("p", { class: "quiet" }, "They can be searched now.")), el("ul", { class: "rows" }, ...rows));
    guarded(() => this.#list(this.#chosen));
  }

  async #chooseVideos() {
    const dialog = byId("add-dialog");
    const { videos } = await get("/v1/videos", { page_size: 100 });
    const boxes = videos.map((video) => el("input", { type: "checkbox", value: video.id, checked: true }));
    const rows = videos.map((video, i) => el("li", {}, el("label", { class: "check" }, boxes[i], el("span", { class: "row-name" }, video.name || video.id), el("span", { class: "quiet tabular" }, durationOf(video) === null ? "" : clock(durationOf(video), 0)))));
    const add = async (event) => {
      event.preventDefault();
      const chosen = boxes.filter((box) => box.checked).map((box) => ({ video_id: box.value }));
      dialog.close();
      if (chosen.length) await guarded(() => this.#add(chosen));
    };
    const body = videos.length ? el("ul", { class: "choices" }, ...rows) : el("p", {}, "There are no videos on this server yet. Upload some first.");
    dialog.replaceChildren(
      el(
        "form",
        { method: "dialog", on: { submit: add } },
        el("h2", { id: "add-title" }, "Add videos to the archive"),
        el("p", { class: "quiet" }, "Those that are in it already are not read again."),
        body,
        el("div", { class: "dialog-buttons" }, el("button", { type: "button", class: "plain", on: { click: () => dialog.close() } }, "Not now"), videos.length ? el("button", { type: "submit", class: "primary" }, "Add") : null),
      ),
    );
    dialog.showModal();
  }

  async #add(videos) {
    const { archives } = await get("/v1/archives");
    const id = archives.length ? this.#chosen : (await create("/v1/archives", { name: FIRST })).body.id;
    const job = await submit("index", { videos, archive_id: id });
    this.#go(`#job=${encodeURIComponent(job.id)}`);
  }
}

/** How many videos an archive holds, or null where it does not tell. */
function countOf(archive) {
  const told = archive?.videos ?? null;
  if (told === null || typeof told === "number") return told;
  return Object.values(told).reduce((sum, count) => sum + count, 0);
}

/** The job behind an answer that came at once, where the service names it. */
const idOf = (response) => response.headers.get("Location")?.match(/\/v1\/jobs\/([^/?]+)/)?.[1] ?? null;

/** Buttons that save what a job found; only its JSON where the job is not known. */
function exportsOf(job, name) {
  const whole = () => save(new Blob([JSON.stringify(job.result, null, 2)], { type: "application/json" }), `${name}.json`);
  const button = (format, call) => el("button", { type: "button", class: "plain small", data: { format }, on: { click: () => guarded(call) } }, format.toUpperCase());
  const others = job.id ? FORMATS.map((format) => button(format, () => download(`${jobPath(job.id)}/export?format=${format}`, `${name}.${format}`))) : [];
  return el("div", { class: "exports", role: "group", "aria-label": "Export" }, el("span", { class: "quiet" }, "Export"), ...others, button("json", whole));
}
