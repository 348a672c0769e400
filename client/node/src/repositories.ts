// The repositories by the names the bot's own had, for code that moves over with few changes.
import { Api } from './api.js';
import { CollectionRepository } from './collection_repository.js';
import { JobRunner } from './job_runner.js';
import { MaintenanceRepository } from './maintenance_repository.js';
import type { Caller } from './method.js';
import { WorkerRepository } from './worker_repository.js';

/** What a caller works with: the bot's repositories, and the API beneath them. */
export class Repositories {
  /** One method for each RPC. */
  readonly api: Api;
  readonly collections: CollectionRepository;
  readonly workers: WorkerRepository;
  readonly maintenance: MaintenanceRepository;
  readonly jobs: JobRunner;

  constructor(caller: Caller) {
    this.api = new Api(caller);
    this.collections = new CollectionRepository(this.api, caller);
    this.workers = new WorkerRepository(this.api);
    this.maintenance = new MaintenanceRepository(this.api);
    this.jobs = new JobRunner(this.api);
  }
}
