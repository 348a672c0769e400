// Money is a whole number of kopiykas in a bigint. No float ever holds an amount.
import { invalidField } from './errors.js';

const DECIMAL = /^(0|[1-9]\d*)(?:\.(\d{1,2}))?$/;
const MOST_MINOR = 999_999_999_999n;

/**
 * Reads an amount in hryvnias: "1520", "1520.5" or "1520.50". Anything else is refused with
 * INVALID_FIELDS, never repaired: no sign, no spaces, no comma, no third decimal, no number.
 */
export function parseMoney(text: string): bigint {
  const match = typeof text === 'string' ? DECIMAL.exec(text) : null;
  const minor = match ? BigInt(match[1]! + (match[2] ?? '').padEnd(2, '0')) : -1n;
  if (minor < 0n || minor > MOST_MINOR) {
    throw invalidField('money', 'must be an amount such as "1520.50", below 10000000000');
  }
  return minor;
}

/** Writes an amount of kopiykas in hryvnias: 152050n is "1520.50". */
export function formatMoney(minor: bigint): string {
  if (typeof minor !== 'bigint') throw invalidField('money', 'must be a bigint of kopiykas');
  const sign = minor < 0n ? '-' : '';
  const digits = (minor < 0n ? -minor : minor).toString().padStart(3, '0');
  return `${sign}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
