// Uploads that survive a lost connection and a reload: tus 1.0 in pieces, remembered by the file.

import { Problem, away, headersWithKey, problemOf, send } from "./api.js";

const PIECE = 8 * 1024 * 1024;
const TUS = { "Tus-Resumable": "1.0.0" };
const PAUSES_MS = [500, 1000, 2000, 4000, 8000, 15_000, 30_000];

/**
 * Uploads `file` and returns the id of the video it became. `tell(sent, { waiting })` gets bytes;
 * `signal` pauses: the same file chosen again goes on from there.
 */
export async function upload(file, tell, signal) {
  const place = await placeOf(file, signal);
  let { sent } = place;
  let failures = 0;
  tell(sent, {});
  if (place.done) return finish(file, place.done);
  for (;;) {
    try {
      const { offset, response } = await piece(place.path, file, sent, (part) => tell(sent + part, {}), signal);
      sent = offset;
      failures = 0;
      tell(sent, {});
      if (sent >= file.size) return finish(file, response);
    } catch (err) {
      if (signal.aborted || !passing(err) || failures >= PAUSES_MS.length) throw err;
      tell(sent, { waiting: true });
      await rest(PAUSES_MS[failures], signal);
      failures += 1;
      sent = await offsetOf(place.path, signal, sent);
    }
  }
}

const passing = (err) => err.retryable || err.status === 409 || err.status >= 500;
const memory = (file) => `vidqa-upload ${file.name} ${file.size} ${file.lastModified}`;

async function placeOf(file, signal) {
  const known = localStorage.getItem(memory(file));
  if (known) {
    try {
      const { sent, response } = await asked(known, signal);
      if (sent <= file.size) return { path: known, sent, done: sent === file.size ? response : null };
    } catch (err) {
      if (err.status !== 404 && err.status !== 410) throw err;
      localStorage.removeItem(memory(file)); // expired, or finished long ago: begin again
    }
  }
  const name = btoa(String.fromCharCode(...new TextEncoder().encode(file.name)));
  const headers = { ...TUS, "Upload-Length": String(file.size), "Upload-Metadata": `filename ${name}` };
  const response = await send("POST", "/v1/uploads", { headers, signal });
  const path = new URL(response.headers.get("Location"), location.href).pathname;
  localStorage.setItem(memory(file), path);
  return { path, sent: 0, done: null };
}

async function asked(path, signal) {
  const response = await send("HEAD", path, { headers: TUS, signal });
  return { sent: Number(response.headers.get("Upload-Offset")), response };
}

async function offsetOf(path, signal, otherwise) {
  try {
    return (await asked(path, signal)).sent;
  } catch (err) {
    if (signal.aborted || !passing(err)) throw err;
    return otherwise; // still away: the next piece finds out
  }
}

/** One piece by XMLHttpRequest, the only way to see bytes leave. */
function piece(path, file, sent, tell, signal) {
  const request = new XMLHttpRequest();
  request.open("PATCH", path);
  const headers = { ...TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(sent) };
  for (const [name, value] of Object.entries(headersWithKey(headers))) request.setRequestHeader(name, value);
  return new Promise((resolve, reject) => {
    const stop = () => request.abort();
    signal.addEventListener("abort", stop, { once: true });
    request.upload.addEventListener("progress", (event) => tell(event.loaded));
    request.addEventListener("loadend", async () => {
      signal.removeEventListener("abort", stop);
      if (signal.aborted) return reject(new DOMException("paused", "AbortError"));
      if (request.status === 0) return reject(away());
      const response = responseOf(request);
      if (!response.ok) return reject(await problemOf(response));
      resolve({ offset: Number(request.getResponseHeader("Upload-Offset") ?? file.size), response });
    });
    request.send(file.slice(sent, sent + PIECE));
  });
}

function responseOf(request) {
  const empty = request.status === 204 || request.status === 304;
  const headers = new Headers();
  for (const line of request.getAllResponseHeaders().trim().split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return new Response(empty ? null : request.response, { status: request.status, statusText: request.statusText, headers });
}

async function finish(file, response) {
  localStorage.removeItem(memory(file));
  const place = response.headers.get("Content-Location") ?? response.headers.get("Location");
  const id = place?.match(/\/v1\/videos\/([^/?]+)/)?.[1];
  if (id) return decodeURIComponent(id);
  const body = response.headers.get("Content-Type")?.includes("json") ? await response.json() : {};
  if (body.id || body.video_id) return body.video_id ?? body.id;
  throw new Problem({ code: "video_missing", detail: "The upload ended, but the service named no video.", next_step: "Look in the list of videos; reload the page." });
}

function rest(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("paused", "AbortError"));
    }, { once: true });
  });
}
