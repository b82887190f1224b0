import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { call, event, killAndRestart, listen, login, until } from './world.js';

const BATCH = 20;

/** Publishes batch after batch until it is told to stop; each goes on until it was answered, and is taken once. */
async function publishing(token, progress) {
  for (let first = 0; !progress.isOver; first += BATCH) {
    const body = Array.from({ length: BATCH }, (_, n) => event(first + n));
    const headers = { 'idempotency-key': randomUUID() };
    const once = () => call(token, 'POST', '/api/v1/events', body, { headers }).catch(() => null);
    await until('an answer', once);
    progress.count = first + BATCH;
  }
}

/** The numbers of all that the log holds. */
async function log(token) {
  const seqs = [];
  for (let after = 0; ; after = seqs.at(-1)) {
    const { data, meta } = await call(token, 'GET', `/api/v1/events?limit=200&after=${after}`);
    seqs.push(...data.map(({ seq }) => seq));
    if (meta.next_cursor === null) return seqs;
  }
}

test('every event is seen once and in order, however often the server is killed meanwhile', async (t) => {
  const admin = await login();
  const watching = [listen(t, { token: admin }), listen(t, { token: admin, events: ['order.*'] })];
  await Promise.all(watching.map(({ live }) => live()));
  const progress = { count: 0, isOver: false };
  t.after(() => (progress.isOver = true));
  const published = publishing(admin, progress);
  for (let kill = 1; kill <= 3; kill += 1) {
    const { count } = progress;
    await until('work', () => progress.count >= count + 5 * BATCH);
    await killAndRestart();
    await until('both to be back', () => watching.every(({ seen }) => seen.ready.length > kill));
  }
  progress.isOver = true;
  await published;
  const orders = Array.from({ length: progress.count }, (_, n) => n);
  const last = (await log(admin)).at(-1);
  for (const { client, seen, numbers } of watching) {
    await until('the last order', () => numbers().length >= orders.length);
    assert.deepEqual(numbers(), orders);
    assert.deepEqual([seen.resets, seen.errors], [[], []]);
    assert.ok(client.seq <= last);
  }
  const [all] = watching;
  await until('the end of the log', () => all.client.seq === last);
  assert.deepEqual(all.seen.events.filter(({ seq }) => seq).map(({ seq }) => seq), await log(admin), 'no gap, no repeat');
});
