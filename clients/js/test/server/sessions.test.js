import assert from 'node:assert/strict';
import test from 'node:test';
import { advance, call, event, listen, login, publish, until, user } from './world.js';

/** The server's tokens live for five minutes; it is told so by who starts it. */
const NEARLY_SECONDS = 245;
const TOKEN_SECONDS = 300;

/** A token provider that logs in anew when asked to, and remembers what it was asked. */
function provider(first, again) {
  const asked = [];
  const token = async ({ renew }) => {
    asked.push(renew);
    return renew ? again() : first;
  };
  return { token, asked };
}

test('a token that is about to end is renewed on the same connection', async (t) => {
  const kim = await user(await login(), 'kim@example.com');
  const { token, asked } = provider(kim.token, kim.again);
  const { seen, numbers, live } = listen(t, { token });
  await live();
  await advance(NEARLY_SECONDS);
  await until('the new token to be taken', () => seen.refreshed.length === 1);
  const admin = await login();
  const { data } = await call(admin, 'GET', '/api/v1/ws/connections');
  assert.equal(data.filter(({ user_id }) => user_id === kim.id).length, 1);
  // The renewed one lives as long again: over the old one's end, to its own notice.
  await advance(NEARLY_SECONDS);
  await until('another one', () => seen.refreshed.length === 2);
  await publish(await login(), event(1));
  await until('the event', () => numbers().length === 1);
  assert.deepEqual(asked, [false, true, true]);
  assert.deepEqual([seen.states.map(({ state }) => state), seen.errors], [['live'], []]);
});

test('a token that has ended is replaced, and nothing is missed', async (t) => {
  let fails = true;
  const again = async () => {
    if (fails) throw new Error('the token service is away');
    return login();
  };
  const { token, asked } = provider(await login(), again);
  const { seen, numbers, live } = listen(t, { token });
  await live();
  await advance(NEARLY_SECONDS);
  await until('the failure', () => seen.errors.length === 1);
  await advance(TOKEN_SECONDS);
  const lost = await until('the end', () => seen.states.find(({ state }) => state === 'waiting'));
  assert.equal(lost.code, 4401);
  await publish(await login(), event(1));
  fails = false;
  await until('the event', () => numbers().length === 1);
  assert.ok(asked.length >= 3 && asked.slice(1).every((renew) => renew), String(asked));
  assert.equal(seen.errors[0].message, 'the token service is away');
});

test('an old token at the beginning is renewed once', async (t) => {
  const { token, asked } = provider('nonsense', login);
  await listen(t, { token }).live();
  assert.deepEqual(asked, [false, true]);
  const hopeless = provider('nonsense', async () => 'nonsense too');
  const end = await listen(t, { token: hopeless.token }).closed();
  assert.deepEqual([end.why, end.error.status], ['unauthorized', 401]);
  assert.deepEqual(hopeless.asked, [false, true]);
  assert.equal((await listen(t, { token: 'nonsense' }).closed()).why, 'unauthorized');
});

test('after a log-out the provider is asked, and says that nobody is signed in', async (t) => {
  const lee = await user(await login(), 'lee@example.com');
  const { client, seen, live, closed } = listen(t, { token: ({ renew }) => (renew ? null : lee.token) });
  await live();
  await call(lee.token, 'POST', '/api/v1/auth/logout');
  assert.equal((await closed()).why, 'signed_out');
  assert.equal(seen.states.find(({ state }) => state === 'waiting').code, 4401);
  assert.deepEqual([client.state, seen.errors], ['closed', []]);
});

test('who is put out stays out', async (t) => {
  const admin = await login();
  const sam = await user(admin, 'sam@example.com');
  const { token, asked } = provider(sam.token, sam.again);
  const { seen, live, closed } = listen(t, { token });
  await live();
  await call(admin, 'DELETE', `/api/v1/ws/connections/${seen.ready[0].connection_id}`);
  const end = await closed();
  assert.deepEqual([end.why, end.code, end.reason], ['forbidden', 4403, 'closed by an admin']);

  const other = listen(t, { token });
  await other.live();
  await call(admin, 'PATCH', `/api/v1/users/${sam.id}`, { is_active: false });
  assert.equal((await other.closed()).code, 4403);
  assert.deepEqual(asked, [false, false]);
});
