import assert from 'node:assert/strict';
import test from 'node:test';
import { checked, covers, Subscription } from '../src/patterns.js';

test('a pattern is a name, a prefix or a star', () => {
  assert.deepEqual(checked('call.*'), ['call.*']);
  assert.deepEqual(checked(['a', 'b.c_1', 'a']), ['a', 'b.c_1']);
  for (const bad of ['', 'Call', 'call.', '.a', 'call*', '*.a', 7, null, []]) {
    assert.throws(() => checked([bad].flat()), TypeError, String(bad));
  }
});

test('a prefix covers what begins with it and its dot', () => {
  assert.ok(covers('call.*', 'call.ended') && covers('call.*', 'call.transfer.failed'));
  assert.ok(covers('*', 'anything') && covers('order.paid', 'order.paid'));
  assert.ok(!covers('call.*', 'call') && !covers('call.*', 'caller.id') && !covers('order', 'order.paid'));
});

test('the first subscription replaces the default, further ones add, a star is the default again', () => {
  const subscription = new Subscription();
  assert.equal(subscription.message(), null);
  subscription.remove(['call.*']);
  assert.ok(subscription.covers('order.paid'));
  subscription.add(['call.*']);
  subscription.add(['order.paid', 'call.*']);
  assert.deepEqual(subscription.message(), { type: 'subscribe', payload: { events: ['call.*', 'order.paid'] } });
  assert.ok(subscription.covers('call.ended') && !subscription.covers('order.lost'));
  subscription.remove(['call.*']);
  assert.deepEqual(subscription.list(), ['order.paid']);
  subscription.remove(['*']);
  assert.deepEqual(subscription.message(), { type: 'unsubscribe', payload: { events: ['*'] } });
  assert.ok(!subscription.covers('order.paid'));
  subscription.add(['*']);
  assert.ok(subscription.covers('order.paid'));
});
