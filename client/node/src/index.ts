/** Client of Aquifer: see README.md. */
export { Aquifer, type ConnectOptions, type SafeOptions, connect } from './client.js';
export { Api } from './api.js';
export * from './generated/api.js';
export * from './generated/types.js';
export { CollectionRepository } from './collection_repository.js';
export type { SavedCollection } from './collection_saver.js';
export { WorkerRepository } from './worker_repository.js';
export { MaintenanceRepository } from './maintenance_repository.js';
export {
  type BroadcastOptions,
  type BroadcastResult,
  JobRunner,
  type Lease,
  type RunOptions,
  type RunOutcome,
} from './job_runner.js';
export { Repositories } from './repositories.js';
export { AquiferError, type Code, type ErrorFacts, type FieldProblem } from './errors.js';
export type { AquiferEvents, HeldWrite } from './events.js';
export type { TlsOptions } from './transport.js';
export { Instant, type InstantLike } from './instant.js';
export { type Day, type DayLike, addDays, dayOf } from './day.js';
export { formatMoney, parseMoney } from './money.js';
export type { CallOptions } from './method.js';
export type { Difference } from './compare.js';
export type { OutboxOptions, OutboxStats } from './outbox.js';
export type { IntLike } from './writer.js';
export {
  type Comparison,
  type ComparisonCounts,
  FeatureSwitches,
  type Mode,
  type Sides,
  type SwitchOptions,
} from './switches.js';
export {
  type FakeAquifer,
  type FakeCall,
  type FakeHandlers,
  type MethodName,
  fakeAquifer,
} from './fake.js';
