// What the bot answers. A command gets the client, the worker of the chat and what stands behind it.
import { addDays, dayOf, formatMoney } from 'aquifer';

const ZONE = 'Europe/Kyiv';
const today = () => dayOf(new Date(), ZONE);

const row = (name, { totalMinor, visits }) =>
  `${name}: ${formatMoney(totalMinor)} UAH, ${visits} visits`;

async function summary({ collections }, first, last) {
  const [total, devices] = await Promise.all([
    collections.getCollectionStatistics(first, last),
    collections.getTopDevices(first, last, 5),
  ]);
  if (total.lines === 0n) return `${first} to ${last}: nothing was collected.`;
  return [
    row(`${first} to ${last}`, total),
    ...devices.map((each) => row(each.deviceId, each)),
  ].join('\n');
}

async function history({ collections }, deviceId) {
  const lines = await collections.getCollectionDataByDevice(
    deviceId,
    addDays(today(), -365),
    today(),
  );
  if (lines.length === 0) return `Nothing was collected at ${deviceId} within a year.`;
  return lines
    .slice(0, 10)
    .map((line) => `${line.day}: ${formatMoney(line.totalMinor)} UAH`)
    .join('\n');
}

export const COMMANDS = {
  '/day': ({ aquifer, text }) => summary(aquifer, text || today(), text || today()),
  '/week': ({ aquifer }) => summary(aquifer, addDays(today(), -6), today()),
  '/month': ({ aquifer }) => summary(aquifer, `${today().slice(0, 8)}01`, today()),
  '/alerts': async ({ aquifer }) => {
    const alerts = await aquifer.maintenance.getMaintenanceAlerts();
    return (
      alerts.map(({ task }) => `#${task.id} ${task.details.title}`).join('\n') ||
      'Nothing is urgent.'
    );
  },
  '/history': async ({ aquifer, worker, text }) => {
    if (text) return history(aquifer, text);
    await aquifer.workers.updateDialogueStatus(worker.id, worker.dialogueState, 'history');
    return 'Which device?';
  },
  '/shift': async ({ aquifer, worker }) => {
    if (!worker.onShift) {
      await aquifer.workers.startShift(worker.id);
      return 'The shift has begun.';
    }
    const { duration } = await aquifer.workers.endShift(worker.id);
    return `The shift lasted ${Math.round(duration / 60_000)} minutes.`;
  },
};

/** What a text means that is no command: the answer to what the bot asked last. */
export async function continueDialogue({ aquifer, worker, text }) {
  if (worker.dialogueState !== 'history') return `I know ${Object.keys(COMMANDS).join(', ')}.`;
  await aquifer.workers.updateDialogueStatus(worker.id, 'history', '');
  return history(aquifer, text);
}
