// What a client may be told, checked before anything begins. Knows nothing of connections.

import { checked } from './patterns.js';

const DEFAULTS = {
  // A quiet connection is asked whether it lives: proxies end what is silent for a minute, and browsers do not show the
  // server's own pings.
  heartbeatMs: 25_000,
  // How long an answer may take: of the server to a call, to the opening, to a ping.
  timeoutMs: 10_000,
  // How long the application may take for a token or a snapshot.
  patienceMs: 60_000,
  minDelayMs: 1_000,
  maxDelayMs: 30_000,
};

/** The options with all that was left out; throws a TypeError that names what is wrong. */
export function complete(given) {
  const options = { ...DEFAULTS, fetch: globalThis.fetch, ...given };
  const { token, apiKey, snapshot, since, epoch, events } = options;
  demand((token === undefined) !== (apiKey === undefined), 'give either token or apiKey');
  demand(token === undefined || ['string', 'function'].includes(typeof token), 'token must be a string or a function');
  demand(apiKey === undefined || typeof apiKey === 'string', 'apiKey must be a string');
  demand(apiKey === undefined || !globalThis.document, 'an API key does not belong into a page: use token');
  demand(snapshot === undefined || typeof snapshot === 'function', 'snapshot must be a function');
  demand(since === undefined || isNumber(since, 0), 'since must be the number of an event, or 0');
  demand(epoch === undefined || typeof epoch === 'string', 'epoch must be a string');
  for (const name of Object.keys(DEFAULTS)) {
    demand(isNumber(options[name], 1), `${name} must be a number of milliseconds`);
  }
  demand(options.maxDelayMs >= options.minDelayMs, 'maxDelayMs must not be below minDelayMs');
  return { ...options, url: address(options.url), events: events && checked(events) };
}

function demand(condition, message) {
  if (!condition) throw new TypeError(`callcenter: ${message}`);
}

function isNumber(value, least) {
  return Number.isSafeInteger(value) && value >= least;
}

/** The server's address with a slash behind it, so that paths can be added, under a prefix too. */
function address(url) {
  const text = String(url ?? globalThis.location?.origin ?? '');
  demand(/^https?:\/\//.test(text), 'url must be the address of the server, such as https://events.example.com');
  const parsed = new URL(text.endsWith('/') ? text : `${text}/`);
  demand(!parsed.search && !parsed.hash, 'url must have neither a query nor a fragment');
  return parsed;
}
