// An instant as the service keeps it: to the microsecond, which a Date would round.

const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;

/** What may be given where an instant is asked for. A text is RFC 3339 and names its offset. */
export type InstantLike = Instant | Date | string;

/** A point in time, exact to the nanosecond. Immutable. */
export class Instant {
  /** @param seconds since 1970, whole and of either sign @param nanos after them, 0 to 999999999 */
  constructor(
    readonly seconds: number,
    readonly nanos: number,
  ) {}

  /** Throws RangeError where the text is not RFC 3339 or the Date is invalid. */
  static from(value: InstantLike): Instant {
    if (value instanceof Instant) return value;
    if (typeof value === 'string') return parse(value);
    const ms = value.getTime();
    if (Number.isNaN(ms)) throw new RangeError('the Date is invalid');
    const seconds = Math.floor(ms / 1000);
    return new Instant(seconds, (ms - seconds * 1000) * 1e6);
  }

  static now(): Instant {
    return Instant.from(new Date());
  }

  /** Rounded down to the millisecond. */
  toDate(): Date {
    return new Date(this.valueOf());
  }

  /** Milliseconds since 1970, so that instants compare with < and >, and with Dates. */
  valueOf(): number {
    return this.seconds * 1000 + Math.floor(this.nanos / 1e6);
  }

  equals(other: InstantLike): boolean {
    const { seconds, nanos } = Instant.from(other);
    return seconds === this.seconds && nanos === this.nanos;
  }

  /** RFC 3339 in UTC, with as many decimals as it takes: "2026-03-28T12:05:09.25Z". */
  toString(): string {
    const whole = new Date(this.seconds * 1000).toISOString().slice(0, -5);
    if (this.nanos === 0) return `${whole}Z`;
    return `${whole}.${String(this.nanos).padStart(9, '0').replace(/0+$/, '')}Z`;
  }

  toJSON(): string {
    return this.toString();
  }
}

function parse(text: string): Instant {
  const match = RFC3339.exec(text);
  if (!match) throw new RangeError('not an instant such as "2026-03-28T12:05:09Z"');
  const [, year, month, day, hour, minute, second, fraction = '', offset = 'Z'] = match;
  const numbers = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const ms = Date.UTC(numbers[0], numbers[1] - 1, numbers[2], numbers[3], numbers[4], numbers[5]);
  // Date.UTC carries what overflows, so 31 April would become 1 May.
  const back = new Date(ms);
  if (
    back.getUTCMonth() !== numbers[1] - 1 ||
    numbers[3] > 23 ||
    numbers[4] > 59 ||
    numbers[5] > 59
  ) {
    throw new RangeError('there is no such date or time');
  }
  const minutes =
    offset.length === 1 ? 0 : Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4, 6));
  const shift = offset.startsWith('-') ? minutes : -minutes;
  return new Instant(ms / 1000 + shift * 60, Number(fraction.padEnd(9, '0')));
}
