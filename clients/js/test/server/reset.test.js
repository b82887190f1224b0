import assert from 'node:assert/strict';
import test from 'node:test';
import { advance, call, detour, event, listen, login, publish, until } from './world.js';

const admin = await login();
const DAY_SECONDS = 24 * 3600;

/** Loads what there is, and counts how often. */
function counted(loads) {
  return async () => {
    const { meta } = await call(admin, 'GET', '/api/v1/agent-state');
    loads.push(meta.seq);
    return meta.seq;
  };
}

test('a position of another log resets the client, which then goes on', async (t) => {
  const [seq] = await publish(admin, event(1));
  const { client, seen, numbers } = listen(t, { token: admin, since: seq + 1000, epoch: 'another' });
  await until('the reset', () => seen.resets.length === 1);
  assert.deepEqual([seen.resets[0].seq, client.seq, client.epoch], [seq, seq, seen.ready[0].epoch]);
  await publish(admin, event(2));
  await until('the event', () => numbers().length === 1);
  assert.deepEqual(numbers(), [2]);

  const loads = [];
  const other = listen(t, { token: admin, since: seq, epoch: 'another', snapshot: counted(loads) });
  await until('the snapshot, and the connection behind it', () => other.seen.ready.length === 2);
  await publish(admin, event(3));
  await until('the event', () => other.numbers().length === 1);
  assert.deepEqual([other.numbers(), loads.length, other.seen.resets.length], [[3], 1, 1]);
});

test('a client that was away for longer than the log reaches back is told, and goes on', async (t) => {
  const way = await detour(t);
  const loads = [];
  const plain = listen(t, { url: way.url, token: admin });
  const snapshots = listen(t, { url: way.url, token: admin, snapshot: counted(loads) });
  await Promise.all([plain.live(), snapshots.live()]);
  way.freeze(true);
  way.cut();
  await publish(admin, event('missed'), event('missed too'));
  await advance(8 * DAY_SECONDS);
  await until('the old events to go', async () => {
    const { meta } = await call(admin, 'GET', '/api/v1/events');
    return meta.oldest_seq > meta.seq;
  });
  const [first] = await publish(admin, event('kept'));
  way.freeze(false);
  // What was sent into the frozen way is lost: only a new connection gets through.
  way.cut();
  await until('both resets', () => [plain, snapshots].every(({ seen }) => seen.resets.length === 1));
  const { oldest_seq, seq } = plain.seen.resets[0];
  assert.deepEqual([oldest_seq, seq], [first, first]);
  await until('the snapshot', () => loads.length === 2 && snapshots.client.state === 'live');
  await publish(admin, event('live'));
  for (const { numbers, seen } of [plain, snapshots]) {
    await until('the live one', () => numbers().includes('live'));
    assert.deepEqual(numbers(), ['live'], 'what was there at the reset is in the snapshot');
    assert.deepEqual(seen.errors, []);
  }
});

test('a client that hears nothing while the log goes by has missed nothing', async (t) => {
  const way = await detour(t);
  const { client, seen, numbers, live } = listen(t, { url: way.url, token: admin, events: ['rare.*'], heartbeatMs: 50 });
  await live();
  const [, last] = await publish(admin, event('unwanted'), event('unwanted too'));
  await until('the end of the log', () => client.seq >= last);
  way.freeze(true);
  way.cut();
  await advance(8 * DAY_SECONDS);
  await until('the old events to go', async () => {
    const { meta } = await call(admin, 'GET', '/api/v1/events');
    return meta.oldest_seq > last;
  });
  await publish(admin, event('rare', 'rare.thing'));
  way.freeze(false);
  way.cut();
  await until('the event', () => numbers().length === 1);
  assert.deepEqual([numbers(), seen.resets, seen.errors], [['rare'], [], []]);
});

test('a snapshot that fails is tried again, and one that makes no sense is reported', async (t) => {
  let tries = 0;
  const snapshot = async () => {
    tries += 1;
    if (tries === 1) throw new Error('not now');
    return tries === 2 ? undefined : (await call(admin, 'GET', '/api/v1/events')).meta.seq;
  };
  const { seen, live } = listen(t, { token: admin, snapshot });
  await live();
  assert.equal(tries, 3);
  assert.deepEqual(seen.errors.map(({ name }) => name), ['Error', 'TypeError']);
});
