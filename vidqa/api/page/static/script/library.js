// Videos on the server: uploaded by choosing or dropping, listed page by page, examples to begin with.

import { get } from "./api.js";
import { announce, byId, el, icon } from "./dom.js";
import { lengthOf } from "./media.js";
import { showProblem, guarded } from "./problems.js";
import { ago, bytes, clock, length, percent, plural } from "./time.js";
import { upload } from "./upload.js";

const PAGE = 20;

export const factsOf = (video) => video.facts ?? {};
export const durationOf = (video) => factsOf(video).duration ?? factsOf(video).duration_s ?? null;
export const isImage = (video) => (factsOf(video).kind ?? "video") === "image";

export class Library {
  #open;
  #next = null;
  #shown = new Map();

  /** `open(videoId, { query })` shows a video. */
  constructor(open) {
    this.#open = open;
    byId("choose").addEventListener("click", () => byId("file").click());
    byId("file").addEventListener("change", (event) => {
      this.take([...event.target.files]);
      event.target.value = "";
    });
    byId("library-more").addEventListener("click", () => guarded(() => this.#more()));
    this.#listenForDrops();
  }

  get videos() {
    return [...this.#shown.values()];
  }

  /** The first page anew; examples are offered where there is nothing. */
  async refresh() {
    const page = await get("/v1/videos", { page_size: PAGE });
    this.#shown.clear();
    byId("library-list").replaceChildren();
    this.#add(page);
    const examples = this.#shown.size ? [] : (await get("/page/examples")).examples;
    byId("library").hidden = !this.#shown.size;
    byId("videos").classList.toggle("first", !this.#shown.size);
    byId("examples").hidden = !examples.length;
    byId("example-list").replaceChildren(...examples.map((each) => this.#example(each)));
  }

  async #more() {
    const from = byId("library-list").children.length;
    this.#add(await get("/v1/videos", { page_size: PAGE, page_token: this.#next }));
    byId("library-list").children[from]?.querySelector("a")?.focus();
  }

  #add(page) {
    for (const video of page.videos) {
      if (!this.#shown.has(video.id)) byId("library-list").append(this.#row(video));
      this.#shown.set(video.id, video);
    }
    this.#next = page.next_page_token ?? null;
    byId("library-more").hidden = this.#next === null;
    byId("library-count").textContent = `${plural(this.#shown.size, "video")}${this.#next ? " shown" : ""}`;
  }

  #row(video) {
    const facts = factsOf(video);
    const duration = durationOf(video);
    const long = el("span", { class: "row-fact strong" }, isImage(video) ? "picture" : duration === null ? "" : clock(duration, 0));
    if (duration === null && !isImage(video)) lengthOf(`/v1/videos/${encodeURIComponent(video.id)}/content`, (seconds) => (long.textContent = clock(seconds, 0)));
    const size = facts.width ? `${facts.width}×${facts.height}` : "";
    return el(
      "li",
      {},
      el(
        "a",
        { class: "row", href: `#video=${encodeURIComponent(video.id)}` },
        el("span", { class: "row-icon" }, icon("film")),
        el("span", { class: "row-name" }, video.name || video.id),
        long,
        el("span", { class: "row-fact wide" }, size),
        el("span", { class: "row-fact wide" }, bytes(video.bytes ?? 0)),
        el("span", { class: "row-fact when" }, video.created_at ? ago(video.created_at) : ""),
      ),
    );
  }

  #example(example) {
    const go = async (event) => {
      const button = event.currentTarget;
      button.disabled = true;
      await guarded(() => this.#tryExample(example));
      button.disabled = false;
    };
    return el(
      "li",
      {},
      el(
        "button",
        { type: "button", class: "example", on: { click: go } },
        el("span", { class: "row-icon" }, icon("film")),
        el("span", { class: "example-name" }, example.name),
        el("span", { class: "quiet" }, `find “${example.query}”`),
      ),
    );
  }

  async #tryExample(example) {
    const response = await fetch(example.url);
    const file = new File([await response.blob()], example.name, { type: "video/mp4", lastModified: 0 });
    const id = await this.#send(file);
    if (id) this.#open(id, { query: example.query });
  }

  /** Uploads files one after the other; a single one is opened. */
  async take(files) {
    const ids = [];
    for (const file of files) ids.push(await this.#send(file));
    if (files.length === 1 && ids[0]) this.#open(ids[0], {});
    else await guarded(() => this.refresh());
  }

  async #send(file) {
    const row = new UploadRow(file);
    byId("uploads").append(row.root);
    for (;;) {
      const stop = new AbortController();
      row.begin(() => stop.abort());
      try {
        const id = await upload(file, (sent, state) => row.tell(sent, state), stop.signal);
        row.root.remove();
        announce(`${file.name} is uploaded`);
        return id;
      } catch (err) {
        if (err.name !== "AbortError") showProblem(err, { place: file.name });
        if (!(await row.again(err))) return null;
      }
    }
  }

  #listenForDrops() {
    const veil = byId("drag-veil");
    const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
    addEventListener("dragenter", (event) => holdsFiles(event) && (veil.hidden = false));
    addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
    addEventListener("dragleave", (event) => event.relatedTarget === null && (veil.hidden = true));
    addEventListener("drop", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      veil.hidden = true;
      location.hash = "#videos";
      this.take([...event.dataTransfer.files]);
    });
  }
}

/** One upload under way: a bar, what is left, and a way to pause it or go on. */
class UploadRow {
  constructor(file) {
    this.file = file;
    this.bar = el("progress", { max: Math.max(1, file.size), value: 0, "aria-label": `Upload of ${file.name}` });
    this.words = el("span", { class: "quiet upload-words" });
    this.button = el("button", { type: "button", class: "plain small" }, "Pause");
    this.drop = el("button", { type: "button", class: "icon small", "aria-label": `Leave out ${file.name}`, hidden: true }, icon("cross"));
    this.root = el("li", { class: "upload" }, el("span", { class: "upload-name" }, file.name), this.words, this.bar, this.button, this.drop);
  }

  begin(pause) {
    this.started = performance.now();
    this.first = null;
    this.button.textContent = "Pause";
    this.button.onclick = pause;
    this.drop.hidden = true;
  }

  tell(sent, { waiting }) {
    this.first ??= sent;
    this.bar.value = sent;
    const share = this.file.size ? sent / this.file.size : 1;
    const rate = (sent - this.first) / Math.max(0.5, (performance.now() - this.started) / 1000);
    const left = rate > 0 ? (this.file.size - sent) / rate : 0;
    const tail = share >= 1 ? "checking" : left > 2 ? `${length(left)} left` : "";
    this.words.textContent = waiting
      ? "connection lost, going on soon"
      : [`${percent(share)} of ${bytes(this.file.size)}`, tail].filter(Boolean).join(", ");
  }

  /** Resolves true when the user wants to go on, false when the upload is left. */
  again(err) {
    this.words.textContent = err.name === "AbortError" ? "paused" : "stopped";
    this.button.textContent = err.name === "AbortError" ? "Go on" : "Try again";
    this.drop.hidden = false;
    return new Promise((resolve) => {
      this.button.onclick = () => resolve(true);
      this.drop.onclick = () => {
        this.root.remove();
        resolve(false);
      };
    });
  }
}
