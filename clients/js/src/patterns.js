// Names of events, prefixes such as `call.*`, and `*`; and a client's subscription made of them.

const PATTERN = /^(\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?)$/;

/** The patterns as a list, each once; throws a TypeError on one that cannot be. */
export function checked(patterns) {
  const list = [...new Set(typeof patterns === 'string' ? [patterns] : patterns)];
  if (list.length === 0) throw new TypeError('callcenter: give at least one event, prefix or *');
  for (const pattern of list) {
    if (typeof pattern !== 'string' || !PATTERN.test(pattern)) {
      throw new TypeError(`callcenter: ${JSON.stringify(pattern)} is neither an event's name nor a prefix such as call.* nor *`);
    }
  }
  return list;
}

/** Whether the pattern covers the event of that name. */
export function covers(pattern, name) {
  if (pattern === '*' || pattern === name) return true;
  return pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -1));
}

/** What a client asked for, by the server's rules; it outlives connections. */
export class Subscription {
  // Null is the default, all that the user may see.
  #only = null;

  /** Adds patterns: the first ones replace the default, and `*` is the default again. */
  add(patterns) {
    this.#only = patterns.includes('*') ? null : [...new Set([...(this.#only ?? []), ...patterns])];
  }

  /** Removes patterns; removing `*` leaves nothing. */
  remove(patterns) {
    if (patterns.includes('*')) this.#only = [];
    else this.#only = this.#only && this.#only.filter((pattern) => !patterns.includes(pattern));
  }

  covers(name) {
    return this.#only === null || this.#only.some((pattern) => covers(pattern, name));
  }

  list() {
    return this.#only === null ? ['*'] : [...this.#only];
  }

  /** What a new connection, which has the default, must be told; nothing for the default. */
  message() {
    if (this.#only === null) return null;
    if (this.#only.length === 0) return { type: 'unsubscribe', payload: { events: ['*'] } };
    return { type: 'subscribe', payload: { events: this.#only } };
  }
}
