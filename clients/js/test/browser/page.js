// What the test's page does: signs in at the server that its address names, listens, and reports to where it came from.

import { connect } from '/src/index.js';

const asked = new URLSearchParams(location.search);
const server = asked.get('server');

let reported = Promise.resolve();
/** One after the other, so that they arrive in order. */
function report(what) {
  const body = JSON.stringify(what);
  reported = reported.then(() => fetch('/report', { method: 'POST', body }));
}

async function login() {
  const response = await fetch(`${server}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'admin@example.com', password: 'password' }),
  });
  return (await response.json()).data.access_token;
}

function listen(token) {
  const client = connect({ url: server, token, minDelayMs: 20, maxDelayMs: 300 });
  client.on('order.*', ({ seq, payload }) => report({ seq, n: payload.n }));
  client.on('connection.reset', () => report({ reset: true }));
  client.onState(({ state }) => report({ state }));
  client.onError(({ message }) => report({ error: message }));
}

/** Whether a WebSocket with that ticket opens. */
function opens(ticket) {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${server.replace(/^http/, 'ws')}/ws?ticket=${ticket}`);
    socket.onopen = () => resolve(true);
    socket.onclose = () => resolve(false);
  });
}

/** Asks where the page came from until there is one. */
async function ticket() {
  for (;;) {
    const text = await (await fetch('/ticket')).text();
    if (text) return text;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

if (asked.has('bare')) {
  const answered = await login().then(() => true, () => false);
  report({ answered, opened: await opens(await ticket()) });
} else {
  login().then(listen, ({ message }) => report({ error: message }));
}
