import type { Api } from './api.js';
import { present } from './collection_repository.js';
import type {
  Alert,
  CountTasksResponse,
  Machine,
  MachineDetailsInput,
  MachineEntryInput,
  MaintenanceTask,
  MaintenanceTask as Task,
  TaskDetailsInput,
  TaskFilterInput,
  TaskStatus,
  Technician,
  TechnicianDetailsInput,
  TransitionTaskResponse,
  UpsertMachinesResponse,
  WaterQualityReadingInput,
  WaterQualityTest,
} from './generated/types.js';
import type { InstantLike } from './instant.js';
import type { CallOptions } from './method.js';
import { collect } from './pages.js';
import type { IntLike } from './writer.js';
import { found } from './worker_repository.js';

const PAGE = 1000;

type Changes<T> = { [K in keyof T]?: T[K] | null };

/** Tasks, machines, technicians and tests of the water. */
export class MaintenanceRepository {
  constructor(private readonly api: Api) {}

  async createMaintenanceTask(
    details: TaskDetailsInput,
    { technicianId }: { technicianId?: IntLike } = {},
    options?: CallOptions,
  ): Promise<Task> {
    return present(
      (await this.api.maintenance.createTask({ details, technicianId }, options)).task,
      'task',
    );
  }

  /** A task; undefined if there is none. */
  getMaintenanceTaskById(id: IntLike, options?: CallOptions): Promise<Task | undefined> {
    return found(this.api.maintenance.getTask({ id }, options).then(({ task }) => task));
  }

  /** Every task the filter selects; all of them without one. */
  getAllMaintenanceTasks(filter: TaskFilterInput = {}, options?: CallOptions): Promise<Task[]> {
    return collect(this.api.maintenance.listTasksAll({ filter, pageSize: PAGE }, options));
  }

  getMaintenanceTasksByStatus(status: TaskStatus, options?: CallOptions): Promise<Task[]> {
    return this.getAllMaintenanceTasks({ statuses: [status] }, options);
  }

  getMaintenanceTasksByTechnician(technicianId: IntLike, options?: CallOptions): Promise<Task[]> {
    return this.getAllMaintenanceTasks({ technicianIds: [technicianId] }, options);
  }

  getMaintenanceTasksByMachine(deviceId: string, options?: CallOptions): Promise<Task[]> {
    return this.getAllMaintenanceTasks({ deviceIds: [deviceId] }, options);
  }

  getOverdueMaintenanceTasks(at: InstantLike = new Date(), options?: CallOptions): Promise<Task[]> {
    return this.getAllMaintenanceTasks({ overdueAt: at }, options);
  }

  /** What is urgent: of high or critical priority, or overdue, and not finished. */
  getMaintenanceAlerts(options?: CallOptions): Promise<Alert[]> {
    return collect(this.api.maintenance.listAlertsAll({ pageSize: PAGE }, options));
  }

  /** How many there are by state, priority and type, and how many are overdue. */
  getMaintenanceStatistics(
    filter: TaskFilterInput = {},
    options?: CallOptions,
  ): Promise<CountTasksResponse> {
    return this.api.maintenance.countTasks({ filter }, options);
  }

  /** Changes what is given of a task, as it was just read; null clears. */
  async updateMaintenanceTask(
    task: Pick<MaintenanceTask, 'id' | 'version'>,
    details: Changes<TaskDetailsInput>,
    options?: CallOptions,
  ): Promise<Task> {
    const request = { id: task.id, version: task.version, details };
    return present((await this.api.maintenance.updateTask(request, options)).task, 'task');
  }

  /** Moves a task from the state the caller saw to another; ILLEGAL_TRANSITION names what is allowed. */
  updateTaskStatus(
    id: IntLike,
    from: TaskStatus,
    to: TaskStatus,
    when: { scheduledAt?: InstantLike; completedAt?: InstantLike } = {},
    options?: CallOptions,
  ): Promise<TransitionTaskResponse> {
    return this.api.maintenance.transitionTask({ id, status: from, to, ...when }, options);
  }

  /** Completes a task, and with it dates its machine's last maintenance. */
  completeMaintenanceTask(
    task: Pick<MaintenanceTask, 'id' | 'version'>,
    options?: CallOptions,
  ): Promise<TransitionTaskResponse> {
    return this.api.maintenance.transitionTask(
      { id: task.id, version: task.version, to: 'TASK_STATUS_COMPLETED' },
      options,
    );
  }

  /** Gives a task to a technician; to nobody without one. */
  async assignTechnician(
    task: Pick<MaintenanceTask, 'id' | 'version'>,
    technicianId?: IntLike,
    options?: CallOptions,
  ): Promise<Task> {
    const request = { id: task.id, version: task.version, technicianId };
    return present((await this.api.maintenance.assignTask(request, options)).task, 'task');
  }

  async deleteMaintenanceTask(
    task: Pick<MaintenanceTask, 'id' | 'version'>,
    options?: CallOptions,
  ): Promise<void> {
    await this.api.maintenance.deleteTask({ id: task.id, version: task.version }, options);
  }

  /** Registers machines, or sets what is given of those already there. */
  saveMachines(
    machines: readonly MachineEntryInput[],
    options?: CallOptions,
  ): Promise<UpsertMachinesResponse> {
    return this.api.maintenance.upsertMachines({ machines }, options);
  }

  getAllMachines(options?: CallOptions): Promise<Machine[]> {
    return collect(this.api.maintenance.listMachinesAll({ pageSize: PAGE }, options));
  }

  /** A machine; undefined if there is none. */
  getMachineById(deviceId: string | number, options?: CallOptions): Promise<Machine | undefined> {
    const request = { deviceId: String(deviceId) };
    return found(this.api.maintenance.getMachine(request, options).then(({ machine }) => machine));
  }

  /** Changes what is given of a machine, as it was just read; null clears. */
  async updateMachine(
    machine: Pick<Machine, 'deviceId' | 'version'>,
    details: Changes<MachineDetailsInput>,
    options?: CallOptions,
  ): Promise<Machine> {
    const request = { deviceId: machine.deviceId, version: machine.version, details };
    return present((await this.api.maintenance.updateMachine(request, options)).machine, 'machine');
  }

  async createTechnician(
    details: TechnicianDetailsInput,
    options?: CallOptions,
  ): Promise<Technician> {
    return present(
      (await this.api.maintenance.createTechnician({ details }, options)).technician,
      'technician',
    );
  }

  getTechnicians(options?: CallOptions): Promise<Technician[]> {
    return collect(this.api.maintenance.listTechniciansAll({ pageSize: PAGE }, options));
  }

  /** Changes what is given of a technician, as it was just read; null clears. */
  async updateTechnician(
    technician: Pick<Technician, 'id' | 'version'>,
    details: Changes<TechnicianDetailsInput>,
    options?: CallOptions,
  ): Promise<Technician> {
    const request = { id: technician.id, version: technician.version, details };
    return present(
      (await this.api.maintenance.updateTechnician(request, options)).technician,
      'technician',
    );
  }

  /** Stores a test of a machine's water, and rates the machine by it. */
  async saveWaterQualityTest(
    reading: WaterQualityReadingInput,
    options?: CallOptions,
  ): Promise<WaterQualityTest> {
    return present(
      (await this.api.maintenance.recordWaterQualityTest({ reading }, options)).test,
      'test',
    );
  }

  /** Every test of a machine, newest first. */
  getWaterQualityTests(deviceId: string, options?: CallOptions): Promise<WaterQualityTest[]> {
    const request = { deviceIds: [deviceId], pageSize: PAGE };
    return collect(this.api.maintenance.listWaterQualityTestsAll(request, options));
  }
}
