// What the tests against a real server share. They need its address in CALLCENTER_URL; it must run with TEST_CLOCK=on and be
// fresh. Who started it listens on the port in CALLCENTER_CONTROL and kills and restarts it for each connection there.

import { createServer, connect as tcp } from 'node:net';
import { connect } from '../../src/index.js';

const { CALLCENTER_URL: SERVER, CALLCENTER_CONTROL: CONTROL } = process.env;
const PASSWORD = 'seventeen green bottles';
/** How long a condition may take; it only costs time when something is broken. */
const LIMIT_MS = 45_000;
/** Tries follow quickly, so that the tests do. */
const QUICK = { minDelayMs: 20, maxDelayMs: 300 };

/** Waits until there is an answer that is not false. */
export async function until(what, ask) {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > deadline) throw new Error(`still waiting: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A call of the API; its status is checked, its whole answer given. */
export async function call(token, method, path, body, { status = [200, 201, 202], headers = {} } = {}) {
  const response = await fetch(SERVER + path, {
    method,
    headers: { ...(token && { authorization: `Bearer ${token}` }), ...(body && { 'content-type': 'application/json' }), ...headers },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (!status.includes(response.status)) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text && JSON.parse(text);
}

export async function login(email = 'admin@example.com', password = 'password') {
  return (await call(null, 'POST', '/api/v1/auth/login', { email, password })).data.access_token;
}

/** Another user of the tenant: `{id, email, token}`. */
export async function user(admin, email, role = 'agent') {
  const made = await call(admin, 'POST', '/api/v1/users', { email, password: PASSWORD, name: 'A Name', role });
  return { id: made.data.id, email, token: await login(email, PASSWORD), again: () => login(email, PASSWORD) };
}

export async function publish(token, ...events) {
  return (await call(token, 'POST', '/api/v1/events', events)).data.events.map(({ seq }) => seq);
}

/** An event that can be told from others. */
export const event = (n, type = 'order.paid') => ({ type, payload: { n } });

export async function advance(seconds) {
  await call(null, 'POST', '/test/clock', { advance_ms: seconds * 1000 });
}

/** Kills the server with signal 9, starts it again, and returns when it serves. */
export function killAndRestart() {
  return new Promise((resolve, reject) => {
    const control = tcp(Number(CONTROL), '127.0.0.1');
    control.on('error', reject).on('close', resolve).resume();
  });
}

/** A client that ends with the test, and what it has seen of it. */
export function listen(t, options) {
  const client = connect({ url: SERVER, ...QUICK, ...options });
  const seen = { events: [], states: [], errors: [], ready: [], resets: [], refreshed: [] };
  // Who comes and goes is not what these tests are about.
  client.on('*', (event) => event.type.startsWith('user.') || seen.events.push(event));
  client.onState((change) => seen.states.push(change));
  client.onError((error) => seen.errors.push(error));
  client.on('connection.ready', ({ payload }) => seen.ready.push(payload));
  client.on('connection.reset', ({ payload }) => seen.resets.push(payload));
  client.on('auth.refreshed', ({ payload }) => seen.refreshed.push(payload));
  t.after(() => client.close());
  const numbers = () => seen.events.filter((event) => event.payload.n !== undefined).map((event) => event.payload.n);
  const live = () => until('the connection', () => client.state === 'live');
  const closed = () => until('the end', () => client.state === 'closed' && seen.states.at(-1));
  return { client, seen, numbers, live, closed };
}

/** A way to the server that can be cut, and that can swallow everything without a word. */
export async function detour(t) {
  const { hostname, port } = new URL(SERVER);
  const sockets = new Set();
  let isFrozen = false;
  const server = createServer((near) => {
    const far = tcp(Number(port), hostname);
    for (const [from, to] of [[near, far], [far, near]]) {
      sockets.add(from);
      from.on('data', (bytes) => isFrozen || to.write(bytes));
      from.on('error', () => {}).on('close', () => (sockets.delete(from), to.destroy()));
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => sockets.forEach((socket) => socket.destroy());
  t.after(() => (cut(), server.close()));
  return { url: `http://127.0.0.1:${server.address().port}`, cut, freeze: (yes) => (isFrozen = yes) };
}
