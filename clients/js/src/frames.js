// The frames of RFC 6455, as a client writes and reads them. Knows nothing of sockets.

export const TEXT = 1;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/**
 * The longest message that is taken. The server's longest is an event with a payload of 64 KiB; whatever claims to be much
 * longer is not to fill the memory.
 */
const MESSAGE_BYTES = 1 << 20;
/** Of a control frame's payload. */
const CONTROL_BYTES = 125;
/** Close codes that stand for something else and are never sent, and those that nobody has defined. */
const isCloseCode = (code) =>
  (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A violation of the standard, with the code to close with. */
function violation(closeCode, message) {
  return Object.assign(new Error(message), { closeCode });
}

/** One frame, masked as a client's must be. */
export function encode(opcode, payload, mask) {
  const { length } = payload;
  const size = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.alloc(6 + size + length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (size === 0 ? length : size === 2 ? 126 : 127);
  if (size === 2) frame.writeUInt16BE(length, 2);
  if (size === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  mask.copy(frame, 2 + size);
  const start = 6 + size;
  for (let at = 0; at < length; at += 1) frame[start + at] = payload[at] ^ mask[at & 3];
  return frame;
}

/** Makes messages of bytes, however these are cut. */
export class Reader {
  #rest = Buffer.alloc(0);
  #parts = [];
  #size = 0;
  #isFragmented = false;

  /**
   * Gives `{opcode, payload}` of what is complete: of a text the string, of a close `{code, reason}`, else the bytes.
   * Throws an error with a `closeCode` at what the standard, or this client, does not take.
   */
  *read(bytes) {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (let frame = this.#next(); frame; frame = this.#next()) {
      const message = frame.opcode >= 8 ? control(frame) : this.#text(frame);
      if (message) yield message;
    }
  }

  #next() {
    const header = parse(this.#rest);
    if (!header) return undefined;
    const { opcode, start, length } = header;
    check(header, this.#isFragmented, this.#size);
    if (this.#rest.length < start + length) return undefined;
    const payload = this.#rest.subarray(start, start + length);
    this.#rest = this.#rest.subarray(start + length);
    return { isLast: header.isLast, opcode, payload };
  }

  #text({ isLast, payload }) {
    if (payload.length > 0) this.#parts.push(payload);
    this.#size += payload.length;
    this.#isFragmented = !isLast;
    if (!isLast) return undefined;
    const whole = Buffer.concat(this.#parts, this.#size);
    this.#parts = [];
    this.#size = 0;
    return { opcode: TEXT, payload: utf8(whole) };
  }
}

/** The head of a frame, once it is complete. */
function parse(bytes) {
  if (bytes.length < 2) return undefined;
  const short = bytes[1] & 0x7f;
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < start) return undefined;
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const flags = bytes[0] & 0x70;
  return { isLast: bytes[0] >= 0x80, flags, opcode: bytes[0] & 0x0f, isMasked: bytes[1] >= 0x80, start, length };
}

/** Before a byte of the payload is kept. */
function check({ isLast, flags, opcode, isMasked, length }, isFragmented, size) {
  if (flags !== 0 || isMasked) throw violation(1002, 'a frame that no server may send');
  if (opcode >= 8) {
    const isKnown = [CLOSE, PING, PONG].includes(opcode);
    if (!isKnown || !isLast || length > CONTROL_BYTES) throw violation(1002, 'a bad control frame');
    return;
  }
  if (opcode === 2) throw violation(1003, 'a binary message');
  if (opcode !== (isFragmented ? 0 : TEXT)) throw violation(1002, 'a frame out of place');
  if (size + length > MESSAGE_BYTES) throw violation(1009, 'a message that is too long');
}

function control({ opcode, payload }) {
  if (opcode !== CLOSE) return { opcode, payload };
  if (payload.length === 0) return { opcode, payload: { code: 1005, reason: '' } };
  if (payload.length === 1) throw violation(1002, 'half a close code');
  const code = payload.readUInt16BE(0);
  if (!isCloseCode(code)) throw violation(1002, 'a close code that must not be sent');
  return { opcode, payload: { code, reason: utf8(payload.subarray(2)) } };
}

function utf8(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    throw violation(1007, 'text that is not UTF-8');
  }
}
