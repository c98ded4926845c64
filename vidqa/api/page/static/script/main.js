// The whole page: one address, one view. `#videos`, `#video=ID`, `#job=ID`, `#archive=ID&q=...`, `#history`.

import { Archive } from "./archive.js";
import { byId, icon } from "./dom.js";
import { History } from "./history.js";
import { jobOf, videoOf } from "./jobs.js";
import { setUpKey } from "./key.js";
import { Library } from "./library.js";
import { setUpMedia } from "./media.js";
import { clearProblems, showProblem } from "./problems.js";
import { setUpShortcuts, showKeys } from "./shortcuts.js";
import { Watch } from "./watch.js";

const VIEWS = ["videos", "watch", "archive", "history"];
const TAB_OF = { videos: "videos", watch: "videos", archive: "archive", history: "history" };
let suggested = null;
let turn = 0;

const go = (hash, again = false) => {
  if (location.hash === hash && again) route();
  else location.hash = hash;
};
const library = new Library((id, { query }) => {
  suggested = query ? { id, query } : null;
  go(`#video=${encodeURIComponent(id)}`);
});
const watch = new Watch(go);
const archive = new Archive(go);
const history = new History();

function show(view) {
  if (view !== "watch") watch.leave();
  if (view !== "archive") archive.leave();
  if (view !== "history") history.leave();
  for (const name of VIEWS) byId(name).hidden = name !== view;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === TAB_OF[view]) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (view !== "watch") document.title = `${byId(`${view}-title`).textContent} – vidqa`;
}

async function route() {
  turn += 1;
  const mine = turn;
  const asked = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  clearProblems();
  try {
    await open(asked, () => mine === turn);
  } catch (err) {
    if (mine === turn) showProblem(err, { act: err.retryable ? { words: "Try again", call: route } : null });
  }
}

async function open(asked, stillWanted) {
  if ("job" in asked) return openJob(asked.job, stillWanted);
  if ("video" in asked) {
    show("watch");
    const query = suggested?.id === asked.video ? suggested.query : "";
    suggested = null;
    return watch.openVideo(asked.video, { query, span: spanOf(asked.t) });
  }
  if ("archive" in asked) {
    show("archive");
    return archive.open(asked);
  }
  if ("history" in asked) {
    show("history");
    return history.open();
  }
  show("videos");
  return library.refresh();
}

async function openJob(id, stillWanted) {
  const job = await jobOf(id);
  if (!stillWanted()) return undefined;
  const ofVideo = videoOf(job) !== null && job.kind !== "index";
  show(ofVideo ? "watch" : "archive");
  return ofVideo ? watch.openJob(id) : archive.openJob(job);
}

/** "12-20.5" as a stretch, or null. */
function spanOf(text) {
  const [start, end] = (text ?? "").split("-").map(Number);
  return start < end ? { start, end } : null;
}

function setUpTheme() {
  const button = byId("theme-button");
  const themes = ["auto", "light", "dark"];
  const names = { auto: "as the system has it", light: "light", dark: "dark" };
  const icons = { auto: "auto", light: "sun", dark: "moon" };
  const fit = () => {
    const theme = document.documentElement.dataset.theme ?? "auto";
    button.replaceChildren(icon(icons[theme]));
    button.setAttribute("aria-label", `Theme: ${names[theme]}`);
    button.title = `Theme: ${names[theme]}`;
  };
  button.addEventListener("click", () => {
    const theme = themes[(themes.indexOf(document.documentElement.dataset.theme ?? "auto") + 1) % themes.length];
    if (theme === "auto") {
      delete document.documentElement.dataset.theme;
      localStorage.removeItem("vidqa-theme");
    } else {
      document.documentElement.dataset.theme = theme;
      localStorage.setItem("vidqa-theme", theme);
    }
    fit();
  });
  fit();
}

const watching = () => !byId("watch").hidden;
const ACTS = [
  { keys: ["/"], words: "write a question", call: () => (byId("archive").hidden ? byId("words") : byId("archive-words")).focus(), when: () => watching() || !byId("archive").hidden },
  { keys: [" ", "k"], words: "play, pause", call: () => watch.player.toggle(), when: watching },
  { keys: ["j", "l"], words: "ten seconds back, on", call: (key) => watch.player.seek(watch.player.now + (key === "j" ? -10 : 10)), when: watching },
  { keys: ["n", "p"], words: "play the next mark, the one before", call: (key) => watch.step(key === "n" ? 1 : -1), when: watching },
  { keys: ["+", "-", "0"], words: "timeline: closer, wider, whole", call: (key) => watch.timeline[{ "+": "zoomIn", "-": "zoomOut", 0: "fit" }[key]](), when: watching },
  { keys: ["u"], words: "upload a video", call: () => byId("file").click() },
  { keys: ["?"], words: "these shortcuts", call: () => showKeys(ACTS) },
];

function start() {
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("main").focus();
  });
  byId("key-button").append(icon("key"));
  setUpTheme();
  setUpKey(route);
  setUpMedia();
  setUpShortcuts(ACTS);
  addEventListener("hashchange", route);
  route();
}

start();
