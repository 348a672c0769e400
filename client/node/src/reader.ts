// Reads the wire format of Protocol Buffers. 64-bit integers become bigints and never pass through a
// float that could round them.
import { type Day, dayText } from './day.js';
import { Instant } from './instant.js';

const TWO_28 = 2 ** 28;

/** The bytes of one message, read from the front. */
export class Reader {
  pos = 0;
  constructor(readonly buf: Buffer) {}

  /** Throws where the message was cut off or is none. */
  private malformed(): never {
    throw new RangeError('the answer is no message of Protocol Buffers');
  }

  uint32(): number {
    const { buf } = this;
    let byte = buf[this.pos++]!;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      byte = buf[this.pos++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    // A negative int32 comes in ten bytes.
    for (let i = 0; i < 5; ++i) if (buf[this.pos++]! < 0x80) return value >>> 0;
    return this.malformed();
  }

  int32(): number {
    return this.uint32() | 0;
  }

  bool(): boolean {
    return this.uint32() !== 0;
  }

  int64(): bigint {
    return BigInt(this.integer());
  }

  /** A 64-bit integer as a number while that is exact, else as a bigint. */
  integer(): number | bigint {
    const { buf } = this;
    let low = 0;
    let middle = 0;
    let high = 0;
    let byte = 0x80;
    for (let shift = 0; shift < 28 && byte >= 0x80; shift += 7) {
      byte = buf[this.pos++]!;
      low |= (byte & 0x7f) << shift;
    }
    if (byte < 0x80) return low;
    byte = 0x80;
    for (let shift = 0; shift < 28 && byte >= 0x80; shift += 7) {
      byte = buf[this.pos++]!;
      middle |= (byte & 0x7f) << shift;
    }
    if (byte < 0x80) {
      if (middle < 2 ** 25) return middle * TWO_28 + low;
      return (BigInt(middle) << 28n) | BigInt(low);
    }
    byte = 0x80;
    for (let shift = 0; shift < 14 && byte >= 0x80; shift += 7) {
      byte = buf[this.pos++]!;
      high |= (byte & 0x7f) << shift;
    }
    if (!(byte < 0x80)) return this.malformed();
    return BigInt.asIntN(64, (BigInt(high) << 56n) | (BigInt(middle) << 28n) | BigInt(low));
  }

  double(): number {
    this.pos += 8;
    return this.buf.readDoubleLE(this.pos - 8);
  }

  /** Where the length-delimited field here ends. */
  end(): number {
    const length = this.uint32();
    const end = this.pos + length;
    return end <= this.buf.length ? end : this.malformed();
  }

  string(): string {
    const end = this.end();
    const { buf } = this;
    const start = this.pos;
    this.pos = end;
    // Most texts are short and ASCII; for those a call out of the engine costs more than the loop.
    if (end - start <= 24) {
      let text = '';
      let i = start;
      for (; i < end; ++i) {
        const byte = buf[i]!;
        if (byte >= 0x80) break;
        text += String.fromCharCode(byte);
      }
      if (i === end) return text;
    }
    return buf.toString('utf8', start, end);
  }

  bytes(): Buffer {
    const end = this.end();
    const bytes = this.buf.subarray(this.pos, end);
    this.pos = end;
    return bytes;
  }

  timestamp(): Instant {
    const end = this.end();
    let seconds = 0;
    let nanos = 0;
    while (this.pos < end) {
      const tag = this.uint32();
      if (tag === 8) seconds = Number(this.integer());
      else if (tag === 16) nanos = this.uint32();
      else this.skip(tag);
    }
    return new Instant(seconds, nanos);
  }

  /** A duration in milliseconds. */
  duration(): number {
    const { seconds, nanos } = this.timestamp();
    return seconds * 1000 + (nanos | 0) / 1e6;
  }

  day(): Day {
    const end = this.end();
    let year = 0;
    let month = 0;
    let day = 0;
    while (this.pos < end) {
      const tag = this.uint32();
      if (tag === 8) year = this.int32();
      else if (tag === 16) month = this.int32();
      else if (tag === 24) day = this.int32();
      else this.skip(tag);
    }
    return dayText(year, month, day);
  }

  fieldMask(): string[] {
    const end = this.end();
    const paths: string[] = [];
    while (this.pos < end) {
      const tag = this.uint32();
      if (tag === 10) paths.push(this.string());
      else this.skip(tag);
    }
    return paths;
  }

  any(): { typeUrl: string; value: Buffer } {
    const end = this.end();
    const any = { typeUrl: '', value: Buffer.alloc(0) as Buffer };
    while (this.pos < end) {
      const tag = this.uint32();
      if (tag === 10) any.typeUrl = this.string();
      else if (tag === 18) any.value = this.bytes();
      else this.skip(tag);
    }
    return any;
  }

  skip(tag: number): void {
    const wire = tag & 7;
    if (wire === 0) this.integer();
    else if (wire === 1) this.pos += 8;
    else if (wire === 2) this.pos = this.end();
    else if (wire === 5) this.pos += 4;
    else this.malformed();
  }
}

/** The name of an enum's value; one that a newer server made up is UNKNOWN_ and its number. */
export function enumName<T extends string>(names: Record<number, T>, number: number): T {
  return names[number] ?? (`UNKNOWN_${number}` as T);
}
