// The lines the database is filled with; caller/history.h knows the same.
export const FIRST_SECOND = 1748736000; // 2025-06-01 00:00:00 UTC
export const STEP_SECONDS = 26;
export const DAY_SECONDS = 86400;
export const DEVICES = 10000;
export const RANGE_LINES = 100;

export const deviceOf = (n) => String((n * 7919) % DEVICES);
export const secondOf = (n) => FIRST_SECOND + n * STEP_SECONDS;
export const banknotesOf = (n) => n % 5000;

// A whole number, `least` to `most`.
export const random = (least, most) => least + Math.floor(Math.random() * (most - least + 1));
