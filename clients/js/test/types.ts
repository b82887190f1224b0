// Never run: what TypeScript must accept, and what it must not.

import { connect, type Client, type ClosedBecause } from 'callcenter-client';

const client: Client = connect({
  url: 'https://events.example.com',
  token: async ({ renew }) => (renew ? null : 'token'),
  snapshot: async ({ token }) => token.length,
  events: ['call.*'],
  WebSocket: globalThis.WebSocket,
});
const off: () => void = client.on<{ call_id: string }>('call.ended', (event) => {
  const id: string = event.payload.call_id;
  const tenant: string = event.payload.tenant_id;
  const seq: number | undefined = event.seq;
  return [id, tenant, seq];
});
client.on('*', async ({ type, payload }) => `${type} ${payload.anything}`);
client.on('connection.reset', ({ payload }) => payload.oldest_seq + 1);
client.onState(({ state, why }) => {
  const word: ClosedBecause | undefined = why;
  // @ts-expect-error: there is no such state
  return state === 'open' ? word : undefined;
});
client.onError((error) => error.message);
const now: Promise<string[]> = client.subscribe('call.*');
connect({ apiKey: 'cck_x', since: client.seq, epoch: client.epoch });
off();
client.close();
void now;

// @ts-expect-error: nobody comes in without either
connect({ url: 'https://events.example.com' });
// @ts-expect-error: one is enough
connect({ token: 'token', apiKey: 'cck_x' });
// @ts-expect-error: a number is not a state's name
client.onState(7);
// @ts-expect-error: it is read only
client.seq = 7;
