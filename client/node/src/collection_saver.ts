// Joins the saves that callers ask for at the same time into one call, as the server joins those of
// many processes. A save that comes alone goes at once and alone, so that nobody waits for company.
import { AquiferError } from './errors.js';
import { encodeCollectionLine } from './generated/codec.js';
import {
  collectionRepository_recordCollection,
  collectionRepository_recordCollections,
} from './generated/methods.js';
import type {
  CollectionLineInput,
  LineRejection,
  RecordCollectionResponse,
  RecordCollectionsResponse,
  RecordOutcome,
} from './generated/types.js';
import type { CallOptions, Caller, Method } from './method.js';
import { Writer } from './writer.js';

/** What saving a line did. */
export interface SavedCollection {
  outcome: RecordOutcome;
  /** The stored line's id and version; 0 where both amounts are zero and nothing is stored. */
  id: bigint;
  version: bigint;
}

interface Save {
  line: Buffer;
  resolve: (saved: SavedCollection) => void;
  reject: (error: unknown) => void;
}

const MOST_LINES = 500;
const MOST_BYTES = 1024 * 1024;
// While so many are under way, saves gather for the next, but not for longer than this: calls that
// hang must hold nobody else.
const MOST_CALLS = 4;
const MOST_GATHER_MS = 50;
// The field `line` of one request, and `lines` of the other.
const LINE_TAG = 10;

// The two methods with lines that are encoded already.
const one: Method<Buffer, RecordCollectionResponse> = {
  ...collectionRepository_recordCollection,
  encode: (w, line) => w.uint32(LINE_TAG).bytes(line),
} as Method<Buffer, RecordCollectionResponse>;
const many: Method<readonly Save[], RecordCollectionsResponse> = {
  ...collectionRepository_recordCollections,
  // Somebody waits for each of them.
  deadlineMs: one.deadlineMs,
  encode: (w, saves) => saves.forEach(({ line }) => w.uint32(LINE_TAG).bytes(line)),
} as Method<readonly Save[], RecordCollectionsResponse>;

export class CollectionSaver {
  private readonly writer = new Writer();
  private waiting: Save[] = [];
  private underWay = 0;
  private scheduled = false;
  private gathering: NodeJS.Timeout | undefined;

  constructor(private readonly caller: Caller) {}

  /** Stores a line; a call with options of its own goes alone. */
  async save(given: CollectionLineInput, options?: CallOptions): Promise<SavedCollection> {
    const line = this.encode(given);
    if (options) return this.alone(line, options);
    return new Promise((resolve, reject) => {
      this.waiting.push({ line, resolve, reject });
      this.schedule();
    });
  }

  /** A line that cannot be encoded fails here and spoils no other. */
  private encode(line: CollectionLineInput): Buffer {
    this.writer.reset();
    try {
      encodeCollectionLine(this.writer, line);
    } catch (error) {
      if (error instanceof AquiferError) error.method = one.name;
      throw error;
    }
    return this.writer.finish();
  }

  private async alone(line: Buffer, options?: CallOptions): Promise<SavedCollection> {
    const { outcome, collection } = await this.caller.unary(one, line, options);
    return { outcome, id: collection?.id ?? 0n, version: collection?.version ?? 0n };
  }

  /** Sends when everybody who is awake now has asked. */
  private schedule(): void {
    if (this.underWay >= MOST_CALLS) {
      this.gathering ??= setTimeout(() => this.sendWaiting(Infinity), MOST_GATHER_MS);
    } else if (!this.scheduled) {
      this.scheduled = true;
      process.nextTick(() => this.sendWaiting(MOST_CALLS));
    }
  }

  private sendWaiting(mostCalls: number): void {
    this.scheduled = false;
    clearTimeout(this.gathering);
    this.gathering = undefined;
    while (this.waiting.length > 0 && this.underWay < mostCalls) void this.send(this.next());
    if (this.waiting.length > 0) this.schedule();
  }

  private next(): Save[] {
    let count = 0;
    for (let bytes = 0; count < this.waiting.length && count < MOST_LINES; ++count) {
      bytes += this.waiting[count]!.line.length;
      if (count > 0 && bytes > MOST_BYTES) break;
    }
    return this.waiting.splice(0, count);
  }

  private async send(saves: Save[]): Promise<void> {
    ++this.underWay;
    try {
      const [first] = saves;
      if (saves.length === 1) first!.resolve(await this.alone(first!.line));
      else settle(saves, await this.caller.unary(many, saves));
    } catch (error) {
      for (const { reject } of saves) reject(error);
    } finally {
      --this.underWay;
      if (this.waiting.length > 0) this.schedule();
    }
  }
}

function settle(saves: readonly Save[], { results }: RecordCollectionsResponse): void {
  saves.forEach(({ resolve, reject }, i) => {
    const result = results[i];
    if (!result)
      reject(new AquiferError({ code: 'INTERNAL', message: 'the answer lacks a result' }));
    else if (result.rejection) reject(rejected(result.rejection));
    else resolve({ outcome: result.outcome, id: result.id, version: result.version });
  });
}

/** The error of an element that was rejected alone, as if it had been the whole request. */
export function rejected({ problems }: LineRejection): AquiferError {
  const fields = problems.map(({ field, description }) => ({
    field: field.replace(/^lines\[\d+\]/, 'line'),
    description,
  }));
  const error = new AquiferError({
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_FIELDS',
    message: fields.map(({ field, description }) => `${field} ${description}`).join('; '),
    fields,
    fromServer: true,
  });
  error.method = one.name;
  error.attempts = 1;
  return error;
}
