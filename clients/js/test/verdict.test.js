import assert from 'node:assert/strict';
import test from 'node:test';
import { Refused, verdict } from '../src/verdict.js';

const ALWAYS = { failures: 1, canRenew: true, hasRenewed: false, minDelayMs: 1000, maxDelayMs: 30_000, random: () => 0.5 };
const judged = (end, more) => verdict(end, { ...ALWAYS, ...more });
const refused = (status, retryAfterMs) => ({ error: new Refused(status, 'code', 'message', retryAfterMs) });

test('a lost connection is tried again, ever more slowly and at random', () => {
  const delays = [1, 2, 3, 4, 5, 6, 7, 1000].map((failures) => judged({ code: 1006 }, { failures }).delayMs);
  assert.deepEqual(delays, [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  assert.equal(judged({ code: 1006 }, { random: () => 0 }).delayMs, 0);
  for (const end of [{ code: 1001 }, { code: 1008 }, { code: 1011 }, { code: 1012 }, { error: new Error('no network') }]) {
    assert.deepEqual(judged(end), { renew: false, delayMs: 500 });
  }
});

test('an overloaded server is left alone for a while', () => {
  assert.equal(judged({ code: 1013 }).delayMs, 5500);
  assert.equal(judged({ code: 4429 }).delayMs, 5500);
  assert.equal(judged(refused(503, 7000)).delayMs, 7500);
  assert.equal(judged(refused(429, 60_000)).delayMs, 60_500);
  assert.equal(judged(refused(502)).delayMs, 500);
});

test('an ended token is renewed at once, and slower if that goes on', () => {
  assert.deepEqual(judged({ code: 4401 }), { renew: true, delayMs: 0 });
  assert.deepEqual(judged({ code: 4401 }, { failures: 3 }), { renew: true, delayMs: 2000 });
  assert.deepEqual(judged(refused(401)), { renew: true, delayMs: 0 });
});

test('what does not get better by waiting is given up', () => {
  assert.deepEqual(judged({ code: 4403 }), { stop: 'forbidden' });
  assert.deepEqual(judged({ code: 4401 }, { canRenew: false }), { stop: 'unauthorized' });
  assert.deepEqual(judged(refused(401), { canRenew: false }), { stop: 'unauthorized' });
  assert.deepEqual(judged(refused(401), { hasRenewed: true }), { stop: 'unauthorized' });
  assert.deepEqual(judged(refused(403)), { stop: 'forbidden' });
  assert.deepEqual(judged(refused(404)), { stop: 'refused' });
  assert.equal(judged(refused(408)).stop, undefined);
});

test('a refusal says what the server said, or at least its status', () => {
  const body = '{"success":false,"error":{"code":"too_many_connections","message":"no room"}}';
  const ours = Refused.from(503, body, '5');
  assert.deepEqual([ours.status, ours.code, ours.message, ours.retryAfterMs], [503, 'too_many_connections', 'no room', 5000]);
  const proxys = Refused.from(502, '<h1>Bad gateway</h1>', null);
  assert.deepEqual([proxys.message, proxys.code, proxys.retryAfterMs], ['HTTP 502', undefined, undefined]);
});
