// Everything that was asked, newest first: each line leads back to its answer.

import { get } from "./api.js";
import { outcomeSign } from "./answer.js";
import { byId, el } from "./dom.js";
import { isFinal, standing, verbOf, videoOf, wordsOf } from "./jobs.js";
import { guarded } from "./problems.js";
import { ago, percent } from "./time.js";

const PAGE = 30;
const AGAIN_MS = 3000;
const OF_ARCHIVE = new Set(["search", "index", "reindex"]);

export class History {
  #next = null;
  #names = new Map();
  #timer = null;

  constructor() {
    byId("history-more").addEventListener("click", () => guarded(() => this.#more()));
  }

  async open() {
    this.leave();
    await this.#nameVideos();
    const page = await get("/v1/jobs", { page_size: PAGE });
    const list = byId("history-list");
    list.replaceChildren(...page.jobs.map((job) => this.#row(job)));
    if (!page.jobs.length) list.append(el("li", { class: "quiet nothing" }, "Nothing was asked yet."));
    this.#page(page);
    if (page.jobs.some((job) => !isFinal(job))) this.#timer = setTimeout(() => guarded(() => this.#again()), AGAIN_MS);
  }

  leave() {
    clearTimeout(this.#timer);
  }

  /** While something runs, the list is read again; what has the focus keeps it. */
  async #again() {
    const at = [...document.querySelectorAll("#history-list a")].indexOf(document.activeElement);
    await this.open();
    if (at >= 0) document.querySelectorAll("#history-list a")[at]?.focus();
  }

  async #more() {
    const page = await get("/v1/jobs", { page_size: PAGE, page_token: this.#next });
    byId("history-list").append(...page.jobs.map((job) => this.#row(job)));
    this.#page(page);
  }

  #page(page) {
    this.#next = page.next_page_token ?? null;
    byId("history-more").hidden = this.#next === null;
  }

  async #nameVideos() {
    const { videos } = await get("/v1/videos", { page_size: 100 });
    for (const video of videos) this.#names.set(video.id, video.name || video.id);
  }

  #row(job) {
    const { done = 0, total = 0 } = job.progress ?? {};
    const far = job.state === "in_progress" && total > 0 ? ` ${percent(done / total)}` : "";
    const where = videoOf(job) ? (this.#names.get(videoOf(job)) ?? "a video that is gone") : (OF_ARCHIVE.has(job.kind) || job.request?.archive_id ? "archive" : "");
    return el(
      "li",
      {},
      el(
        "a",
        { class: "row", href: `#job=${encodeURIComponent(job.id)}` },
        el("span", { class: "row-verb" }, verbOf(job)),
        el("span", { class: "row-name" }, wordsOf(job) || "What happens"),
        el("span", { class: "row-fact wide grow" }, where),
        el("span", { class: `row-fact standing ${job.state} ${job.outcome ?? ""}` }, job.state === "completed" ? outcomeSign(job.outcome) : null, `${standing(job)}${far}`),
        el("span", { class: "row-fact when" }, ago(job.created_at)),
      ),
    );
  }
}
