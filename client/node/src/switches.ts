// Feature switches for moving callers over one repository at a time.
import { type Difference, differ } from './compare.js';

/** Who answers: the old code; the old code, while Aquifer is asked as well and compared; Aquifer. */
export type Mode = 'legacy' | 'shadow' | 'aquifer';

/** How one call compared in shadow mode. Its values may be personal data. */
export interface Comparison {
  repository: string;
  method: string;
  /** `different` also where one side failed and the other did not. */
  result: 'equal' | 'different';
  /** The first of them; `path` is empty where a side failed. */
  differences: Difference[];
  legacyMs: number;
  aquiferMs: number;
}

/** How the calls of a repository compared so far. */
export interface ComparisonCounts {
  equal: number;
  different: number;
  /** Not compared because too many comparisons were under way. */
  skipped: number;
}

export interface SwitchOptions {
  /** By repository; `legacy` where nothing is said. AQUIFER_SWITCH_NAME in the environment outranks it. */
  modes?: Record<string, Mode>;
  /** Gets every comparison that found a difference. What it throws is dropped. */
  onDifference?: (comparison: Comparison) => void;
  /** Gets every comparison. */
  onComparison?: (comparison: Comparison) => void;
  /** How many comparisons may be under way at once; 100 if not set. More are skipped. */
  maxComparisons?: number;
}

type AnyFunction = (...args: never[]) => unknown;
type MethodsOf<T> = { [K in keyof T as T[K] extends AnyFunction ? K : never]: T[K] };

/** The two sides of a repository. */
export interface Sides<L extends object> {
  legacy: L;
  /** The same methods over Aquifer, with answers in the legacy shape. One that is missing stays legacy. */
  aquifer: {
    [K in keyof MethodsOf<L>]?: MethodsOf<L>[K] extends (...args: infer A) => unknown
      ? (...args: A) => unknown
      : never;
  };
  /** Makes answers comparable: drops what may differ, such as ids and times of writing. */
  normalize?: { [K in keyof MethodsOf<L>]?: (answer: never) => unknown };
}

export class FeatureSwitches {
  private readonly modes = new Map<string, Mode>();
  private readonly counted = new Map<string, ComparisonCounts>();
  private readonly underWay = new Set<Promise<void>>();

  constructor(private readonly options: SwitchOptions = {}) {
    for (const [name, mode] of Object.entries(options.modes ?? {})) this.set(name, mode);
  }

  mode(repository: string): Mode {
    const fromEnvironment = process.env[`AQUIFER_SWITCH_${repository.toUpperCase()}`];
    return fromEnvironment ? checked(fromEnvironment) : (this.modes.get(repository) ?? 'legacy');
  }

  /** Takes effect with the next call. */
  set(repository: string, mode: Mode): void {
    this.modes.set(repository, checked(mode));
  }

  counts(repository: string): ComparisonCounts {
    return { ...this.countsOf(repository) };
  }

  /** Waits until no comparison is under way. */
  async settled(): Promise<void> {
    while (this.underWay.size > 0) await Promise.all(this.underWay);
  }

  /** The repository that callers hold: it looks like the legacy one and goes where the switch says. */
  repository<L extends object>(name: string, sides: Sides<L>): L {
    return new Proxy(sides.legacy, {
      get: (legacy, property) => {
        const own = Reflect.get(legacy, property, legacy) as unknown;
        if (typeof own !== 'function') return own;
        const other = (sides.aquifer as Record<PropertyKey, unknown>)[property];
        if (typeof other !== 'function') return own.bind(legacy) as unknown;
        return (...args: unknown[]) => {
          const callLegacy = () => own.apply(legacy, args) as unknown;
          const callAquifer = () => other.apply(sides.aquifer, args) as unknown;
          const mode = this.mode(name);
          if (mode === 'aquifer') return callAquifer();
          if (mode === 'legacy') return callLegacy();
          const normalize = (sides.normalize as Record<PropertyKey, unknown> | undefined)?.[
            property
          ];
          return this.shadow(
            name,
            String(property),
            callLegacy,
            callAquifer,
            normalize as Normalize | undefined,
          );
        };
      },
    });
  }

  /** Answers what the old code answers, when it answers; the comparison follows on its own. */
  private shadow(
    repository: string,
    method: string,
    callLegacy: () => unknown,
    callAquifer: () => unknown,
    normalize: Normalize = (answer) => answer,
  ): unknown {
    const legacy = timed(callLegacy);
    if (this.underWay.size >= (this.options.maxComparisons ?? 100)) {
      ++this.countsOf(repository).skipped;
    } else {
      const comparing = Promise.all([legacy.outcome, timed(callAquifer).outcome])
        .then(([old, now]) => this.report(compare(repository, method, old, now, normalize)))
        .catch(() => undefined)
        .finally(() => this.underWay.delete(comparing));
      this.underWay.add(comparing);
    }
    return legacy.answer();
  }

  private report(comparison: Comparison): void {
    ++this.countsOf(comparison.repository)[comparison.result];
    this.options.onComparison?.(comparison);
    if (comparison.result === 'different') this.options.onDifference?.(comparison);
  }

  private countsOf(repository: string): ComparisonCounts {
    let counts = this.counted.get(repository);
    if (!counts) this.counted.set(repository, (counts = { equal: 0, different: 0, skipped: 0 }));
    return counts;
  }
}

type Normalize = (answer: unknown) => unknown;
type Outcome = { value: unknown; ms: number } | { error: unknown; ms: number };

function checked(mode: string): Mode {
  if (mode === 'legacy' || mode === 'shadow' || mode === 'aquifer') return mode;
  throw new RangeError(`"${mode}" is no mode; legacy, shadow and aquifer are`);
}

/** Calls once; `answer` gives back what the call gave, be it a promise, a value or an exception. */
function timed(call: () => unknown): { answer: () => unknown; outcome: Promise<Outcome> } {
  const begin = performance.now();
  const ms = () => performance.now() - begin;
  try {
    const result = call();
    const outcome = Promise.resolve(result).then(
      (value): Outcome => ({ value, ms: ms() }),
      (error: unknown): Outcome => ({ error, ms: ms() }),
    );
    return { answer: () => result, outcome };
  } catch (error) {
    return {
      answer: () => {
        throw error;
      },
      outcome: Promise.resolve({ error, ms: ms() }),
    };
  }
}

function compare(
  repository: string,
  method: string,
  old: Outcome,
  now: Outcome,
  normalize: Normalize,
): Comparison {
  const differences: Difference[] = [];
  if ('error' in old || 'error' in now) {
    if (!('error' in old && 'error' in now)) {
      differences.push({ path: '', legacy: said(old), aquifer: said(now) });
    }
  } else {
    differ(normalize(old.value), normalize(now.value), '', differences);
  }
  return {
    repository,
    method,
    result: differences.length > 0 ? 'different' : 'equal',
    differences,
    legacyMs: old.ms,
    aquiferMs: now.ms,
  };
}

const said = (outcome: Outcome): unknown => ('error' in outcome ? outcome.error : outcome.value);
