// One WebSocket from its opening to its end: frames, requests with their answers, and whether the other side lives. Knows
// nothing of what comes before and after it.

export class Link {
  #socket;
  #tell;
  #options;
  #timer;
  #hasHeard = false;
  #hasMoved = false;
  #hasAsked = true;
  #requests = new Map();
  #references = 0;
  #end;

  /** Resolves with `{code, reason}` or `{error}`, once. */
  ended = new Promise((resolve) => (this.#end = resolve));

  /** `tell` gets every frame that is not the answer to a request. */
  constructor(socket, tell, options) {
    Object.assign(socket, {
      onmessage: ({ data }) => this.#hear(data),
      // What it says is said again, better, by the close that follows.
      onerror: () => {},
      onclose: ({ code, reason, error }) => this.#finish(error ? { error } : { code, reason }),
    });
    this.#socket = socket;
    this.#tell = tell;
    this.#options = options;
    this.#lookIn(options.timeoutMs);
  }

  /**
   * Sends a message and gives the answer; fails when the server refuses it or the connection ends first. `act` is called
   * with a good answer before any frame behind it is looked at.
   */
  request(message, act = () => {}) {
    if (!this.#end) return Promise.reject(new Ended());
    const ref = ++this.#references;
    return new Promise((resolve, reject) => {
      const accept = (answer) => (act(answer), resolve(answer));
      this.#requests.set(ref, { accept, reject });
      this.#send({ ...message, ref });
    });
  }

  /** Says goodbye, and waits for nothing: what still comes is not wanted any more. */
  close(end) {
    if (this.#finish(end)) this.#socket.close(1000);
  }

  #send(message) {
    // A socket that is just closing takes nothing; its end tells the rest.
    if (this.#socket.readyState === 1) this.#socket.send(JSON.stringify(message));
  }

  #hear(text) {
    this.#hasHeard = true;
    const frame = parse(text);
    if (!frame) return this.close({ error: new Error('the server sent something that is no frame') });
    this.#hasMoved ||= frame.seq !== undefined;
    const request = this.#requests.get(frame.ref);
    if (!request) return this.#tell(frame);
    this.#requests.delete(frame.ref);
    if (frame.type === 'error') request.reject(new Rejected(frame.payload));
    else request.accept(frame);
  }

  #lookIn(ms) {
    this.#timer = setTimeout(() => this.#look(), ms);
  }

  /**
   * Asks who has been quiet; gives up who does not answer. One look per period instead of a timer per frame. Also asks when
   * no numbered event has come: the answer tells how far the log has been sent, whatever is subscribed to.
   */
  #look() {
    const { heartbeatMs, timeoutMs } = this.#options;
    if (this.#hasHeard) {
      if (!this.#hasMoved) this.#send({ type: 'ping' });
      this.#hasHeard = this.#hasAsked = this.#hasMoved = false;
      this.#lookIn(heartbeatMs);
    } else if (!this.#hasAsked) {
      this.#hasAsked = true;
      this.#send({ type: 'ping' });
      this.#lookIn(timeoutMs);
    } else {
      this.close({ error: new Error('the server does not answer') });
    }
  }

  #finish(end) {
    if (!this.#end) return false;
    clearTimeout(this.#timer);
    Object.assign(this.#socket, { onmessage: () => {}, onclose: () => {} });
    this.#end(end);
    this.#end = undefined;
    for (const { reject } of this.#requests.values()) reject(new Ended());
    this.#requests.clear();
    return true;
  }
}

/** The server's answer to a message that it does not accept. */
export class Rejected extends Error {
  constructor({ code, message }) {
    super(message);
    this.name = 'Rejected';
    this.code = code;
  }
}

/** The connection ended before the answer came. */
export class Ended extends Error {
  name = 'Ended';
}

function parse(text) {
  try {
    const frame = JSON.parse(text);
    return typeof frame?.type === 'string' ? frame : undefined;
  } catch {
    return undefined;
  }
}
