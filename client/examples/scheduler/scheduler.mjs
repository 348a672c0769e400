// The daily fetch at 08:00 and the completeness check at 13:00, to be started by cron or a timer.
// Usage: scheduler.mjs fetch [DAY] | scheduler.mjs check [DAY]    (yesterday in Kyiv unless given)
// AQUIFER_URL and VENDOR_URL say where the two services are.
import { addDays, connect, dayOf } from 'aquifer';

import { Vendor } from './vendor.mjs';

const DEVICES_AT_ONCE = 4;
const DAYS_CHECKED = 30;

const aquifer = connect(process.env.AQUIFER_URL ?? '127.0.0.1:50051');
const vendor = new Vendor(process.env.VENDOR_URL ?? 'http://127.0.0.1:8080');

/** Stores a device's day, and in any case how the fetch of it ended. Tells how many lines there were. */
async function fetchDeviceDay(deviceId, day) {
  let reported;
  try {
    reported = await vendor.listLines(deviceId, day);
  } catch (error) {
    // "Failed" is not "empty": the check will fetch this one again.
    await aquifer.collections.saveFetchOutcome(deviceId, day, { error: String(error) });
    return { lines: 0, failed: 1 };
  }
  const lines = reported.map((line) => ({
    deviceId,
    wallTime: line.time,
    banknotesText: line.banknotes,
    coinsText: line.coins,
    cardId: line.card_id,
    note: line.description,
  }));
  if (lines.length > 0) {
    // A line that was stored before changes nothing, so all of this may be repeated at any time.
    const { counts } = await aquifer.collections.bulkInsertCollectionData(lines);
    if (counts.rejected > 0n) {
      await aquifer.collections.saveFetchOutcome(deviceId, day, {
        error: `${counts.rejected} lines rejected`,
      });
      return { lines: lines.length, failed: 1 };
    }
  }
  await aquifer.collections.saveFetchOutcome(deviceId, day, { lines: lines.length });
  return { lines: lines.length, failed: 0 };
}

/** Fetches device-days, a few at a time, until the lease is lost. */
async function fetchAll(deviceDays, signal) {
  const queue = [...deviceDays];
  const sum = { lines: 0, failed: 0 };
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      signal.throwIfAborted();
      const { lines, failed } = await fetchDeviceDay(next.deviceId, next.day);
      sum.lines += lines;
      sum.failed += failed;
    }
  };
  await Promise.all(Array.from({ length: DEVICES_AT_ONCE }, worker));
  return `${sum.lines} lines of ${deviceDays.length} device-days, ${sum.failed} failed`;
}

/** Runs once for a day, whoever else starts it and however often. */
async function runJob(job, day, work) {
  const { outcome, run } = await aquifer.jobs.runOnce(job, day, work);
  if (outcome === 'done') console.log(`${job} ${day}: ${run.result}`);
  if (outcome === 'alreadyDone') console.log(`${job} ${day}: was done before: ${run.result}`);
  if (outcome === 'held') console.log(`${job} ${day}: ${run.holder} is at it`);
}

const [command, given] = process.argv.slice(2);
const day = given ?? addDays(dayOf(new Date(), 'Europe/Kyiv'), -1);
try {
  if (command === 'fetch') {
    await runJob('daily-fetch', day, async ({ signal }) => {
      const devices = await vendor.listDevices();
      return fetchAll(
        devices.map((deviceId) => ({ deviceId, day })),
        signal,
      );
    });
  } else if (command === 'check') {
    await runJob('completeness-check', day, async ({ signal }) => {
      const states = ['FETCH_STATE_NEVER', 'FETCH_STATE_FAILED'];
      return fetchAll(
        await aquifer.collections.findMissing(addDays(day, 1 - DAYS_CHECKED), day, states),
        signal,
      );
    });
  } else {
    console.error('usage: scheduler.mjs fetch|check [DAY]');
    process.exitCode = 2;
  }
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
} finally {
  await aquifer.close();
}
