// Server-sent events over fetch, because EventSource can send no key: lines in, events out.

import { away, headersWithKey, problemOf } from "./api.js";

const SILENCE_MS = 45_000;

/** Yields {type, data, id} of one connection until it ends; raises Problem where it cannot be had. */
export async function* events(path, { after, signal }) {
  const silence = new AbortController();
  const stop = () => silence.abort();
  signal.addEventListener("abort", stop);
  let timer = setTimeout(stop, SILENCE_MS);
  try {
    const headers = headersWithKey({ Accept: "text/event-stream", "Last-Event-ID": String(after) });
    const response = await fetch(path, { headers, signal: silence.signal, cache: "no-store" });
    if (!response.ok) throw await problemOf(response);
    if (response.status === 204) return; // the job has ended, and there is nothing more to tell
    for await (const line of lines(response.body)) {
      clearTimeout(timer);
      timer = setTimeout(stop, SILENCE_MS);
      if (line.event) yield line.event;
    }
  } catch (err) {
    if (signal.aborted) throw err;
    throw err.name === "AbortError" || err instanceof TypeError ? away() : err;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

async function* lines(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let made = fresh();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      const whole = rest.split(/\r\n|\n|\r(?!$)/);
      rest = whole.pop();
      for (const line of whole) {
        const event = line === "" ? finished(made) : take(made, line);
        if (line === "") made = fresh(made.id);
        yield { event };
      }
    }
  } finally {
    reader.cancel().catch(() => {}); // the connection is given up either way
  }
}

const fresh = (id = "") => ({ type: "message", data: [], id });

function take(made, line) {
  const colon = line.indexOf(":");
  const field = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
  if (field === "event") made.type = value;
  else if (field === "data") made.data.push(value);
  else if (field === "id") made.id = value;
  return null;
}

function finished(made) {
  return made.data.length ? { type: made.type, data: made.data.join("\n"), id: made.id } : null;
}
