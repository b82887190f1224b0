import assert from 'node:assert/strict';
import test from 'node:test';
import { Handlers } from '../src/handlers.js';

test('an event comes to its name, its prefix and the star, and to nobody else', () => {
  const [handlers, seen] = [new Handlers(), []];
  for (const pattern of ['call.ended', 'call.*', '*', 'order.*']) handlers.on(pattern, () => seen.push(pattern));
  handlers.show({ type: 'call.ended' });
  assert.deepEqual(seen, ['call.ended', 'call.*', '*']);
});

test('frames of the connection come to their own names only', () => {
  const [handlers, seen] = [new Handlers(), []];
  for (const pattern of ['*', 'connection.*', 'connection.reset']) handlers.on(pattern, () => seen.push(pattern));
  handlers.show({ type: 'connection.reset' });
  assert.deepEqual(seen, ['connection.reset']);
});

test('a handler that fails, at once or later, is reported and disturbs nobody', async () => {
  const [handlers, seen, errors] = [new Handlers(), [], []];
  handlers.onError(() => {
    throw new Error('the error handler');
  });
  handlers.onError((error) => errors.push(error.message));
  handlers.on('a', () => {
    throw new Error('at once');
  });
  handlers.on('a', async () => {
    throw new Error('later');
  });
  handlers.on('a', () => seen.push('a'));
  const { error } = console;
  const printed = [];
  console.error = (...words) => printed.push(words);
  handlers.show({ type: 'a' });
  await new Promise(setImmediate);
  console.error = error;
  assert.deepEqual(seen, ['a']);
  assert.deepEqual(errors, ['at once', 'later']);
  assert.equal(printed.length, 2, 'an error handler that fails is seen on the console');
});

test('a handler that was taken away, even by another one of the same event, is not called again', () => {
  const [handlers, seen] = [new Handlers(), []];
  const off = handlers.on('a', () => (seen.push(1), off()));
  handlers.on('a', () => seen.push(2));
  handlers.show({ type: 'a' });
  handlers.show({ type: 'a' });
  assert.deepEqual(seen, [1, 2, 2]);
  assert.throws(() => handlers.on('a', 'no function'), TypeError);
  assert.throws(() => handlers.on('Not a name', () => {}), TypeError);
});
