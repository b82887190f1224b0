import assert from 'node:assert/strict';
import test from 'node:test';
import { CLOSE, encode, PING, Reader, TEXT } from '../src/frames.js';

const MASK = Buffer.from([1, 2, 3, 4]);

/** A frame as a server sends it: not masked. */
function frame(first, payload) {
  const bytes = Buffer.from(payload);
  const { length } = bytes;
  const head = length < 126 ? [first, length] : length < 65_536 ? [first, 126, length >> 8, length & 255] : null;
  if (head) return Buffer.concat([Buffer.from(head), bytes]);
  const long = Buffer.from([first, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  long.writeUInt32BE(length, 6);
  return Buffer.concat([long, bytes]);
}

const read = (...parts) => {
  const reader = new Reader();
  return parts.flatMap((bytes) => [...reader.read(bytes)]);
};
const closedBy = (...parts) => {
  try {
    read(...parts);
  } catch (error) {
    return error.closeCode;
  }
  return undefined;
};

test('messages come out the same however the bytes are cut', () => {
  const long = 'ü'.repeat(40_000);
  const bytes = Buffer.concat([
    frame(0x81, 'short'),
    frame(0x01, 'in '),
    frame(0x89, 'between'),
    frame(0x00, ''),
    frame(0x80, 'pieces'),
    frame(0x81, 'x'.repeat(300)),
    frame(0x81, long),
    frame(0x88, Buffer.from([0x03, 0xf4, 0x6f, 0x6b])),
  ]);
  const expected = [
    { opcode: TEXT, payload: 'short' },
    { opcode: PING, payload: Buffer.from('between') },
    { opcode: TEXT, payload: 'in pieces' },
    { opcode: TEXT, payload: 'x'.repeat(300) },
    { opcode: TEXT, payload: long },
    { opcode: CLOSE, payload: { code: 1012, reason: 'ok' } },
  ];
  for (const size of [1, 2, 7, 1000, bytes.length]) {
    const parts = [];
    for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size));
    assert.deepEqual(read(...parts), expected, `in pieces of ${size}`);
  }
});

test('what a client writes is masked and complete', () => {
  for (const length of [0, 5, 125, 126, 65_535, 65_536]) {
    const sent = encode(TEXT, Buffer.alloc(length, 'a'), MASK);
    assert.equal(sent[0], 0x81);
    assert.equal(sent[1] & 0x80, 0x80);
    const start = sent.length - length;
    const unmasked = sent.subarray(start).map((byte, at) => byte ^ MASK[at & 3]);
    sent[1] &= 0x7f;
    const plain = Buffer.concat([sent.subarray(0, start - 4), unmasked]);
    assert.deepEqual(read(plain), [{ opcode: TEXT, payload: 'a'.repeat(length) }]);
  }
});

test('what the standard forbids ends the connection with its code', () => {
  for (const [code, ...parts] of [
    [1002, Buffer.from([0xc1, 0])],
    [1002, Buffer.from([0x81, 0x80])],
    [1002, frame(0x83, '')],
    [1002, frame(0x09, '')],
    [1002, frame(0x89, 'x'.repeat(126))],
    [1002, frame(0x80, 'nothing to go on with')],
    [1002, frame(0x01, 'begun'), frame(0x81, 'and begun again')],
    [1002, frame(0x88, 'x')],
    [1002, frame(0x88, Buffer.from([0x03, 0xed]))],
    [1003, frame(0x82, 'bytes')],
    [1007, frame(0x81, Buffer.from([0xff]))],
    [1007, frame(0x88, Buffer.from([0x03, 0xe8, 0xff]))],
    [1009, Buffer.from([0x81, 127, 0, 0, 0, 0, 0, 0x20, 0, 0])],
    [1009, Buffer.from([0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
  ]) {
    assert.equal(closedBy(...parts), code, parts.map((part) => part.toString('hex')).join(' '));
  }
});
