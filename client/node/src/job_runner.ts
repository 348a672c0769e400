// Runs a job once a key, however many processes try, are killed and start again.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

import type { Api } from './api.js';
import { present } from './collection_repository.js';
import { AquiferError } from './errors.js';
import type { JobRun, UndeliveredRecipient } from './generated/types.js';
import { collect } from './pages.js';

export interface RunOptions {
  /** Who runs it, for others to see; host name and process id if not set. */
  holder?: string;
  /** How long the lease lasts unless renewed, which happens three times as often; 60 seconds if not set. */
  leaseMs?: number;
}

/** The lease of a run, while its work goes on. */
export interface Lease {
  readonly job: string;
  readonly key: string;
  readonly token: string;
  /** From 1; grows when a run that failed or died is begun again. */
  readonly attempt: number;
  /** Aborts when the lease is lost: stop working then. */
  readonly signal: AbortSignal;
}

/** What asking for a run came to. */
export type RunOutcome =
  | { outcome: 'done'; run: JobRun }
  | { outcome: 'alreadyDone'; run: JobRun }
  | { outcome: 'held'; run: JobRun };

export interface BroadcastOptions {
  /** Who is to be reached, where that is not the recipients of summaries. */
  chatIds?: readonly (bigint | number | string)[];
  /** Also those whom an earlier lease claimed and never reported: they may get it twice. */
  resendInDoubt?: boolean;
}

/** How a broadcast went. */
export interface BroadcastResult {
  sent: number;
  failed: number;
  /** Claimed by another lease in the meantime. */
  skipped: number;
}

export class JobRunner {
  constructor(private readonly api: Api) {}

  /**
   * Does `work` if nobody did it for this key, and records how it ended. Its text is kept as the
   * result; if it throws, the run failed and may be begun again, and the error goes on to the caller.
   */
  async runOnce(
    job: string,
    key: string,
    work: (lease: Lease) => Promise<string | void>,
    { holder = `${hostname()}-${process.pid}`, leaseMs = 60_000 }: RunOptions = {},
  ): Promise<RunOutcome> {
    const token = randomUUID();
    const begun = await this.api.jobs.beginJobRun({ job, key, holder, leaseMs, leaseToken: token });
    const run = present(begun.run, 'run');
    if (begun.outcome !== 'BEGIN_OUTCOME_ACQUIRED') {
      return { outcome: begun.outcome === 'BEGIN_OUTCOME_HELD' ? 'held' : 'alreadyDone', run };
    }
    const lost = new AbortController();
    const renewing = setInterval(
      () => void this.renew(job, key, token, leaseMs, lost),
      leaseMs / 3,
    );
    let result: string;
    try {
      result = (await work({ job, key, token, attempt: run.attempt, signal: lost.signal })) ?? '';
    } catch (error) {
      // Whoever took the lease over decides how the run ends.
      await this.finish(job, key, token, 'JOB_RUN_STATE_FAILED', String(error)).catch(
        () => undefined,
      );
      throw error;
    } finally {
      clearInterval(renewing);
    }
    return {
      outcome: 'done',
      run: await this.finish(job, key, token, 'JOB_RUN_STATE_SUCCEEDED', result),
    };
  }

  /**
   * Sends to everybody whom the run has still to reach, each once: a chat is claimed before it is sent
   * to, and reported after. A chat where `send` throws stays to be reached, and the others go on.
   */
  async broadcast(
    lease: Lease,
    send: (recipient: UndeliveredRecipient) => Promise<void>,
    { chatIds = [], resendInDoubt = false }: BroadcastOptions = {},
  ): Promise<BroadcastResult> {
    const { job, key, token: leaseToken } = lease;
    const result = { sent: 0, failed: 0, skipped: 0 };
    const recipients = await collect(
      this.api.jobs.listUndeliveredAll({ job, key, chatIds, resendInDoubt, pageSize: 1000 }),
    );
    for (const recipient of recipients) {
      lease.signal.throwIfAborted();
      const record = (state: 'CLAIMED' | 'SENT' | 'FAILED', error = '') =>
        this.api.jobs.recordDelivery({
          job,
          key,
          leaseToken,
          chatId: recipient.chatId,
          state: `DELIVERY_STATE_${state}`,
          error: error.slice(0, 500),
          resendInDoubt: state === 'CLAIMED' && resendInDoubt,
        });
      if (!(await record('CLAIMED')).maySend) {
        ++result.skipped;
        continue;
      }
      const failure = await send(recipient).then(
        () => undefined,
        (error: unknown) => String(error) || 'it failed',
      );
      await record(failure === undefined ? 'SENT' : 'FAILED', failure);
      ++result[failure === undefined ? 'sent' : 'failed'];
    }
    return result;
  }

  private async renew(
    job: string,
    key: string,
    leaseToken: string,
    leaseMs: number,
    lost: AbortController,
  ) {
    try {
      await this.api.jobs.renewJobRun({ job, key, leaseToken, leaseMs });
    } catch (error) {
      // Out of reach is no loss yet: the lease serves until somebody takes it over.
      if (
        error instanceof AquiferError &&
        error.fromServer &&
        error.code === 'FAILED_PRECONDITION'
      ) {
        lost.abort(error);
      }
    }
  }

  private async finish(
    job: string,
    key: string,
    leaseToken: string,
    outcome: 'JOB_RUN_STATE_SUCCEEDED' | 'JOB_RUN_STATE_FAILED',
    result: string,
  ): Promise<JobRun> {
    const answer = await this.api.jobs.finishJobRun({
      job,
      key,
      leaseToken,
      outcome,
      result: result.slice(0, 4000),
    });
    return present(answer.run, 'run');
  }
}
