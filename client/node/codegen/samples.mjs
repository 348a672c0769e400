// A request that the server takes, for each message: what must be set, and what makes it worth a look.
import { createHash } from 'node:crypto';

import { camel } from './names.mjs';

const DAY = { year: 2026, month: 3, day: 28 };
// Of one run, from its beginning to its end.
const LEASE_TOKEN = '6f1c2a34-5b6d-4e7f-8a9b-0c1d2e3f4a5b';

// Values by the name of the field, or by message and field where that says more.
const VALUES = {
  actor: 'operator',
  banknotes_text: '1520.50',
  chat_id: 123456789,
  chat_ids: [123456789],
  collected_at: '2026-03-28T12:05:09Z',
  collector: 'Олександр',
  device_id: '164',
  device_ids: ['164'],
  dry_run: true,
  employed: true,
  expected_state: '',
  holder: 'scheduler-1',
  job: 'daily-fetch',
  key: '2026-03-28',
  lease_ms: 60000,
  lease_token: LEASE_TOKEN,
  lines: 4,
  longitude: 30.52,
  latitude: 50.45,
  name: 'Олена',
  new_state: 'asked for the date',
  page_size: 100,
  phone: '+380671234567',
  reason: 'miscounted',
  text: 'Олександр',
  title: 'Replace the filter',
  to: 'TASK_STATUS_IN_PROGRESS',
  wall_time: '2026-03-28 14:05:09',
  'CollectionKey.collected_at': '2026-03-28T12:05:09Z',
  'CorrectCollectionRequest.coins_minor': 1450,
  'FetchOutcome.state': 'FETCH_STATE_OK',
  'FinishJobRunRequest.outcome': 'JOB_RUN_STATE_SUCCEEDED',
  'FinishJobRunRequest.result': '298 lines of 149 devices',
  'GetCollectionRequest.key': undefined,
  'MachineDetails.name': 'Автомат 164',
  'MachineDetails.water_level_percent': 80,
  'RecordDeliveryRequest.state': 'DELIVERY_STATE_CLAIMED',
  'RecordWorkPointRequest.type': 'WORK_POINT_TYPE_DEVICE',
  'SummarizeCollectionsRequest.group_by': ['GROUPING_DEVICE'],
  'TransitionTaskRequest.status': 'TASK_STATUS_PENDING',
  'WaterQualityReading.ph_hundredths': 725,
};

// What is set though it need not be.
const SHOWN = {
  AssignTaskRequest: ['technician_id'],
  CheckCollectionExistsRequest: ['day'],
  CollectionFilter: ['days'],
  CollectionLine: ['wall_time', 'banknotes_text'],
  CorrectCollectionRequest: ['coins_minor'],
  CreateTaskRequest: ['request_id'],
  CreateTechnicianRequest: ['request_id'],
  CreateWorkerRequest: ['request_id'],
  DeleteCollectionsRequest: ['dry_run'],
  ExecuteRequest: ['request_id'],
  FetchOutcome: ['lines'],
  FinishJobRunRequest: ['result'],
  GetWorkerRequest: ['chat_id'],
  ListCollectionsRequest: ['filter', 'page_size'],
  ListTasksRequest: ['filter'],
  MachineDetails: ['name', 'water_level_percent'],
  MachineEntry: ['details'],
  RecordWaterQualityTestRequest: ['request_id'],
  RecordWorkPointRequest: ['device_id', 'request_id'],
  SetAssignedDevicesRequest: ['device_ids'],
  SetDialogueStateRequest: ['new_state'],
  StartShiftRequest: ['place'],
  EndShiftRequest: ['place'],
  Place: ['latitude', 'longitude'],
  StreamCollectionsRequest: ['filter'],
  SummarizeCollectionsRequest: ['filter', 'group_by'],
  SetWorkersActiveRequest: ['worker_ids'],
  TaskFilter: ['statuses'],
  TransitionTaskRequest: ['status'],
  WaterQualityReading: ['ph_hundredths'],
};

// What an update of each message changes.
const CHANGED = {
  MachineDetails: 'water_level_percent',
  TaskDetails: 'title',
  TechnicianDetails: 'phone',
  WorkerFields: 'phone',
};

export function sampleRequest(model, message) {
  const sample = {};
  const masked = message.fields.find((field) => field.rules.maskOf);
  const chosen = new Set();
  for (const field of message.fields) {
    if (field === masked) {
      // In JSON a mask spells names in this way.
      sample[field.name] = camel(CHANGED[model.messages.get(maskedType(message, field)).name]);
    } else if (field.name === masked?.rules.maskOf) {
      const type = model.messages.get(field.typeName);
      const part = type.fields.find((each) => each.name === CHANGED[type.name]);
      sample[field.name] = { [part.name]: sampleOf(model, type, part) };
    } else if (isShown(message, field, chosen)) {
      if (field.oneof) chosen.add(field.oneof);
      const value = sampleOf(model, message, field);
      sample[field.name] = field.repeated && !Array.isArray(value) ? [value] : value;
    }
  }
  return sample;
}

function maskedType(message, mask) {
  return message.fields.find((field) => field.name === mask.rules.maskOf).typeName;
}

function isShown(message, field, chosen) {
  const shown = SHOWN[message.name] ?? [];
  if (!field.oneof) return field.rules.required || shown.includes(field.name);
  if (chosen.has(field.oneof)) return false;
  const others = message.fields.filter((each) => each.oneof === field.oneof);
  if (others.some((each) => shown.includes(each.name))) return shown.includes(field.name);
  return field.oneof.required;
}

function sampleOf(model, message, field) {
  const own = VALUES[`${message.name}.${field.name}`];
  if (own !== undefined) return own;
  if (field.type === 'message') {
    if (field.typeName === 'aquifer.v1.Day') return DAY;
    if (field.typeName === 'google.protobuf.Timestamp') return VALUES.collected_at;
    return sampleRequest(model, model.messages.get(field.typeName));
  }
  if (field.name === 'request_id') return uuidOf(message.name);
  const value = VALUES[field.name];
  if (value !== undefined) return value;
  if (field.type === 'enum')
    return model.enums.get(field.typeName).values.find(({ number }) => number === 1).name;
  if (field.type === 'int64' || field.type === 'int32') return Math.max(1, field.rules.min ?? 1);
  throw new Error(`no sample for ${message.name}.${field.name}`);
}

// Each write has an id of its own.
function uuidOf(name) {
  const digits = createHash('sha256').update(name).digest('hex');
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-8${digits.slice(17, 20)}-${digits.slice(20, 32)}`;
}
