import type { Api } from './api.js';
import { CollectionSaver, type SavedCollection, rejected } from './collection_saver.js';
import { type DayLike } from './day.js';
import { AquiferError } from './errors.js';
import type {
  Collection,
  CollectionFilterInput,
  CollectionLineInput,
  CollectionSummary,
  DayAvailability,
  FetchState,
  ImportCollectionsResponse,
  MissingDeviceDay,
  RecordCollectionsResponse,
  SummarizeCollectionsResponse,
} from './generated/types.js';
import type { CallOptions, Caller } from './method.js';
import { collect } from './pages.js';

const PAGE = 1000;
const LINES_A_MESSAGE = 500;

/** The money taken out of machines. Amounts are kopiykas in bigints; days are civil days of the fleet. */
export class CollectionRepository {
  private readonly saver: CollectionSaver;

  constructor(
    private readonly api: Api,
    caller: Caller,
  ) {
    this.saver = new CollectionSaver(caller);
  }

  /**
   * Stores a line, once however often it comes; amounts may be raised by it, never lowered. Lines that
   * are saved at the same time go in one call, each with its own answer.
   */
  saveCollectionData(line: CollectionLineInput, options?: CallOptions): Promise<SavedCollection> {
    return this.saver.save(line, options);
  }

  /** Stores up to 1000 lines together; a bad one is rejected in its own result. */
  bulkInsertCollectionData(
    lines: readonly CollectionLineInput[],
    options?: CallOptions,
  ): Promise<RecordCollectionsResponse> {
    return this.api.collections.recordCollections({ lines }, options);
  }

  /** Stores any number of lines, as fast as they come. After a failure all may be sent again. */
  importCollectionData(
    lines: AsyncIterable<CollectionLineInput> | Iterable<CollectionLineInput>,
    options?: CallOptions,
  ): Promise<ImportCollectionsResponse> {
    return this.api.collections.importCollections(messages(lines), options);
  }

  /** Every line of these days, both included, newest first. */
  getCollectionDataByDateRange(
    first: DayLike,
    last: DayLike,
    options?: CallOptions,
  ): Promise<Collection[]> {
    return this.all({ days: { first, last } }, options);
  }

  /** Every line of a device on these days, newest first. */
  getCollectionDataByDevice(
    deviceId: string | number,
    first: DayLike,
    last: DayLike,
    options?: CallOptions,
  ): Promise<Collection[]> {
    return this.all({ days: { first, last }, deviceIds: [String(deviceId)] }, options);
  }

  /** Every line with a collector's text on these days, newest first. */
  getCollectionDataByCollector(
    collector: string,
    first: DayLike,
    last: DayLike,
    options?: CallOptions,
  ): Promise<Collection[]> {
    return this.all({ days: { first, last }, collectors: [collector] }, options);
  }

  /** The sums of a day by device. */
  getCollectionSummaryByDate(day: DayLike, options?: CallOptions): Promise<CollectionSummary[]> {
    return this.getCollectionSummary(day, day, 'GROUPING_DEVICE', options);
  }

  /** The sums of some days by device, collector, day, week or month. */
  async getCollectionSummary(
    first: DayLike,
    last: DayLike,
    by:
      | 'GROUPING_DEVICE'
      | 'GROUPING_COLLECTOR'
      | 'GROUPING_DAY'
      | 'GROUPING_WEEK'
      | 'GROUPING_MONTH',
    options?: CallOptions,
  ): Promise<CollectionSummary[]> {
    const answer = await this.summarize(
      { filter: { days: { first, last } }, groupBy: [by], limit: 10_000 },
      options,
    );
    return answer.groups;
  }

  /** The devices with the greatest totals of some days. */
  async getTopDevices(
    first: DayLike,
    last: DayLike,
    count = 10,
    options?: CallOptions,
  ): Promise<CollectionSummary[]> {
    const answer = await this.summarize(
      {
        filter: { days: { first, last } },
        groupBy: ['GROUPING_DEVICE'],
        order: 'SUMMARY_ORDER_TOTAL',
        limit: count,
      },
      options,
    );
    return answer.groups;
  }

  /** The sums of some days as one. */
  async getCollectionStatistics(
    first: DayLike,
    last: DayLike,
    options?: CallOptions,
  ): Promise<CollectionSummary> {
    const { total } = await this.summarize({ filter: { days: { first, last } } }, options);
    return present(total, 'total');
  }

  private summarize(
    request: Parameters<Api['collections']['summarizeCollections']>[0],
    options?: CallOptions,
  ): Promise<SummarizeCollectionsResponse> {
    return this.api.collections.summarizeCollections(request, options);
  }

  /** Whether a device has lines on a day. That is no evidence of a complete fetch; see findMissing. */
  async checkDataExists(
    deviceId: string | number,
    day: DayLike,
    options?: CallOptions,
  ): Promise<boolean> {
    const request = { deviceId: String(deviceId), day };
    return (await this.api.collections.checkCollectionExists(request, options)).exists;
  }

  /** What there is of each of these days, and how its fetches ended. */
  async getDataAvailability(
    first: DayLike,
    last: DayLike,
    options?: CallOptions,
  ): Promise<DayAvailability[]> {
    return (await this.api.collections.getDataAvailability({ days: { first, last } }, options))
      .days;
  }

  /** Notes how the fetch of a device's day ended: with so many lines, or with an error. */
  async saveFetchOutcome(
    deviceId: string | number,
    day: DayLike,
    outcome: { lines: number } | { error: string },
    options?: CallOptions,
  ): Promise<void> {
    const { results } = await this.api.collections.recordFetchOutcomes(
      { outcomes: [{ deviceId: String(deviceId), day, ...fetchState(outcome) }] },
      options,
    );
    const rejection = results[0]?.rejection;
    if (rejection) throw rejected(rejection);
  }

  /** The device-days that were never fetched, failed or, unless left out, came back empty. */
  findMissing(
    first: DayLike,
    last: DayLike,
    states: readonly FetchState[] = [],
    options?: CallOptions,
  ): Promise<MissingDeviceDay[]> {
    const request = { days: { first, last }, states, pageSize: PAGE };
    return collect(this.api.collections.findMissingAll(request, options));
  }

  /** Which of these devices were never fetched, or not with success, on a day. */
  async getDevicesWithMissingData(
    day: DayLike,
    deviceIds: readonly (string | number)[],
    options?: CallOptions,
  ): Promise<string[]> {
    if (deviceIds.length === 0) return [];
    const request = {
      days: { first: day, last: day },
      deviceIds: deviceIds.map(String),
      states: ['FETCH_STATE_NEVER', 'FETCH_STATE_FAILED'] as const,
      pageSize: PAGE,
    };
    const missing = await collect(this.api.collections.findMissingAll(request, options));
    return missing.map(({ deviceId }) => deviceId);
  }

  /** The newest lines. */
  async getRecentCollectionActivity(limit = 50, options?: CallOptions): Promise<Collection[]> {
    return (await this.api.collections.listCollections({ pageSize: limit }, options)).collections;
  }

  private all(filter: CollectionFilterInput, options?: CallOptions): Promise<Collection[]> {
    return collect(this.api.collections.listCollectionsAll({ filter, pageSize: PAGE }, options));
  }
}

function fetchState(outcome: { lines: number } | { error: string }) {
  if ('error' in outcome) return { state: 'FETCH_STATE_FAILED' as const, error: outcome.error };
  const state = outcome.lines > 0 ? ('FETCH_STATE_OK' as const) : ('FETCH_STATE_EMPTY' as const);
  return { state, lines: outcome.lines };
}

async function* messages(
  lines: AsyncIterable<CollectionLineInput> | Iterable<CollectionLineInput>,
) {
  let message: CollectionLineInput[] = [];
  for await (const line of lines) {
    message.push(line);
    if (message.length === LINES_A_MESSAGE) {
      yield { lines: message };
      message = [];
    }
  }
  if (message.length > 0) yield { lines: message };
}

/** A message that an answer always has. */
export function present<T>(message: T | undefined, name: string): T {
  if (message !== undefined) return message;
  throw new AquiferError({ code: 'INTERNAL', message: `the answer lacks ${name}` });
}
