// Jobs: sent, followed to their end through broken connections, cancelled, tried again.

import { create, get, jobPath, post } from "./api.js";
import { events } from "./stream.js";

const FINAL = new Set(["completed", "failed", "cancelled"]);
const ENDS = new Set([...FINAL].map((state) => `job.${state}`));
export const isFinal = (job) => FINAL.has(job.state);

/** Sends a job and does not wait for it; returns its body. */
export async function submit(kind, request) {
  const { body } = await create(`/v1/${kind}`, request, { Prefer: "respond-async" });
  return body;
}

export const jobOf = (id, options) => get(jobPath(id), {}, options);
export const cancel = async (id) => (await post(`${jobPath(id)}/cancel`)).body;
export const retry = async (id) => (await post(`${jobPath(id)}/retry`)).body;

/**
 * Follows a job to its end and returns its last body. `tell(job)` gets every change, first the job
 * as it is; a lost connection is opened again where it broke, and `tell.lost()` is called meanwhile.
 */
export async function follow(id, tell, signal) {
  let job = await jobOf(id, { signal });
  let after = 0;
  let pause = 500;
  tell(job);
  while (!isFinal(job)) {
    try {
      for await (const event of events(`${jobPath(id)}/events`, { after, signal })) {
        pause = 500;
        after = event.id || after;
        if (ENDS.has(event.type)) break;
        job = event.type === "job.progress" ? progressed(job, event) : await jobOf(id, { signal });
        tell(job);
      }
      job = await jobOf(id, { signal });
      tell(job);
    } catch (err) {
      if (signal.aborted || (err.status >= 400 && err.status < 500 && err.status !== 429)) throw err;
      tell.lost?.();
      pause = Math.min(8000, pause * 2);
    }
    if (!isFinal(job)) await rest(pause, signal);
  }
  return job;
}

function progressed(job, event) {
  const data = JSON.parse(event.data);
  return { ...job, state: "in_progress", progress: data.progress ?? data };
}

function rest(ms, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new DOMException("stopped", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}

const VERBS = { ground: "Find", ask: "Ask", describe: "Describe", index: "Index", reindex: "Reindex", search: "Search" };

/** What a job asked, in a few words. */
export function wordsOf(job) {
  const asked = job.request ?? {};
  return asked.query ?? asked.question ?? (job.kind === "describe" ? "What happens" : job.kind === "index" ? "Add videos to the archive" : "");
}

export const verbOf = (job) => VERBS[job.kind] ?? job.kind;
export const videoOf = (job) => job.video_id ?? job.request?.video_id ?? job.request?.video?.video_id ?? null;

const OUTCOMES = { found: "found", not_found: "does not happen", uncertain: "not sure" };
const STATES = { queued: "waiting", in_progress: "running", failed: "failed", cancelled: "cancelled", completed: "done" };

/** How a job stands, in a word. */
export const standing = (job) => (job.state === "completed" && OUTCOMES[job.outcome]) || STATES[job.state] || job.state;
