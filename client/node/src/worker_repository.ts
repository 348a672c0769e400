import type { Api } from './api.js';
import { present } from './collection_repository.js';
import { type DayLike, addDays, dayOf } from './day.js';
import { AquiferError } from './errors.js';
import type {
  EndShiftResponse,
  GetWorkerStatisticsResponse,
  InactiveCollector,
  PlaceInput,
  SetWorkersActiveResponse,
  StartShiftResponse,
  SummaryRecipient,
  Worker,
  WorkerFieldsInput,
  WorkPoint,
} from './generated/types.js';
import type { CallOptions } from './method.js';
import { collect } from './pages.js';
import type { IntLike } from './writer.js';

const PAGE = 1000;

/** The people who collect. Ids and chat ids are given as bigint, text or exact number, and come as bigint. */
export class WorkerRepository {
  constructor(private readonly api: Api) {}

  /** Registers the worker of a chat; the one who is registered already comes back unchanged. */
  async createWorker(
    worker: { chatId: IntLike; name: string; phone?: string; receivesSummaries?: boolean },
    options?: CallOptions,
  ): Promise<Worker> {
    const { chatId, ...details } = worker;
    const answer = await this.api.workers.registerWorker({ chatId, worker: details }, options);
    return present(answer.worker, 'worker');
  }

  /** The worker of a chat; undefined if it has none. */
  getWorkerByChatId(chatId: IntLike, options?: CallOptions): Promise<Worker | undefined> {
    return found(this.api.workers.getWorker({ chatId }, options).then(({ worker }) => worker));
  }

  /** A worker; undefined if there is none. */
  getWorkerById(id: IntLike, options?: CallOptions): Promise<Worker | undefined> {
    return found(this.api.workers.getWorker({ id }, options).then(({ worker }) => worker));
  }

  /** The first worker of exactly this name; undefined if there is none. */
  async getWorkerByName(name: string, options?: CallOptions): Promise<Worker | undefined> {
    for await (const worker of this.api.workers.listWorkersAll(
      { filter: { search: name }, pageSize: PAGE },
      options,
    )) {
      if (worker.name === name) return worker;
    }
    return undefined;
  }

  /** Everybody who was not deleted. */
  getAllWorkers(options?: CallOptions): Promise<Worker[]> {
    return collect(this.api.workers.listWorkersAll({ pageSize: PAGE }, options));
  }

  /** Everybody employed. */
  getActiveWorkers(options?: CallOptions): Promise<Worker[]> {
    return collect(
      this.api.workers.listWorkersAll({ filter: { employed: true }, pageSize: PAGE }, options),
    );
  }

  /** Those with this text in name or phone. */
  searchWorkers(
    text: string,
    { activeOnly = false, limit = 50 }: { activeOnly?: boolean; limit?: number } = {},
    options?: CallOptions,
  ): Promise<Worker[]> {
    const filter = { search: text, ...(activeOnly ? { employed: true } : {}) };
    return this.api.workers
      .listWorkers({ filter, pageSize: limit }, options)
      .then(({ workers }) => workers);
  }

  /** Who receives summaries. */
  getSummaryRecipients(options?: CallOptions): Promise<SummaryRecipient[]> {
    return collect(this.api.workers.listSummaryRecipientsAll({ pageSize: PAGE }, options));
  }

  /** Changes what is given of a worker, as it was just read; null clears. STALE_VERSION if another was faster. */
  async updateWorker(
    worker: Pick<Worker, 'id' | 'version'>,
    changes: { [K in keyof WorkerFieldsInput]?: WorkerFieldsInput[K] | null },
    options?: CallOptions,
  ): Promise<Worker> {
    const request = { id: worker.id, version: worker.version, worker: changes };
    return present((await this.api.workers.updateWorker(request, options)).worker, 'worker');
  }

  /** Employs workers, or ends it; says who changed, who was so before and who is missing. */
  bulkUpdateWorkerStatus(
    workerIds: readonly IntLike[],
    employed: boolean,
    options?: CallOptions,
  ): Promise<SetWorkersActiveResponse> {
    return this.api.workers.setWorkersActive({ workerIds, employed }, options);
  }

  setWorkerActive(
    workerId: IntLike,
    employed: boolean,
    options?: CallOptions,
  ): Promise<SetWorkersActiveResponse> {
    return this.bulkUpdateWorkerStatus([workerId], employed, options);
  }

  /** Sets where a conversation stands, if it still stands where the caller saw it; else DIALOGUE_STATE_CHANGED. */
  async updateDialogueStatus(
    workerId: IntLike,
    expectedState: string,
    newState: string,
    options?: CallOptions,
  ): Promise<Worker> {
    const request = { workerId, expectedState, newState };
    return present((await this.api.workers.setDialogueState(request, options)).worker, 'worker');
  }

  /** Marks a worker deleted; the history stays, and registering the chat again brings them back. */
  async deleteWorker(
    worker: Pick<Worker, 'id' | 'version'>,
    options?: CallOptions,
  ): Promise<Worker> {
    const request = { id: worker.id, version: worker.version };
    return present((await this.api.workers.deleteWorker(request, options)).worker, 'worker');
  }

  startShift(
    workerId: IntLike,
    place?: PlaceInput,
    options?: CallOptions,
  ): Promise<StartShiftResponse> {
    return this.api.workers.startShift({ workerId, place }, options);
  }

  endShift(
    workerId: IntLike,
    place?: PlaceInput,
    options?: CallOptions,
  ): Promise<EndShiftResponse> {
    return this.api.workers.endShift({ workerId, place }, options);
  }

  /** Records where a worker on shift is: now, by the server's clock, unless it is said when. */
  async addWorkPoint(
    workerId: IntLike,
    point: { deviceId?: string; place?: PlaceInput; recordedAt?: Date },
    options?: CallOptions,
  ): Promise<WorkPoint> {
    const type = point.deviceId
      ? ('WORK_POINT_TYPE_DEVICE' as const)
      : ('WORK_POINT_TYPE_WAYPOINT' as const);
    const request = { workerId, type, ...point };
    return present((await this.api.workers.recordWorkPoint(request, options)).point, 'point');
  }

  /** What a worker did on some days. */
  getWorkerStatistics(
    workerId: IntLike,
    first: DayLike,
    last: DayLike,
    options?: CallOptions,
  ): Promise<GetWorkerStatisticsResponse> {
    return this.api.workers.getWorkerStatistics({ workerId, days: { first, last } }, options);
  }

  /** Employed workers without a collection for so many days of the time zone. */
  getInactiveCollectors(
    days = 7,
    { timeZone = 'Europe/Kyiv', now = new Date() }: { timeZone?: string; now?: Date } = {},
    options?: CallOptions,
  ): Promise<InactiveCollector[]> {
    const since = addDays(dayOf(now, timeZone), -days);
    return collect(this.api.workers.listInactiveCollectorsAll({ since, pageSize: PAGE }, options));
  }

  /** The devices a worker looks after. */
  async getAssignedDevices(workerId: IntLike, options?: CallOptions): Promise<string[]> {
    const all = await collect(
      this.api.workers.listAssignedDevicesAll({ workerId, pageSize: PAGE }, options),
    );
    return all.map(({ deviceId }) => deviceId);
  }

  /** Makes these the devices a worker looks after, and no others. */
  async setAssignedDevices(
    workerId: IntLike,
    deviceIds: readonly string[],
    options?: CallOptions,
  ): Promise<void> {
    await this.api.workers.setAssignedDevices({ workerId, deviceIds }, options);
  }
}

/** "Not there" is an answer; every other error stays one, so that away is never taken for empty. */
export function found<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch((error: unknown) => {
    if (error instanceof AquiferError && error.code === 'NOT_FOUND' && error.fromServer)
      return undefined;
    throw error;
  });
}
