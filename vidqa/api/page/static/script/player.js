// A <video> on vidqa's clock: 0 is the first displayed frame, spans are half-open and end by stopping.

const NEAR_S = 0.02;
const FIRST_FRAME_MS = { visible: 3000, hidden: 100 };

export class Player extends EventTarget {
  #video;
  #stopAt = null;
  #offset = 0;
  #waiting = null;
  #unplayable = null;
  #isReady = false;
  #origin = 0;

  constructor(video) {
    super();
    this.#video = video;
    for (const type of ["play", "pause", "seeked", "loadedmetadata", "timeupdate", "ended"]) {
      video.addEventListener(type, () => this.#tick());
    }
    video.addEventListener("loadeddata", () => this.#loaded());
    video.addEventListener("seeking", () => this.#leftSpan());
    video.addEventListener("error", () => this.#failed());
  }

  /** Shows another file; `null` shows none. `origin` is the second at which a clip of a video begins. */
  load(source, origin = 0) {
    this.#origin = origin;
    this.#stopAt = null;
    this.#waiting = null;
    this.#offset = 0;
    this.#unplayable = null;
    this.#isReady = false;
    this.#video.pause();
    if (source === null) {
      this.#video.removeAttribute("src");
      this.#video.load();
      return;
    }
    // Before the source: a first frame that is shown already is told to nobody.
    this.#video.requestVideoFrameCallback?.((_, frame) => this.#begin(source, frame.mediaTime));
    this.#video.src = source;
  }

  get now() {
    return Math.max(0, this.#video.currentTime - this.#offset + this.#origin);
  }

  get duration() {
    return Number.isFinite(this.#video.duration) ? this.#video.duration - this.#offset : null;
  }

  get unplayable() {
    return this.#unplayable;
  }

  get playing() {
    return !this.#video.paused;
  }

  toggle() {
    if (this.#video.paused) this.#play();
    else this.#video.pause();
  }

  /** Shows the frame at `seconds` and stays as it is, playing or not. */
  seek(seconds) {
    this.#stopAt = null;
    this.#whenReady(() => this.#go(seconds));
  }

  /** Shows the frame at `seconds`, standing still. */
  show(seconds) {
    this.#video.pause();
    this.seek(seconds);
  }

  /** Plays `[start, end)` and stops at its end. */
  playSpan(start, end) {
    if (this.#isIdle()) this.#play();
    this.#whenReady(() => {
      this.#go(start);
      this.#stopAt = end;
      this.#play();
      this.#watchEnd();
    });
  }

  #go(seconds) {
    // A hair behind the wanted time, so that a frame that begins there is the one that is shown.
    this.#video.currentTime = Math.max(0, seconds - this.#origin) + this.#offset + 0.001;
    this.#tick();
  }

  #play() {
    // Refused where the browser wants a gesture first: the native controls are there for it.
    this.#video.play().catch(() => this.#tick());
  }

  #watchEnd() {
    const look = () => {
      if (this.#stopAt === null || this.#video.paused) return;
      this.#tick();
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }

  #tick() {
    const past = this.#stopAt !== null && !this.#video.seeking && this.now >= this.#stopAt - NEAR_S / 2;
    if (past) {
      this.#stopAt = null;
      this.#video.pause();
    }
    this.dispatchEvent(new Event("time"));
  }

  /** Someone moved the player by its own controls: what plays now has no end. */
  #leftSpan() {
    if (this.#stopAt !== null && this.now > this.#stopAt + NEAR_S) this.#stopAt = null;
  }

  #whenReady(act) {
    if (this.#unplayable) return;
    if (this.#isReady) act();
    else this.#waiting = act;
  }

  /** Whether this browser loads nothing before it is told to play, as telephones do. */
  #isIdle() {
    const { readyState, networkState } = this.#video;
    return readyState < HTMLMediaElement.HAVE_CURRENT_DATA && networkState === HTMLMediaElement.NETWORK_IDLE;
  }

  /** A tab that is not seen is shown no frames: there the place where the player stands has to do. */
  #loaded() {
    const { src, currentTime } = this.#video;
    const patience = this.#video.requestVideoFrameCallback ? FIRST_FRAME_MS[document.visibilityState] : 0;
    setTimeout(() => this.#begin(src, currentTime), patience);
  }

  /**
   * Takes where vidqa's 0 lies on the player's clock, before anything is moved: players count from
   * the first packet of any stream, vidqa from the first frame that is shown.
   */
  #begin(source, seconds) {
    if (this.#isReady || this.#video.src !== new URL(source, location.href).href) return;
    this.#offset = seconds;
    this.#ready();
  }

  #ready() {
    this.#isReady = true;
    const act = this.#waiting;
    this.#waiting = null;
    act?.();
    this.#tick();
    this.dispatchEvent(new Event("ready"));
  }

  #failed() {
    if (!this.#video.getAttribute("src")) return;
    const code = this.#video.error?.code;
    this.#unplayable = code === MediaError.MEDIA_ERR_NETWORK ? "network" : "format";
    this.dispatchEvent(new Event("unplayable"));
  }
}
