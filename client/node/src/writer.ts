// Writes the wire format of Protocol Buffers, and refuses what the messages cannot hold exactly.
import { type DayLike, dayParts } from './day.js';
import { invalidField } from './errors.js';
import { Instant, type InstantLike } from './instant.js';

/** What may be given where a 64-bit integer is asked for; a text is decimal digits. */
export type IntLike = bigint | number | string;

const LEAST_INT64 = -(2n ** 63n);
const MOST_INT64 = 2n ** 63n - 1n;
const INTEGER = /^-?\d{1,19}$/;

/** Builds one message at a time; the buffer is kept for the next. */
export class Writer {
  private buf: Buffer;
  private pos = 0;

  constructor(bytes = 4096) {
    this.buf = Buffer.allocUnsafe(bytes);
  }

  /** A copy of what was written since the last time. */
  finish(): Buffer {
    const bytes = Buffer.from(this.buf.subarray(0, this.pos));
    this.pos = 0;
    return bytes;
  }

  reset(): void {
    this.pos = 0;
  }

  private room(bytes: number): void {
    if (this.pos + bytes <= this.buf.length) return;
    const bigger = Buffer.allocUnsafe(Math.max(this.buf.length * 2, this.pos + bytes));
    this.buf.copy(bigger, 0, 0, this.pos);
    this.buf = bigger;
  }

  /** A tag or another number that is not negative. */
  uint32(value: number): this {
    this.room(5);
    while (value >= 0x80) {
      this.buf[this.pos++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    this.buf[this.pos++] = value;
    return this;
  }

  int32(value: number, field: string): this {
    if (!Number.isInteger(value) || value !== (value | 0)) {
      throw invalidField(field, 'must be a whole number of 32 bits');
    }
    return value >= 0 ? this.uint32(value) : this.negative(BigInt(value));
  }

  bool(value: boolean, field: string): this {
    if (typeof value !== 'boolean') throw invalidField(field, 'must be true or false');
    return this.uint32(value ? 1 : 0);
  }

  int64(given: IntLike, field: string): this {
    const value = exactInteger(given, field);
    if (value < 0) return this.negative(BigInt(value));
    if (typeof value === 'bigint' && value > 0x1fffffffffffffn) return this.negative(value);
    let rest = Number(value);
    this.room(10);
    while (rest >= 2 ** 31) {
      this.buf[this.pos++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    return this.uint32(rest);
  }

  private negative(value: bigint): this {
    this.room(10);
    let rest = BigInt.asUintN(64, value);
    while (rest >= 0x80n) {
      this.buf[this.pos++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.buf[this.pos++] = Number(rest);
    return this;
  }

  double(value: number, field: string): this {
    if (typeof value !== 'number') throw invalidField(field, 'must be a number');
    this.room(8);
    this.pos = this.buf.writeDoubleLE(value, this.pos);
    return this;
  }

  string(value: string, field: string): this {
    if (typeof value !== 'string') throw invalidField(field, 'must be a text');
    this.room(value.length * 3 + 5);
    const start = this.fork();
    this.pos += this.buf.write(value, this.pos, 'utf8');
    return this.join(start);
  }

  bytes(value: Uint8Array): this {
    this.uint32(value.length).room(value.length);
    this.buf.set(value, this.pos);
    this.pos += value.length;
    return this;
  }

  /** Begins a length-delimited field, whose length is put in by join(). */
  fork(): number {
    this.room(1);
    return ++this.pos;
  }

  join(start: number): this {
    const length = this.pos - start;
    if (length < 0x80) {
      this.buf[start - 1] = length;
      return this;
    }
    // One byte was left for the length; what follows moves to make room for a longer one.
    const more = length < 0x4000 ? 1 : length < 0x200000 ? 2 : length < 0x10000000 ? 3 : 4;
    this.room(more);
    this.buf.copyWithin(start + more, start, this.pos);
    const end = this.pos + more;
    this.pos = start - 1;
    this.uint32(length);
    this.pos = end;
    return this;
  }

  timestamp(value: InstantLike, field: string): this {
    const { seconds, nanos } = instant(value, field);
    const start = this.fork();
    if (seconds !== 0) this.uint32(8).int64(seconds, field);
    if (nanos !== 0) this.uint32(16).uint32(nanos);
    return this.join(start);
  }

  duration(ms: number, field: string): this {
    if (typeof ms !== 'number' || !Number.isFinite(ms))
      throw invalidField(field, 'must be a number');
    const start = this.fork();
    const seconds = Math.trunc(ms / 1000);
    const nanos = Math.round((ms - seconds * 1000) * 1e6);
    if (seconds !== 0) this.uint32(8).int64(seconds, field);
    if (nanos !== 0) this.uint32(16).int32(nanos, field);
    return this.join(start);
  }

  day(value: DayLike, field: string): this {
    const [year, month, day] = dayParts(value, field);
    const start = this.fork();
    if (year !== 0) this.uint32(8).int32(year, field);
    if (month !== 0) this.uint32(16).int32(month, field);
    if (day !== 0) this.uint32(24).int32(day, field);
    return this.join(start);
  }

  /** Takes names as this package spells them (receivesSummaries) or as the protos do. */
  fieldMask(paths: readonly string[], field: string): this {
    const start = this.fork();
    for (const path of list(paths, field)) {
      if (typeof path !== 'string') throw invalidField(field, 'must be a list of names of fields');
      this.uint32(10).string(
        path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        field,
      );
    }
    return this.join(start);
  }

  any(value: { typeUrl: string; value: Uint8Array }): this {
    const start = this.fork();
    this.uint32(10).string(value.typeUrl, 'type_url').uint32(18).bytes(value.value);
    return this.join(start);
  }
}

function instant(value: InstantLike, field: string): Instant {
  try {
    return Instant.from(value);
  } catch {
    throw invalidField(
      field,
      'must be an instant: a Date, or a text such as "2026-03-28T12:05:09Z"',
    );
  }
}

/** An integer that is exact: a number beyond 2^53 could have been rounded before it came here. */
function exactInteger(value: IntLike, field: string): number | bigint {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return value;
    throw invalidField(
      field,
      'must be a whole number that is exact; beyond 2^53 a bigint or a text',
    );
  }
  if (typeof value === 'string' && !INTEGER.test(value)) {
    throw invalidField(field, 'must be a whole number, as a text in decimal digits');
  }
  if (typeof value !== 'bigint' && typeof value !== 'string') {
    throw invalidField(field, 'must be a whole number: a bigint, a number or a text');
  }
  const exact = BigInt(value);
  if (exact < LEAST_INT64 || exact > MOST_INT64) throw invalidField(field, 'must fit 64 bits');
  return exact;
}

/** The list itself, where it is one. */
export function list<T>(value: readonly T[], field: string): readonly T[] {
  if (!Array.isArray(value)) throw invalidField(field, 'must be a list');
  return value;
}

/** Refuses what is no object, and keys that the message does not have: a mistyped name must not pass. */
export function checkFields(value: object, known: ReadonlySet<string>, message: string): void {
  if (typeof value !== 'object' || value === null) throw invalidField(message, 'must be an object');
  for (const key in value) {
    if (!known.has(key)) throw invalidField(key, `is no field of ${message}`);
  }
}

/** The number of an enum's value by its name. */
export function enumNumber(numbers: Record<string, number>, value: string, field: string): number {
  const number = numbers[value];
  if (number === undefined) {
    throw invalidField(field, `must be one of ${Object.keys(numbers).join(', ')}`);
  }
  return number;
}
