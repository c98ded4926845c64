// Stands between the page and the service only to add the tab's key to what media elements ask for.

const MEDIA = /^\/v1\/(videos\/[^/]+\/content|segments\/[^/]+\/(frame\.jpg|clip\.mp4)|archives\/.*\.jpg)$/;
const PATIENCE_MS = 2000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request, clientId } = event;
  const { origin, pathname } = new URL(request.url);
  const ours = origin === self.location.origin && request.method === "GET" && MEDIA.test(pathname);
  if (ours && clientId && !request.headers.has("Authorization")) event.respondWith(answer(request, clientId));
});

async function answer(request, clientId) {
  const key = await keyOf(await self.clients.get(clientId));
  if (!key) return fetch(request);
  const headers = new Headers(request.headers);
  headers.set("Authorization", `Bearer ${key}`);
  const range = request.headers.get("Range");
  if (range) headers.set("Range", range);
  return fetch(request.url, { headers, signal: request.signal });
}

function keyOf(client) {
  if (!client) return null;
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), PATIENCE_MS);
    port1.onmessage = (event) => {
      clearTimeout(timer);
      resolve(event.data);
    };
    client.postMessage("key", [port2]);
  });
}
