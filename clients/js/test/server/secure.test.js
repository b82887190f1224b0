import assert from 'node:assert/strict';
import test from 'node:test';
import { call, event, listen, login, publish, until } from './world.js';

test('over TLS it is the same, with a token and with an API key', async (t) => {
  const admin = await login();
  const { data } = await call(admin, 'POST', '/api/v1/api-keys', { name: 'A program', scopes: ['events:read'] });
  const both = [listen(t, { token: admin }), listen(t, { apiKey: data.key })];
  for (const { live } of both) await live();
  await publish(admin, event(1), { type: 'order.paid', payload: { n: 2, text: 'x'.repeat(60_000) } }, event(3));
  for (const { numbers, seen } of both) {
    await until('the last', () => numbers().length === 3);
    assert.deepEqual([numbers(), seen.errors], [[1, 2, 3], []]);
  }
});
