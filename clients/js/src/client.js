// The client: a loop of connections that goes on from where the last one ended, and shows every event once and in order.

import { open, ticket } from './entrance.js';
import { Handlers } from './handlers.js';
import { Ended, Link, Rejected } from './link.js';
import { checked, Subscription } from './patterns.js';
import { verdict } from './verdict.js';

/** A connection that has lasted this long was a good one: what comes after it is no failure in a row. */
const STABLE_MS = 10_000;

/** The application has no token to give: nobody is signed in. */
class SignedOut extends Error {}

export class Client {
  #options;
  #handlers = new Handlers();
  #subscription = new Subscription();
  #link;
  #state = 'connecting';
  #closing = new AbortController();
  // Ends the pause before the next try.
  #hurry = () => {};
  #seq;
  #epoch;
  #needsSnapshot;
  // The token that was last used will not do any more.
  #needsRenewal = false;
  #failures = 0;
  #readyAt;

  constructor(options) {
    this.#options = options;
    this.#seq = options.since;
    this.#epoch = options.epoch;
    this.#needsSnapshot = options.snapshot !== undefined && options.since === undefined;
    if (options.events) this.#subscription.add(options.events);
    const online = () => this.#hurry();
    globalThis.addEventListener?.('online', online, { signal: this.#closing.signal });
    // Handlers that are added right after the call miss nothing.
    queueMicrotask(() => this.#run());
  }

  get state() {
    return this.#state;
  }

  get seq() {
    return this.#seq;
  }

  get epoch() {
    return this.#epoch;
  }

  on(event, handler) {
    return this.#handlers.on(event, handler);
  }

  onState(handler) {
    return this.#handlers.onState(handler);
  }

  onError(handler) {
    return this.#handlers.onError(handler);
  }

  async subscribe(events) {
    const patterns = checked(events);
    return this.#change('subscribe', patterns, () => this.#subscription.add(patterns));
  }

  async unsubscribe(events) {
    const patterns = checked(events);
    return this.#change('unsubscribe', patterns, () => this.#subscription.remove(patterns));
  }

  close() {
    this.#end({ why: 'closed' });
  }

  /** Makes a change when the server has made it; without a connection the next one begins with it. */
  async #change(type, events, make) {
    try {
      if (this.#state === 'live') await this.#link.request({ type, payload: { events } }, make);
      else make();
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
      make();
    }
    return this.#subscription.list();
  }

  async #run() {
    while (!this.#isClosed) {
      const end = await this.#connection().catch((error) => ({ error }));
      if (this.#isClosed) return;
      this.#link = undefined;
      if (end.error instanceof SignedOut) return this.#end({ why: 'signed_out' });
      this.#count();
      const next = this.#judge(end);
      if (next.stop) return this.#end({ why: next.stop, ...end });
      this.#needsRenewal ||= next.renew;
      this.#become('waiting', { delayMs: next.delayMs, ...end });
      await this.#pause(next.delayMs);
      if (!this.#isClosed) this.#become('connecting');
    }
  }

  get #isClosed() {
    return this.#closing.signal.aborted;
  }

  /** One connection from the token to the end; gives how it ended. */
  async #connection() {
    const options = this.#options;
    const pass = options.apiKey === undefined ? await this.#signIn() : { token: options.apiKey };
    // The token is a good one by now, for the snapshot too.
    if (this.#needsSnapshot) await this.#takeSnapshot(pass.token);
    const place = { since: this.#seq, epoch: this.#seq === undefined ? undefined : this.#epoch };
    const socket = await open(options, { ticket: pass.ticket, ...place });
    const link = new Link(socket, (frame) => this.#take(frame), options);
    this.#link = link;
    if (this.#isClosed) link.close({});
    const end = await link.ended;
    // A ticket that has become too old says nothing about the token, which is judged when the next one is asked for.
    const isTooLate = pass.ticket && end.error?.status === 401;
    return isTooLate ? { error: new Error(end.error.message) } : end;
  }

  async #signIn() {
    const token = await this.#token(this.#needsRenewal);
    const pass = { token, ticket: await ticket(this.#options, token, this.#closing.signal) };
    this.#needsRenewal = false;
    return pass;
  }

  async #takeSnapshot(token) {
    this.#seq = await this.#ask('snapshot', { token }, (seq) => {
      if (Number.isSafeInteger(seq) && seq >= 0) return seq;
      throw new TypeError('callcenter: snapshot must give the number that it is true for, meta.seq');
    });
    this.#needsSnapshot = false;
  }

  async #token(renew) {
    const { token } = this.#options;
    if (typeof token === 'string') return token;
    const given = await this.#ask('token', { renew });
    if (given === null || given === undefined) throw new SignedOut();
    return given;
  }

  /** Asks the application, but does not wait for ever. What it fails with is its to know at once; then it is asked again. */
  async #ask(name, question, check = (given) => given) {
    const { [name]: answer, patienceMs } = this.#options;
    const { promise: tooLong, stop } = timeout(`${name} did not answer`, patienceMs, this.#closing.signal);
    try {
      return check(await Promise.race([answer(question), tooLong]));
    } catch (error) {
      this.#complain(error);
      throw error;
    } finally {
      stop();
    }
  }

  #take(frame) {
    if (this.#isClosed) return;
    switch (frame.type) {
      case 'connection.ready':
        return this.#begin(frame);
      case 'connection.reset':
        return this.#startOver(frame);
      case 'pong':
        return this.#moveTo(frame.payload?.seq);
      case 'auth.expiring':
        return void this.#prolong(this.#link);
      case 'error':
        return this.#handlers.tellError(new Rejected(frame.payload));
      default:
        return this.#show(frame);
    }
  }

  #begin(frame) {
    this.#seq ??= frame.payload.seq;
    // Another epoch than before is taken over with the reset that follows, not now: between the two the connection may
    // end, and the next one must be told of the gap again.
    this.#epoch ??= frame.payload.epoch;
    this.#readyAt = performance.now();
    const message = this.#subscription.message();
    // Until that has its effect the server sends everything; what is not wanted is not shown.
    if (message) this.#link.request(message).catch((error) => this.#complain(error));
    this.#become('live', { connection: frame.payload });
    this.#handlers.show(frame);
  }

  #startOver(frame) {
    this.#seq = frame.payload.seq;
    this.#epoch = frame.payload.epoch;
    this.#handlers.show(frame);
    if (this.#options.snapshot) {
      this.#needsSnapshot = true;
      this.#link.close({ isReset: true });
    }
  }

  #show(event) {
    if (event.seq !== undefined) {
      if (event.seq <= this.#seq) return;
      this.#seq = event.seq;
    }
    if (this.#subscription.covers(event.type)) this.#handlers.show(event);
  }

  /** All up to that number has been sent, as far as it is wanted: where little is, so much need not be asked for again. */
  #moveTo(seq) {
    if (seq > this.#seq) this.#seq = seq;
  }

  /** Goes on with a new token; if there is none, the old one's end decides. */
  async #prolong(link) {
    if (typeof this.#options.token !== 'function') return;
    try {
      const access_token = await this.#token(true);
      this.#handlers.show(await link.request({ type: 'auth.refresh', payload: { access_token } }));
    } catch (error) {
      if (error instanceof Rejected) this.#complain(error);
    }
  }

  #complain(error) {
    if (!(error instanceof Ended) && !this.#isClosed) this.#handlers.tellError(error);
  }

  #count() {
    const wasGood = this.#readyAt !== undefined && performance.now() - this.#readyAt >= STABLE_MS;
    this.#readyAt = undefined;
    this.#failures = wasGood ? 1 : this.#failures + 1;
  }

  #judge(end) {
    const { minDelayMs, maxDelayMs, token } = this.#options;
    const canRenew = typeof token === 'function';
    const history = { failures: this.#failures, canRenew, hasRenewed: this.#needsRenewal };
    return verdict(end, { ...history, minDelayMs, maxDelayMs, random: Math.random });
  }

  #pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#hurry = () => (clearTimeout(timer), resolve());
    });
  }

  #become(state, details) {
    this.#state = state;
    this.#handlers.tellState({ state, ...details });
  }

  #end(details) {
    if (this.#isClosed) return;
    this.#closing.abort();
    this.#hurry();
    this.#link?.close({});
    this.#become('closed', details);
  }
}

/** A promise that fails after that time, or when the client is closed; `stop` ends it unheard. */
function timeout(message, ms, closing) {
  let stop;
  const promise = new Promise((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`${message} within ${ms} ms`)), ms);
    const giveUp = () => reject(new Ended());
    closing.addEventListener('abort', giveUp);
    stop = () => (clearTimeout(timer), closing.removeEventListener('abort', giveUp));
  });
  return { promise, stop };
}
