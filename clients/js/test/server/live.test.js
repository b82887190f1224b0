import assert from 'node:assert/strict';
import test from 'node:test';
import { call, detour, event, listen, login, publish, until } from './world.js';

const admin = await login();

/** The package `ws`, which has a browser's WebSocket; where it lies is for who starts the tests to say. */
const { default: Ws } = await import(process.env.CALLCENTER_WS_MODULE ?? 'ws');

for (const [name, more] of [['the built-in WebSocket', {}], ['a WebSocket that is given', { WebSocket: Ws }]]) {
  test(`events come live, once and in order, over ${name}`, async (t) => {
    const { client, seen, numbers, live } = listen(t, { token: admin, ...more });
    assert.equal(client.state, 'connecting');
    await live();
    const [ready] = seen.ready;
    assert.deepEqual([ready.user_id, ready.tenant_id, ready.role], ['user-456', 'tenant-123', 'admin']);
    const seqs = await publish(admin, ...Array.from({ length: 500 }, (_, n) => event(n)));
    await until('all events', () => numbers().length === 500);
    assert.deepEqual(numbers(), Array.from({ length: 500 }, (_, n) => n));
    assert.deepEqual(seen.events.map(({ seq }) => seq), seqs);
    const [{ type, id, timestamp, payload }] = seen.events;
    assert.deepEqual([type, payload], ['order.paid', { n: 0, tenant_id: 'tenant-123' }]);
    assert.ok(typeof id === 'string' && typeof timestamp === 'number');
    assert.deepEqual([client.seq, client.epoch], [seqs.at(-1), ready.epoch]);
    client.close();
    client.close();
    assert.deepEqual(seen.states.map(({ state }) => state), ['live', 'closed']);
    assert.equal(seen.states[1].why, 'closed');
    assert.deepEqual(seen.errors, []);
    await until('the server to know', async () => {
      const { data } = await call(admin, 'GET', '/api/v1/ws/connections');
      return data.every(({ connection_id }) => connection_id !== ready.connection_id);
    });
  });

  test(`a long event comes through, and a connection that is cut goes on where it was, over ${name}`, async (t) => {
    const way = await detour(t);
    const { seen, numbers, live } = listen(t, { url: way.url, token: admin, ...more });
    const expected = [];
    for (let round = 0; round < 4; round += 1) {
      await until('the connection', () => seen.ready.length === round + 1);
      const text = 'ü'.repeat(30_000);
      await publish(admin, { type: 'order.paid', payload: { n: round, text } });
      await until('the event', () => numbers().includes(round));
      assert.equal(seen.events.at(-1).payload.text, text);
      way.cut();
      await publish(admin, event(`while away ${round}`));
      expected.push(round, `while away ${round}`);
    }
    await until('the rest', () => numbers().length === expected.length);
    assert.deepEqual(numbers(), expected);
    await live();
    assert.deepEqual(seen.resets, []);
  });
}

test('a connection that is dead without a word is found out and replaced', async (t) => {
  const way = await detour(t);
  const { seen, numbers } = listen(t, { url: way.url, token: admin, heartbeatMs: 100, timeoutMs: 400 });
  await until('the connection', () => seen.ready.length === 1);
  way.freeze(true);
  await publish(admin, event('swallowed'));
  const lost = await until('the loss', () => seen.states.find(({ state }) => state === 'waiting'));
  assert.match(lost.error.message, /does not answer/);
  way.freeze(false);
  await until('the event', () => numbers().length === 1);
  assert.deepEqual(numbers(), ['swallowed']);
});

test('a quiet connection is asked whether it lives, and stays', async (t) => {
  let pings = 0;
  class Counting extends Ws {
    send(text) {
      pings += text === '{"type":"ping"}';
      super.send(text);
    }
  }
  const { seen } = listen(t, { token: admin, heartbeatMs: 20, timeoutMs: 1500, WebSocket: Counting });
  await until('a ping after one that was answered', () => pings === 2);
  assert.deepEqual(seen.states.map(({ state }) => state), ['live']);
});

test('handlers get what they ask for, and one that throws breaks nothing', async (t) => {
  const { client, seen, live } = listen(t, { token: admin });
  const got = [];
  client.on('order.*', ({ payload }) => got.push(['order.*', payload.n]));
  client.on('order.paid', ({ payload }) => got.push(['order.paid', payload.n]));
  client.on('order.paid', () => {
    throw new Error('a broken handler');
  });
  await live();
  await publish(admin, event(1), event(2, 'order.lost'), event(3, 'ship.sent'), event(4));
  await until('the last', () => seen.events.length === 4);
  assert.deepEqual(got, [['order.*', 1], ['order.paid', 1], ['order.*', 2], ['order.*', 4], ['order.paid', 4]]);
  assert.deepEqual(seen.errors.map(({ message }) => message), ['a broken handler', 'a broken handler']);
});

test('subscriptions narrow what comes, and hold over connections', async (t) => {
  const way = await detour(t);
  const { client, seen, numbers, live } = listen(t, { url: way.url, token: admin, events: ['order.*'] });
  await live();
  await publish(admin, event(2, 'ship.sent'), event(1));
  await until('the order', () => numbers().length === 1);
  assert.deepEqual(await client.subscribe('ship.sent'), ['order.*', 'ship.sent']);
  await publish(admin, event(3, 'ship.sent'), event(4, 'other.thing'));
  assert.deepEqual(await client.unsubscribe(['order.*']), ['ship.sent']);
  await assert.rejects(client.subscribe('call.nonsense'), { name: 'Rejected', code: 'invalid_message' });
  await assert.rejects(client.subscribe('Nonsense'), TypeError);
  way.cut();
  await publish(admin, event(5, 'other.thing'), event(6), event(7, 'ship.sent'));
  await until('what is still wanted', () => numbers().length === 3);
  assert.deepEqual(numbers(), [1, 3, 7]);
  await until('the second connection', () => seen.ready.length === 2);

  const waiting = until('the loss', () => client.state !== 'live');
  way.cut();
  await waiting;
  assert.deepEqual(await client.unsubscribe('*'), [], 'without a connection it holds from the next one on');
  await until('the third connection', () => seen.ready.length === 3);
  assert.deepEqual(await client.subscribe('only.this'), ['only.this']);
  await publish(admin, event(8, 'ship.sent'), event(9, 'only.this'));
  await until('the one that is wanted', () => numbers().includes(9));
  assert.deepEqual(await client.subscribe('*'), ['*']);
  const refused = assert.rejects(client.subscribe('call.nonsense'), { name: 'Rejected' });
  await publish(admin, event(10, 'other.thing'));
  await refused;
  await until('the last', () => numbers().includes(10));
  assert.deepEqual(numbers(), [1, 3, 7, 9, 10]);
  assert.deepEqual(seen.errors, []);
});

test('a subscription that the server does not know is reported, and nothing unwanted is shown', async (t) => {
  const { seen, numbers } = listen(t, { token: admin, events: ['call.nonsense', 'order.paid'] });
  await until('the complaint', () => seen.errors.length === 1);
  assert.equal(seen.errors[0].code, 'invalid_message');
  await publish(admin, event(1, 'ship.sent'), event(2));
  await until('the order', () => numbers().length === 1);
  assert.deepEqual(numbers(), [2]);
});

test('a snapshot and the stream fit together', async (t) => {
  await call(admin, 'POST', '/api/v1/agent-state/me', { state: 'busy', reason: 'before' });
  const agents = new Map();
  const snapshot = async ({ token }) => {
    const { data, meta } = await call(token, 'GET', '/api/v1/agent-state?limit=200');
    for (const agent of data) agents.set(agent.user_id, agent.reason);
    // What happens between the snapshot and the connection is the test.
    await call(admin, 'POST', '/api/v1/agent-state/me', { state: 'busy', reason: 'between' });
    return meta.seq;
  };
  const { client, seen, live } = listen(t, { token: admin, snapshot });
  client.on('agent.state.changed', ({ payload }) => {
    assert.ok(agents.has(payload.user_id), 'the snapshot comes first');
    agents.set(payload.user_id, payload.reason);
  });
  await live();
  await until('the change', () => agents.get('user-456') === 'between');
  assert.deepEqual(seen.events.map(({ payload }) => payload.reason), ['between']);
});

test('a program comes in with its API key', async (t) => {
  const { data } = await call(admin, 'POST', '/api/v1/api-keys', { name: 'A program', scopes: ['events:read'] });
  const { seen, numbers, live, closed } = listen(t, { apiKey: data.key });
  await live();
  assert.deepEqual([seen.ready[0].user_id, seen.ready[0].role], [null, 'service']);
  await publish(admin, event(1));
  await until('the event', () => numbers().length === 1);
  await call(admin, 'DELETE', `/api/v1/api-keys/${data.id}`);
  assert.equal((await closed()).why, 'unauthorized');

  const bad = await listen(t, { apiKey: 'cck_nonsense' }).closed();
  assert.deepEqual([bad.why, bad.error.status], ['unauthorized', 401]);
  const blind = await call(admin, 'POST', '/api/v1/api-keys', { name: 'A writer', scopes: ['events:write'] });
  assert.equal((await listen(t, { apiKey: blind.data.key }).closed()).why, 'forbidden');
});

test('a client that is closed while it connects is closed', async (t) => {
  const never = listen(t, { token: () => new Promise(() => {}) });
  const early = listen(t, { token: admin });
  await new Promise(setImmediate);
  never.client.close();
  early.client.close();
  for (const { client, seen } of [never, early]) {
    assert.deepEqual([client.state, seen.states.length, seen.errors.length], ['closed', 1, 0]);
  }
  await until('nobody to be connected', async () => {
    const { data } = await call(admin, 'GET', '/api/v1/ws/stats');
    return data.total_clients === 0;
  });
});
