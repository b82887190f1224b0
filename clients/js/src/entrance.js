// Gets in: asks for a ticket, and opens a socket. Knows nothing of what is said over it.

import { Refused } from './verdict.js';

/**
 * A browser cannot set headers on a WebSocket, and a token does not belong into an address, which is logged. A ticket is
 * good once and for seconds.
 */
export async function ticket(options, token, closing) {
  const { response, body } = await post(options, token, closing);
  if (!response.ok) throw Refused.from(response.status, body, response.headers.get('retry-after'));
  return JSON.parse(body).data.ticket;
}

/** A WebSocket that is about to open. `query` has the ticket, unless there is an API key, and where to go on from. */
export async function open({ url, apiKey, WebSocket: given }, query) {
  const address = new URL('ws', url);
  address.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) address.searchParams.set(name, value);
  }
  const settings = apiKey === undefined ? [] : [{ headers: { authorization: `Bearer ${apiKey}` } }];
  const Socket = given ?? (await ours(settings));
  return new Socket(address, ...settings);
}

/** The platform's own WebSocket, or the one that comes along, for Node and for headers. */
async function ours(settings) {
  if (globalThis.WebSocket && settings.length === 0) return globalThis.WebSocket;
  return (await import('./node-websocket.js')).NodeWebSocket;
}

/** Asks, but not for ever and not beyond the client's end. */
async function post({ fetch, url, timeoutMs }, token, closing) {
  const abort = new AbortController();
  const giveUp = () => abort.abort(new Error('the server does not answer'));
  const timer = setTimeout(giveUp, timeoutMs);
  closing.addEventListener('abort', giveUp);
  try {
    const headers = { authorization: `Bearer ${token}` };
    const call = { method: 'POST', headers, signal: abort.signal };
    const response = await fetch(new URL('api/v1/auth/ws-ticket', url), call);
    return { response, body: await response.text() };
  } finally {
    clearTimeout(timer);
    closing.removeEventListener('abort', giveUp);
  }
}
