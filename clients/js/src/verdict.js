// What to do when a connection, or the try to get one, has ended. Knows nothing of sockets and timers.

/** An overloaded server wants at least this much rest, as its own `Retry-After` says where it can say it. */
const OVERLOADED_MS = 5_000;

/** An answer over HTTP that is not a success. */
export class Refused extends Error {
  constructor(status, code, message, retryAfterMs) {
    super(message);
    this.name = 'Refused';
    Object.assign(this, { status, code, retryAfterMs });
  }

  /** From the answer's own words, as far as it has any. */
  static from(status, body, retryAfter) {
    let error;
    try {
      error = JSON.parse(body).error;
    } catch {
      // Not ours: a proxy's page, say.
    }
    const seconds = Number(retryAfter);
    return new Refused(status, error?.code, error?.message ?? `HTTP ${status}`, seconds > 0 ? seconds * 1000 : undefined);
  }
}

/**
 * `end` is `{code, reason}` of a close, `{isReset}` of one that we made to load a snapshot, or `{error}`. `failures` counts this one and those before it in a row;
 * `hasRenewed` says that the token which did not do was a new one already, `canRenew` that another can be asked for.
 * Gives `{stop}`, a word, or `{renew, delayMs}`.
 */
export function verdict(end, { failures, canRenew, hasRenewed, minDelayMs, maxDelayMs, random }) {
  const backoff = random() * Math.min(maxDelayMs, minDelayMs * 2 ** Math.min(failures - 1, 30));
  const again = (leastMs, renew = false) => ({ renew, delayMs: Math.round(leastMs + backoff) });
  // What a good server does once is done again at once; what goes on like that is slowed down.
  const atOnce = (renew) => (failures === 1 ? { renew, delayMs: 0 } : again(0, renew));

  if (end.code === 4403) return { stop: 'forbidden' };
  if (end.code === 4401) return canRenew ? atOnce(true) : { stop: 'unauthorized' };
  if (end.isReset) return atOnce(false);
  if (end.code === 1013 || end.code === 4429) return again(OVERLOADED_MS);
  if (!(end.error instanceof Refused)) return again(0);

  const { status, retryAfterMs = 0 } = end.error;
  if (status === 401) return canRenew && !hasRenewed ? atOnce(true) : { stop: 'unauthorized' };
  if (status === 403) return { stop: 'forbidden' };
  if (status === 429 || status >= 500) return again(retryAfterMs);
  // Of what is wrong with the call itself nothing gets better by waiting; 408 and 425 say by their meaning "again".
  return status >= 400 && status !== 408 && status !== 425 ? { stop: 'refused' } : again(0);
}
