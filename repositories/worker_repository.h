// Workers in SQL: what each WorkerRepository RPC does inside its transaction.
//
// One object serves one transaction. Requests were checked against their proto rules, so a method
// only answers what the database alone can know. A method may run again after a conflict and so
// keeps nothing outside its result. Whatever changes one worker, a shift or a point of one locks
// the worker's row first, so that such calls take turns. The implementation is split by idea:
//   worker_registration.cc  registering and adding
//   worker_changes.cc       updating, employing in bulk, dialogue states
//   worker_deletes.cc       soft and hard
//   worker_reads.cc         get, list, recipients
//   worker_shifts.cc        starting and ending shifts
//   work_points.cc          points of shifts; shift_points.h has what shifts need of them
//   worker_statistics.cc    what a worker did, and who does not collect
//   assigned_devices.cc     who looks after which devices
#pragma once

#include <absl/status/statusor.h>

#include "aquifer/v1/worker.pb.h"
#include "repositories/session.h"

namespace aquifer {

class WorkerRepository final {
 public:
  explicit WorkerRepository(Session& session) : session_(session) {}

  absl::StatusOr<v1::RegisterWorkerResponse> RegisterWorker(
      const v1::RegisterWorkerRequest& request);
  absl::StatusOr<v1::CreateWorkerResponse> CreateWorker(const v1::CreateWorkerRequest& request);

  absl::StatusOr<v1::GetWorkerResponse> GetWorker(const v1::GetWorkerRequest& request);
  absl::StatusOr<v1::ListWorkersResponse> ListWorkers(const v1::ListWorkersRequest& request);
  absl::StatusOr<v1::ListSummaryRecipientsResponse> ListSummaryRecipients(
      const v1::ListSummaryRecipientsRequest& request);

  absl::StatusOr<v1::UpdateWorkerResponse> UpdateWorker(const v1::UpdateWorkerRequest& request);
  absl::StatusOr<v1::SetWorkersActiveResponse> SetWorkersActive(
      const v1::SetWorkersActiveRequest& request);
  absl::StatusOr<v1::SetDialogueStateResponse> SetDialogueState(
      const v1::SetDialogueStateRequest& request);
  absl::StatusOr<v1::DeleteWorkerResponse> DeleteWorker(const v1::DeleteWorkerRequest& request);

  absl::StatusOr<v1::StartShiftResponse> StartShift(const v1::StartShiftRequest& request);
  absl::StatusOr<v1::EndShiftResponse> EndShift(const v1::EndShiftRequest& request);
  absl::StatusOr<v1::RecordWorkPointResponse> RecordWorkPoint(
      const v1::RecordWorkPointRequest& request);
  absl::StatusOr<v1::ListWorkPointsResponse> ListWorkPoints(
      const v1::ListWorkPointsRequest& request);

  absl::StatusOr<v1::GetWorkerStatisticsResponse> GetWorkerStatistics(
      const v1::GetWorkerStatisticsRequest& request);
  absl::StatusOr<v1::ListInactiveCollectorsResponse> ListInactiveCollectors(
      const v1::ListInactiveCollectorsRequest& request);

  absl::StatusOr<v1::SetAssignedDevicesResponse> SetAssignedDevices(
      const v1::SetAssignedDevicesRequest& request);
  absl::StatusOr<v1::ListAssignedDevicesResponse> ListAssignedDevices(
      const v1::ListAssignedDevicesRequest& request);

 private:
  Session& session_;
};

}  // namespace aquifer
