// Civil days as texts: "2026-03-28" sorts, compares and serves as a key as it is.
import { invalidField } from './errors.js';

/** A civil day of the fleet's time zone, "2026-03-28". */
export type Day = string;

/** What may be given where a day is asked for. A Date is not: its day depends on a time zone. */
export type DayLike = Day | { year: number; month: number; day: number };

const PATTERN = /^(\d{4})-(\d{2})-(\d{2})$/;
// Days come in thousands of rows and are few.
const known = new Map<number, Day>();
const MOST_KNOWN = 10_000;

export function dayText(year: number, month: number, day: number): Day {
  const key = (year * 16 + month) * 32 + day;
  let text = known.get(key);
  if (text === undefined) {
    text = `${String(year).padStart(4, '0')}-${pad(month)}-${pad(day)}`;
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(key, text);
  }
  return text;
}

/** Year, month and day; whether there is such a day is for the server to say. */
export function dayParts(value: DayLike, field: string): [number, number, number] {
  if (typeof value === 'string') {
    const match = PATTERN.exec(value);
    if (match) return [Number(match[1]), Number(match[2]), Number(match[3])];
  } else if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    const { year, month, day } = value;
    if ([year, month, day].every(Number.isInteger)) return [year, month, day];
  }
  throw invalidField(field, 'must be a day such as "2026-03-28"');
}

/** The day so many days after another; before it if negative. */
export function addDays(day: DayLike, days: number): Day {
  const [year, month, date] = dayParts(day, 'day');
  const moved = new Date(Date.UTC(year, month - 1, date + days));
  return dayText(moved.getUTCFullYear(), moved.getUTCMonth() + 1, moved.getUTCDate());
}

/** The civil day of an instant in a time zone, such as "Europe/Kyiv". */
export function dayOf(at: Date, timeZone: string): Day {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).formatToParts(at);
  const part = (type: string) => Number(parts.find((each) => each.type === type)?.value);
  return dayText(part('year'), part('month'), part('day'));
}

function pad(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}
