// A WebSocket for Node before version 22, and for headers, which the platform's own does not take: RFC 6455 as a client of
// a server that speaks in text frames. In its use like a browser's: `readyState`, `send`, `close`, `onopen`, `onmessage`,
// `onclose`, `onerror`.

import { createHash, randomBytes } from 'node:crypto';
import { request as plain } from 'node:http';
import { request as encrypted } from 'node:https';
import { CLOSE, encode, PING, PONG, Reader, TEXT } from './frames.js';
import { Refused } from './verdict.js';

/** The standard's fixed text, which no other protocol would append to the key. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** How long the other side may take to answer a close. */
const CLOSE_MS = 2_000;
/** What is read of an answer that is no upgrade. */
const ANSWER_BYTES = 64 << 10;

const [CONNECTING, OPEN, CLOSING, CLOSED] = [0, 1, 2, 3];

export class NodeWebSocket {
  readyState = CONNECTING;
  onopen = null;
  onmessage = null;
  onerror = null;
  onclose = null;
  #key = randomBytes(16).toString('base64');
  #request;
  #socket;
  #reader = new Reader();
  // What `onclose` will say, unless the other side says it first.
  #end = { code: 1006, reason: '' };

  constructor(address, { headers = {} } = {}) {
    const url = new URL(address);
    const send = url.protocol === 'wss:' ? encrypted : plain;
    url.protocol = url.protocol === 'wss:' ? 'https:' : 'http:';
    const upgrade = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': this.#key,
    };
    this.#request = send(url, { headers: { ...headers, ...upgrade }, agent: false });
    this.#request.on('upgrade', (response, socket, head) => this.#open(response, socket, head));
    this.#request.on('response', (response) => this.#refused(response));
    this.#request.on('error', (error) => this.#over({ ...this.#end, error }));
    this.#request.end();
  }

  send(text) {
    if (this.readyState === OPEN) this.#write(TEXT, Buffer.from(text));
  }

  close(code = 1000, reason = '') {
    if (this.readyState === CONNECTING) {
      this.#request.destroy();
      return this.#over(this.#end);
    }
    if (this.readyState === OPEN) this.#say(code, reason);
  }

  #open(response, socket, head) {
    const expected = createHash('sha1').update(this.#key + GUID).digest('base64');
    this.#socket = socket;
    socket.on('error', (error) => (this.#end = { ...this.#end, error }));
    socket.on('close', () => this.#over(this.#end));
    if (response.headers['sec-websocket-accept'] !== expected) {
      this.#end.error = new Error('the answer to the handshake is not a WebSocket server\'s');
      return socket.destroy();
    }
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.#hear(bytes));
    socket.on('end', () => socket.end());
    this.readyState = OPEN;
    this.onopen?.({ type: 'open' });
    if (head.length > 0) this.#hear(head);
  }

  /** The server's answer is something else than an upgrade: it says why. */
  #refused(response) {
    let body = '';
    const done = () => {
      this.#request.destroy();
      const error = Refused.from(response.statusCode, body, response.headers['retry-after']);
      this.#over({ ...this.#end, error });
    };
    response.setEncoding('utf8').on('data', (text) => {
      body += text;
      if (body.length > ANSWER_BYTES) done();
    });
    response.on('end', done);
    response.on('error', done);
  }

  #hear(bytes) {
    if (this.readyState === CLOSED) return;
    try {
      for (const { opcode, payload } of this.#reader.read(bytes)) this.#understand(opcode, payload);
    } catch (error) {
      // The reader's words for what is wrong with the bytes.
      if (error.closeCode === undefined) throw error;
      this.#end.error = error;
      this.#say(error.closeCode, '');
      this.#socket.destroy();
    }
  }

  #understand(opcode, payload) {
    if (opcode === TEXT) {
      if (this.readyState === OPEN) this.onmessage?.({ type: 'message', data: payload });
    } else if (opcode === PING) {
      this.#write(PONG, payload);
    } else if (opcode === CLOSE) {
      const { code, reason } = payload;
      this.#end = { code, reason };
      // The answer repeats the code; 1005 stands for none and is never written.
      this.#say(code === 1005 ? undefined : code, '');
      this.#socket.end();
    }
  }

  /** Writes the close frame, once, and gives the other side a little time. */
  #say(code, reason) {
    if (this.readyState !== OPEN) return;
    this.readyState = CLOSING;
    const body = Buffer.from(reason);
    const head = Buffer.alloc(code === undefined ? 0 : 2);
    if (code !== undefined) head.writeUInt16BE(code);
    this.#write(CLOSE, Buffer.concat([head, body]));
    setTimeout(() => this.#socket.destroy(), CLOSE_MS).unref();
  }

  #write(opcode, payload) {
    if (this.#socket.writable) this.#socket.write(encode(opcode, payload, randomBytes(4)));
  }

  #over(end) {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    if (end.error) this.onerror?.({ type: 'error', error: end.error });
    this.onclose?.({ type: 'close', wasClean: end.code !== 1006, ...end });
  }
}
