import assert from 'node:assert/strict';
import test from 'node:test';
import { complete } from '../src/options.js';

const url = 'https://example.com';

test('the address may have a path of its own', () => {
  const at = (address) => new URL('ws', complete({ url: address, token: 't' }).url).href;
  assert.equal(at('https://example.com'), 'https://example.com/ws');
  assert.equal(at('http://example.com:8000/events'), 'http://example.com:8000/events/ws');
  assert.equal(at(new URL('https://example.com/a/')), 'https://example.com/a/ws');
});

test('what cannot be is refused before anything begins, and named', () => {
  for (const [options, word] of [
    [{ token: 't' }, 'url'],
    [{ url: 'ws://example.com', token: 't' }, 'url'],
    [{ url: `${url}?a=b`, token: 't' }, 'url'],
    [{ url }, 'token'],
    [{ url, token: 't', apiKey: 'cck_x' }, 'token'],
    [{ url, token: 7 }, 'token'],
    [{ url, apiKey: () => 'cck_x' }, 'apiKey'],
    [{ url, token: 't', since: -1 }, 'since'],
    [{ url, token: 't', since: '7' }, 'since'],
    [{ url, token: 't', epoch: 7 }, 'epoch'],
    [{ url, token: 't', snapshot: 7 }, 'snapshot'],
    [{ url, token: 't', heartbeatMs: 0 }, 'heartbeatMs'],
    [{ url, token: 't', minDelayMs: 5000, maxDelayMs: 100 }, 'maxDelayMs'],
    [{ url, token: 't', events: ['Call'] }, 'Call'],
    [{ url, token: 't', events: [] }, 'event'],
  ]) {
    assert.throws(() => complete(options), (error) => error instanceof TypeError && error.message.includes(word), word);
  }
});
