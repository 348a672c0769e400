// The typed API of every service, over any caller.
import {
  AdminApi,
  CollectionApi,
  JobApi,
  MaintenanceApi,
  TransactionApi,
  WorkerApi,
} from './generated/api.js';
import type { Caller } from './method.js';

/** One method for each RPC, with its own request and answer; proto/REFERENCE.md describes them. */
export class Api {
  readonly collections: CollectionApi;
  readonly workers: WorkerApi;
  readonly maintenance: MaintenanceApi;
  readonly jobs: JobApi;
  readonly transactions: TransactionApi;
  readonly admin: AdminApi;

  constructor(caller: Caller) {
    this.collections = new CollectionApi(caller);
    this.workers = new WorkerApi(caller);
    this.maintenance = new MaintenanceApi(caller);
    this.jobs = new JobApi(caller);
    this.transactions = new TransactionApi(caller);
    this.admin = new AdminApi(caller);
  }
}
