// Pictures and films behind a key: an <img> or <video> can send none, so the service worker adds it;
// where the browser allows no worker (plain HTTP from another machine), the file is fetched first.

import { send } from "./api.js";
import { keyOf, onKey } from "./key.js";

const LARGEST_FETCHED = 500e6;
let worker = null;

/** An address that a media element can show; a `blob:` one has to be revoked by `letGo`. */
export async function addressOf(path, { bytes = 0 } = {}) {
  if (!keyOf() || (await working())) return path;
  if (bytes > LARGEST_FETCHED) return path;
  const response = await send("GET", path);
  return URL.createObjectURL(await response.blob());
}

export function letGo(address) {
  if (address?.startsWith("blob:")) URL.revokeObjectURL(address);
}

const AT_ONCE = 2;
const waiting = [];
let loading = 0;
const wanted = new WeakMap();

/** Pictures are made by the service one by one: those in sight are asked for, a few at a time. */
const inSight = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    inSight.unobserve(target);
    waiting.push(target);
  }
  loadNext();
}, { rootMargin: "200px" });

/** Shows the picture at `path` once `image` comes into sight; one that cannot be had leaves its place empty. */
export function showPicture(image, path) {
  wanted.set(image, path);
  inSight.observe(image);
}

async function loadNext() {
  if (loading >= AT_ONCE) return;
  const image = waiting.shift();
  if (!image) return;
  loading += 1;
  loadNext();
  if (image.isConnected) await load(image, wanted.get(image));
  loading -= 1;
  loadNext();
}

async function load(image, path) {
  let address = null;
  try {
    address = await addressOf(path);
    image.src = address;
    await image.decode();
  } catch {
    image.closest(".frame, .thumb")?.classList.add("missing");
  }
  letGo(address);
}

let measuring = Promise.resolve();

/** Tells the length of a film that the service has not measured, one after the other, from its head. */
export function lengthOf(path, tell) {
  measuring = measuring.then(async () => {
    if (keyOf() && !(await working())) return; // the whole file would have to be fetched
    const film = document.createElement("video");
    film.preload = "metadata";
    film.muted = true;
    await new Promise((resolve) => {
      for (const type of ["loadedmetadata", "error"]) film.addEventListener(type, resolve, { once: true });
      setTimeout(resolve, 4000);
      film.src = path;
    });
    if (Number.isFinite(film.duration)) tell(film.duration);
    film.removeAttribute("src");
    film.load();
  });
}

/** Saves what `path` answers as a file named `name`. */
export async function download(path, name) {
  const response = await send("GET", path);
  save(await response.blob(), name);
}

/** Words as a part of a file's name: letters and digits of any script, joined by hyphens. */
export const fileWords = (words) => (words.match(/[\p{L}\p{N}.]+/gu) ?? ["result"]).slice(0, 8).join("-");

export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Whether the worker stands between this page and the service; started at the first key. */
function working() {
  if (!("serviceWorker" in navigator)) return false;
  worker ??= start();
  return worker;
}

async function start() {
  try {
    await navigator.serviceWorker.register(scriptAddress(), { scope: "/" });
  } catch {
    return false; // refused by the browser: files are fetched instead
  }
  if (navigator.serviceWorker.controller) return true;
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), 3000);
    navigator.serviceWorker.addEventListener("controllerchange", () => {
      clearTimeout(timer);
      resolve(true);
    }, { once: true });
  });
}

/** The worker's address, which the page's policy wants vouched for where the browser knows such. */
function scriptAddress() {
  const address = new URL("../worker.js", import.meta.url).href;
  if (!globalThis.trustedTypes) return address;
  return trustedTypes.createPolicy("vidqa", { createScriptURL: () => address }).createScriptURL("");
}

export function setUpMedia() {
  navigator.serviceWorker?.addEventListener("message", (event) => event.ports[0]?.postMessage(keyOf()));
  navigator.serviceWorker?.startMessages();
  onKey(() => keyOf() && working());
}
