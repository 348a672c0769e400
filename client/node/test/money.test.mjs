import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Instant, addDays, dayOf, formatMoney, parseMoney } from 'aquifer';

test('money is parsed strictly or refused', () => {
  for (const [text, minor] of [
    ['0', 0n],
    ['1520', 152000n],
    ['1520.5', 152050n],
    ['1520.50', 152050n],
    ['0.01', 1n],
    ['9999999999.99', 999999999999n],
  ]) {
    assert.equal(parseMoney(text), minor);
  }
  for (const bad of [
    '',
    ' 1',
    '1 ',
    '+1',
    '-1',
    '01',
    '1,5',
    '1.',
    '.5',
    '1.005',
    '1e3',
    '0x10',
    'Infinity',
    '١',
    '10000000000',
    1520,
    15n,
    null,
    undefined,
  ]) {
    assert.throws(() => parseMoney(bad), { reason: 'INVALID_FIELDS' }, String(bad));
  }
});

test('money is written with two decimals', () => {
  for (const [minor, text] of [
    [0n, '0.00'],
    [5n, '0.05'],
    [152050n, '1520.50'],
    [-5n, '-0.05'],
    [9007199254740993n, '90071992547409.93'],
  ]) {
    assert.equal(formatMoney(minor), text);
  }
  assert.throws(() => formatMoney(15.5), { reason: 'INVALID_FIELDS' });
});

test('instants keep what a Date would round', () => {
  const instant = Instant.from('2026-03-28T14:05:09.123456789+02:00');
  assert.equal(String(instant), '2026-03-28T12:05:09.123456789Z');
  assert.equal(JSON.stringify({ instant }), '{"instant":"2026-03-28T12:05:09.123456789Z"}');
  assert.equal(instant.toDate().toISOString(), '2026-03-28T12:05:09.123Z');
  assert.ok(instant < Instant.now() && instant.equals('2026-03-28T12:05:09.123456789Z'));
  assert.equal(String(Instant.from(new Date(-1))), '1969-12-31T23:59:59.999Z');
  for (const bad of [
    '2026-03-28',
    '2026-03-28T12:05:09',
    '2026-02-30T00:00:00Z',
    '2026-03-28T24:00:00Z',
    'now',
    new Date(NaN),
  ]) {
    assert.throws(() => Instant.from(bad), RangeError, String(bad));
  }
});

test('days are those of the time zone, and go on over months', () => {
  assert.equal(dayOf(new Date('2026-03-28T22:30:00Z'), 'Europe/Kyiv'), '2026-03-29');
  assert.equal(addDays('2026-03-01', -1), '2026-02-28');
  assert.equal(addDays({ year: 2026, month: 12, day: 31 }, 1), '2027-01-01');
  assert.throws(() => addDays(new Date(), 1), { reason: 'INVALID_FIELDS' });
});
