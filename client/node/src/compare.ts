// Where two answers differ, taking what means the same for the same.

/** A place where two answers differ. */
export interface Difference {
  /** Such as `[3].total`; empty for the whole. */
  path: string;
  legacy: unknown;
  aquifer: unknown;
}

const MOST_DIFFERENCES = 20;

/** Finds where two values differ; 5n, 5 and "5" are one number, a Date and its RFC 3339 text one instant. */
export function differ(legacy: unknown, aquifer: unknown, path: string, found: Difference[]): void {
  if (found.length >= MOST_DIFFERENCES) return;
  if (isPlain(legacy) && isPlain(aquifer)) {
    const keys = new Set([...Object.keys(legacy), ...Object.keys(aquifer)]);
    for (const key of keys)
      differ(legacy[key], aquifer[key], path === '' ? key : `${path}.${key}`, found);
  } else if (Array.isArray(legacy) && Array.isArray(aquifer)) {
    if (legacy.length !== aquifer.length) {
      found.push({ path: `${path}.length`, legacy: legacy.length, aquifer: aquifer.length });
    }
    const both = Math.min(legacy.length, aquifer.length);
    for (let i = 0; i < both; ++i) differ(legacy[i], aquifer[i], `${path}[${i}]`, found);
  } else if (canonical(legacy) !== canonical(aquifer)) {
    found.push({ path, legacy, aquifer });
  }
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function canonical(value: unknown): unknown {
  if (value === null) return undefined;
  if (typeof value === 'bigint' || typeof value === 'number') return String(value);
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (typeof value !== 'object') return value;
  const json = JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'bigint' ? String(inner) : inner,
  );
  // An instant's text may have fewer decimals than a Date's.
  const text = json.startsWith('"') ? (JSON.parse(json) as string) : json;
  return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text) && /(:\d\d|\.\d{1,3})Z$/.test(text)
    ? new Date(text).toISOString()
    : text;
}
