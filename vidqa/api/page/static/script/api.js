// The service over HTTP: JSON in and out, every failure a Problem with words and a next step.

import { keyOf, wantKey } from "./key.js";

/** What the service (or the way to it) says is wrong; the fields of RFC 9457 as vidqa fills them. */
export class Problem extends Error {
  constructor({ status = 0, code = "unknown", title = "", detail, next_step: nextStep = "", retryable = false, request_id: requestId = "" }) {
    super(detail || title || code);
    Object.assign(this, { status, code, nextStep, retryable, requestId });
  }
}

const AWAY = {
  code: "service_away",
  detail: "The service does not answer.",
  next_step: "Check that vidqa serve is running and reachable, then try again.",
  retryable: true,
};

export const away = () => new Problem(AWAY);

/** Headers of every request: the key, where there is one. */
export function headersWithKey(headers = {}) {
  const key = keyOf();
  return key ? { ...headers, Authorization: `Bearer ${key}` } : headers;
}

/** A response that is fine, whatever it holds; raises Problem, and asks for a key (once) on 401. */
export async function send(method, path, { json, headers = {}, signal } = {}) {
  const body = json === undefined ? undefined : JSON.stringify(json);
  const typed = json === undefined ? headers : { "Content-Type": "application/json", ...headers };
  const once = () => fetch(path, { method, body, signal, headers: headersWithKey(typed) });
  let response = await reach(once);
  if (response.status === 401 && (await wantKey(await problemOf(response)))) response = await reach(once);
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function reach(once) {
  try {
    return await once();
  } catch (err) {
    if (err.name === "AbortError") throw err;
    throw away();
  }
}

/** The problem that a failed response tells; one without a body of ours is told by its status. */
export async function problemOf(response) {
  const type = response.headers.get("Content-Type") ?? "";
  const body = type.includes("json") ? await response.json() : {};
  return new Problem({
    detail: `The service answered ${response.status} ${response.statusText}.`.trim(),
    next_step: response.status >= 500 ? "Try again; the server's log says more." : "",
    ...body,
    status: response.status,
  });
}

export async function get(path, query = {}, options = {}) {
  const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== undefined && value !== null));
  const response = await send("GET", asked.size ? `${path}?${asked}` : path, options);
  return response.json();
}

export async function post(path, json, options = {}) {
  const response = await send("POST", path, { json, ...options });
  return { body: response.status === 204 ? null : await response.json(), response };
}

/** Creates something once, however often the request has to be sent. */
export const create = (path, json, headers = {}) =>
  post(path, json, { headers: { "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()).slice(2), ...headers } });

export const videoPath = (id) => `/v1/videos/${encodeURIComponent(id)}`;
export const jobPath = (id) => `/v1/jobs/${encodeURIComponent(id)}`;
export const segmentPath = (id) => `/v1/segments/${encodeURIComponent(id)}`;
export const framePath = (id, pts) => `${segmentPath(id)}/frame.jpg?pts=${pts}`;
