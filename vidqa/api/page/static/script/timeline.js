// The timeline: marks to play, what was looked at, a ruler and the playhead, over any length of video.

import { el, icon } from "./dom.js";
import { Scale, rowsOf } from "./scale.js";
import { clock } from "./time.js";

const ROWS = 4;
const LABEL_PX = 84;
const LEAST_PX = 12; // a mark of a second in hours is as wide as can be pointed at, and keeps its row
const share = (value) => `${value * 100}%`;

export class Timeline extends EventTarget {
  #root;
  #parts;
  #scale = new Scale(0);
  #shown = { marks: [], looked: [], considered: [] };
  #current = -1;
  #now = 0;
  #selection = null;

  constructor(root) {
    super();
    this.#root = root;
    this.#parts = build();
    root.append(...this.#parts.top);
    this.#listen();
    new ResizeObserver(() => this.#draw()).observe(this.#parts.body);
  }

  /** The video's length; all of it comes into view. */
  setDuration(duration) {
    this.#root.classList.toggle("empty", !(duration > 0));
    this.#scale = new Scale(Math.max(0, duration || 0));
    this.#draw();
  }

  /**
   * `marks`: {start, end, label, text, precision, weight, pts}; `looked`: {start, end, fps};
   * `considered`: {start, end}; `legend`: pairs of a kind and what it means. Seconds, half-open.
   */
  show({ marks = [], looked = [], considered = [], legend = [] }) {
    this.#shown = { marks, looked, considered };
    this.#current = marks.length ? 0 : -1;
    this.#parts.legend.replaceChildren(...legend.map(([kind, words]) => el("span", { class: "key" }, el("span", { class: `swatch ${kind}` }), words)));
    this.#draw();
  }

  setNow(seconds, playing) {
    this.#now = seconds;
    if (playing && !this.#scale.whole && (seconds < this.#scale.from || seconds > this.#scale.to)) {
      this.#zoom(this.#scale.around(seconds, this.#scale.length));
    }
    this.#place();
  }

  /** The stretch that a question is limited to, `{start, end}`, or null for all of the video. */
  setSelection(selection) {
    this.#selection = selection;
    this.#place();
  }

  setCurrent(index, focus = false) {
    this.#current = index;
    for (const [i, mark] of this.#marks().entries()) {
      mark.tabIndex = i === index ? 0 : -1;
      mark.classList.toggle("current", i === index);
      if (i === index && focus) mark.focus();
    }
    const mark = this.#shown.marks[index];
    if (mark && (mark.start < this.#scale.from || mark.end > this.#scale.to)) {
      this.#zoom(this.#scale.around((mark.start + mark.end) / 2, Math.max(this.#scale.length, (mark.end - mark.start) * 3)));
    }
  }

  zoomIn = () => this.#zoom(this.#scale.zoom(0.5, this.#anchor()));
  zoomOut = () => this.#zoom(this.#scale.zoom(2, this.#anchor()));
  fit = () => this.#zoom(this.#scale.fit());

  #anchor() {
    const mark = this.#shown.marks[this.#current];
    const inView = this.#now >= this.#scale.from && this.#now <= this.#scale.to;
    if (mark && !inView) return (mark.start + mark.end) / 2;
    return inView ? this.#now : (this.#scale.from + this.#scale.to) / 2;
  }

  #marks = () => [...this.#parts.marks.children];

  #zoom(scale) {
    this.#scale = scale;
    this.#draw();
  }

  #draw() {
    const { marks, looked, considered } = this.#shown;
    const focused = this.#marks().indexOf(document.activeElement);
    const least = (LEAST_PX / (this.#parts.body.clientWidth || 1)) * this.#scale.length;
    const rows = rowsOf(marks.map(({ start, end }) => ({ start, end: Math.max(end, start + least) })), ROWS);
    const height = Math.max(1, ...rows.map((row) => row + 1));
    this.#parts.marks.style.setProperty("--rows", height);
    this.#parts.marks.replaceChildren(...marks.map((mark, i) => this.#mark(mark, i, rows[i])));
    if (focused >= 0) this.#marks()[focused]?.focus({ preventScroll: true });
    this.#parts.looked.replaceChildren(
      ...looked.map((each) => this.#stretch("looked", each)),
      ...considered.map((each) => this.#stretch("considered", each)),
    );
    this.#parts.ruler.replaceChildren(...this.#ticks());
    this.#parts.out.disabled = this.#parts.fit.disabled = this.#scale.whole;
    this.#place();
  }

  #mark(mark, index, row) {
    const { at } = this.#span(mark);
    const made = el(
      "button",
      {
        type: "button",
        class: "mark",
        "aria-label": mark.label,
        title: mark.label,
        tabindex: index === this.#current ? 0 : -1,
        style: { "--row": row, "--weight": mark.weight ?? 1 },
        on: { click: () => this.#play(index) },
      },
      el("span", { class: "mark-text" }, mark.text ?? ""),
    );
    made.classList.toggle("current", index === this.#current);
    made.style.left = share(at.left);
    made.style.width = share(at.width);
    const fringe = mark.precision / Math.max(1e-9, mark.end - mark.start);
    made.style.setProperty("--fringe", share(Math.min(fringe, 50)));
    made.append(...(mark.pts ?? []).map((pts) => this.#dot(mark, pts)));
    return made;
  }

  #dot(mark, pts) {
    const dot = el("span", { class: "dot" });
    dot.style.left = share(Math.min(1, Math.max(0, (pts - mark.start) / Math.max(1e-9, mark.end - mark.start))));
    return dot;
  }

  #stretch(kind, each) {
    const { at } = this.#span(each);
    const made = el("span", { class: kind, title: each.label });
    made.style.left = share(at.left);
    made.style.width = share(at.width);
    return made;
  }

  #span({ start, end }) {
    const left = this.#scale.at(start);
    return { at: { left, width: Math.max(0, this.#scale.at(end) - left) } };
  }

  #ticks() {
    const width = this.#parts.body.clientWidth || 1;
    if (!(this.#scale.length > 0)) return [];
    const { step, large, small } = this.#scale.ticks(LABEL_PX / width);
    const decimals = step < 1 ? 1 : 0;
    const make = (seconds, labelled) => {
      const tick = el("span", { class: labelled ? "tick large" : "tick" }, labelled ? el("span", {}, clock(seconds, decimals)) : null);
      tick.style.left = share(this.#scale.at(seconds));
      tick.classList.toggle("first", this.#scale.at(seconds) * width < 14);
      tick.classList.toggle("last", this.#scale.at(seconds) > 1 - 20 / width);
      return tick;
    };
    return [...small.map((seconds) => make(seconds, false)), ...large.map((seconds) => make(seconds, true))];
  }

  /** What moves while a video plays: cheap, and nothing else is touched. */
  #place() {
    const { head, scrub, time, chosen, view, overview } = this.#parts;
    const at = this.#scale.at(this.#now);
    head.style.left = share(at);
    head.hidden = at < -0.001 || at > 1.001;
    time.textContent = `${clock(this.#now, 1)} / ${clock(this.#scale.duration, 1)}`;
    scrub.setAttribute("aria-valuemax", this.#scale.duration.toFixed(1));
    scrub.setAttribute("aria-valuenow", this.#now.toFixed(1));
    scrub.setAttribute("aria-valuetext", `${clock(this.#now)} of ${clock(this.#scale.duration)}`);
    chosen.hidden = this.#selection === null;
    if (this.#selection) {
      const { at: place } = this.#span(this.#selection);
      chosen.style.left = share(place.left);
      chosen.style.width = share(place.width);
    }
    overview.classList.toggle("idle", this.#scale.whole);
    view.style.left = share(this.#scale.duration ? this.#scale.from / this.#scale.duration : 0);
    view.style.width = share(this.#scale.duration ? this.#scale.length / this.#scale.duration : 1);
  }

  #play(index) {
    this.setCurrent(index);
    this.dispatchEvent(new CustomEvent("mark", { detail: index }));
  }

  #seek(seconds) {
    const to = Math.min(this.#scale.duration, Math.max(0, seconds));
    this.dispatchEvent(new CustomEvent("seek", { detail: to }));
  }

  #listen() {
    const { scrub, marks, body, zoomIn, out, fit, overview, hover } = this.#parts;
    zoomIn.addEventListener("click", this.zoomIn);
    out.addEventListener("click", this.zoomOut);
    fit.addEventListener("click", this.fit);
    scrub.addEventListener("keydown", (event) => this.#scrubKey(event));
    marks.addEventListener("keydown", (event) => this.#markKey(event));
    scrub.addEventListener("pointerdown", (event) => this.#drag(event));
    body.addEventListener("pointermove", (event) => {
      const at = this.#shareOf(event);
      hover.hidden = event.pointerType === "touch" || at < 0 || at > 1 || !(this.#scale.duration > 0);
      hover.style.left = share(at);
      hover.firstChild.textContent = clock(this.#scale.seconds(at), this.#scale.length < 120 ? 1 : 0);
    });
    body.addEventListener("pointerleave", () => (hover.hidden = true));
    body.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    overview.addEventListener("pointerdown", (event) => {
      const box = overview.getBoundingClientRect();
      this.#zoom(this.#scale.around(((event.clientX - box.left) / box.width) * this.#scale.duration, this.#scale.length));
    });
  }

  #shareOf(event) {
    const box = this.#parts.body.getBoundingClientRect();
    return (event.clientX - box.left) / box.width;
  }

  /** Moves the playhead; with Shift, chooses a stretch to ask about. */
  #drag(event) {
    if (event.button !== 0 || !(this.#scale.duration > 0)) return;
    event.preventDefault();
    const { scrub } = this.#parts;
    const from = this.#scale.seconds(this.#shareOf(event));
    const choosing = event.shiftKey;
    const move = (each) => {
      const to = this.#scale.seconds(this.#shareOf(each));
      if (!choosing) return this.#seek(to);
      this.setSelection({ start: Math.min(from, to), end: Math.max(from, to) });
    };
    const done = () => {
      scrub.removeEventListener("pointermove", move);
      if (choosing) this.dispatchEvent(new CustomEvent("select", { detail: this.#selection }));
    };
    scrub.focus({ preventScroll: true });
    scrub.setPointerCapture(event.pointerId);
    scrub.addEventListener("pointermove", move);
    scrub.addEventListener("lostpointercapture", done, { once: true });
    move(event);
  }

  #wheel(event) {
    if (!event.ctrlKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
    if (!event.ctrlKey && this.#scale.whole) return;
    event.preventDefault();
    if (event.ctrlKey) return this.#zoom(this.#scale.zoom(Math.exp(event.deltaY / 200), this.#scale.seconds(this.#shareOf(event))));
    const moved = (event.deltaX / this.#parts.body.clientWidth) * this.#scale.length;
    this.#zoom(this.#scale.around((this.#scale.from + this.#scale.to) / 2 + moved, this.#scale.length));
  }

  #scrubKey(event) {
    const step = event.shiftKey ? 10 : 1;
    const to = {
      ArrowLeft: this.#now - step,
      ArrowDown: this.#now - step,
      ArrowRight: this.#now + step,
      ArrowUp: this.#now + step,
      PageDown: this.#now - this.#scale.duration / 10,
      PageUp: this.#now + this.#scale.duration / 10,
      Home: 0,
      End: this.#scale.duration,
    }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.#seek(to);
  }

  #markKey(event) {
    const last = this.#shown.marks.length - 1;
    const to = { ArrowLeft: this.#current - 1, ArrowRight: this.#current + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.setCurrent(Math.min(last, Math.max(0, to)), true);
  }
}

function build() {
  const button = (name, label) => el("button", { type: "button", class: "icon small", "aria-label": label, title: label }, icon(name));
  const [out, fit, zoomIn] = [button("minus", "Zoom out (-)"), button("fit", "The whole video (0)"), button("plus", "Zoom in (+)")];
  const time = el("output", { class: "tl-time", "aria-hidden": "true" });
  const legend = el("p", { class: "tl-legend" });
  const scrub = el("div", { class: "tl-scrub", role: "slider", tabindex: 0, "aria-label": "Position in the video", "aria-valuemin": 0 });
  const marks = el("div", { class: "tl-marks", role: "group", "aria-label": "Moments found" });
  const looked = el("div", { class: "tl-looked", "aria-hidden": "true" });
  const ruler = el("div", { class: "tl-ruler", "aria-hidden": "true" });
  const chosen = el("div", { class: "tl-chosen", hidden: true });
  const head = el("div", { class: "tl-head", "aria-hidden": "true" });
  const hover = el("div", { class: "tl-hover", hidden: true, "aria-hidden": "true" }, el("span"));
  const body = el("div", { class: "tl-body" }, chosen, scrub, marks, looked, ruler, hover, head);
  const view = el("div", { class: "tl-view" });
  const overview = el("div", { class: "tl-overview idle", "aria-hidden": "true" }, view);
  const bar = el("div", { class: "tl-bar" }, time, legend, el("div", { class: "tl-zoom", role: "group", "aria-label": "Zoom" }, out, fit, zoomIn));
  return { top: [bar, body, overview], time, legend, scrub, marks, looked, ruler, chosen, head, hover, body, view, overview, out, fit, zoomIn };
}
