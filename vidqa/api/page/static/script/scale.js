// The arithmetic of a timeline: which seconds are in view, where they lie, and where ticks stand.

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
const SHORTEST_S = 0.5;

/** A window `[from, to)` on `[0, duration)`; immutable, every change makes another. */
export class Scale {
  constructor(duration, from = 0, to = duration) {
    Object.assign(this, { duration, from, to });
  }

  get length() {
    return this.to - this.from;
  }

  get whole() {
    return this.from <= 0 && this.to >= this.duration;
  }

  /** Share of the width at which `seconds` lies: 0 is the left edge, 1 the right one. */
  at(seconds) {
    return this.length > 0 ? (seconds - this.from) / this.length : 0;
  }

  seconds(share) {
    return Math.min(this.duration, Math.max(0, this.from + share * this.length));
  }

  /** Shows `length` seconds around `middle`, kept inside the video. */
  around(middle, length) {
    const shown = Math.min(this.duration, Math.max(Math.min(SHORTEST_S, this.duration), length));
    const from = Math.min(this.duration - shown, Math.max(0, middle - shown / 2));
    return new Scale(this.duration, from, from + shown);
  }

  /** In (`factor` < 1) or out, with the second at `seconds` where it is. */
  zoom(factor, seconds) {
    const shown = Math.min(this.duration, Math.max(Math.min(SHORTEST_S, this.duration), this.length * factor));
    const share = Math.min(1, Math.max(0, this.at(seconds)));
    const from = Math.min(this.duration - shown, Math.max(0, seconds - share * shown));
    return new Scale(this.duration, from, from + shown);
  }

  fit() {
    return new Scale(this.duration);
  }

  /** Times of labelled ticks, at least `gap` apart in share of the width, and of the small ones between. */
  ticks(gap) {
    const step = STEPS.find((each) => each / this.length >= gap) ?? Math.ceil((this.length * gap) / 3600) * 3600;
    const first = Math.ceil(this.from / step - 1e-9);
    const last = Math.floor(this.to / step + 1e-9);
    const at = (n, part) => Math.round(n * part * 1e6) / 1e6;
    const large = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => at(first + i, step));
    const part = step / 5;
    const small = [];
    for (let n = Math.ceil(this.from / part - 1e-9); n * part <= this.to + 1e-9; n += 1) if (n % 5) small.push(at(n, part));
    return { step, large, small };
  }
}

/** A row for every span, so that those in one row do not overlap; at most `rows`, the last takes the rest. */
export function rowsOf(spans, rows) {
  const ends = [];
  return spans.map(({ start, end }) => {
    const free = ends.findIndex((taken) => taken <= start);
    const row = free >= 0 ? free : Math.min(ends.length, rows - 1);
    ends[row] = Math.max(end, ends[row] ?? 0);
    return row;
  });
}
