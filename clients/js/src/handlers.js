// Who is told of what. A handler that throws disturbs nobody else.

import { checked, covers } from './patterns.js';

// Frames of the connection itself: they are shown by their own names only, and not as events.
const CONTROL = new Set(['connection.ready', 'connection.reset', 'auth.refreshed']);

export class Handlers {
  #events = new Set();
  #states = new Set();
  #errors = new Set();

  on(pattern, handler) {
    const [only] = checked(pattern);
    return keep(this.#events, { pattern: only, handler });
  }

  onState(handler) {
    return keep(this.#states, { handler });
  }

  onError(handler) {
    return keep(this.#errors, { handler });
  }

  /** Shows an event, or a frame of the connection, to all who want it. */
  show(frame) {
    const wanted = ({ pattern }) =>
      CONTROL.has(frame.type) ? pattern === frame.type : covers(pattern, frame.type);
    // A copy: handlers come and go while others are being told.
    for (const entry of [...this.#events].filter(wanted)) this.#call(entry, frame);
  }

  tellState(change) {
    for (const entry of [...this.#states]) this.#call(entry, change);
  }

  /** Tells of what went wrong; on the console if nobody listens, so that it does not go by unseen. */
  tellError(error) {
    if (this.#errors.size === 0) return console.error('callcenter:', error);
    for (const { handler } of [...this.#errors]) {
      const failed = (own) => console.error('callcenter: an error handler failed:', own);
      guarded(handler, error, failed);
    }
  }

  #call({ handler }, argument) {
    guarded(handler, argument, (error) => this.tellError(error));
  }
}

function keep(set, entry) {
  if (typeof entry.handler !== 'function') throw new TypeError('callcenter: a handler must be a function');
  set.add(entry);
  return () => void set.delete(entry);
}

/** Calls it, and says so if it throws or if the promise that it gives is rejected. */
function guarded(handler, argument, failed) {
  try {
    const result = handler(argument);
    if (typeof result?.then === 'function') result.then(undefined, failed);
  } catch (error) {
    failed(error);
  }
}
