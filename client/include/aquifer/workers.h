// Registers workers, knows who works and who receives what, and records their shifts.
#pragma once

#include "aquifer/method.h"
#include "aquifer/v1/worker.pb.h"

namespace aquifer::client {

// Registers workers, knows who works and who receives what, and records their shifts. The proto
// says more of each method, its errors above all.
class Workers : private Repository {
 public:
  using Repository::Repository;

  // Registers the worker of a chat.
  const Unary<v1::RegisterWorkerRequest, v1::RegisterWorkerResponse> RegisterWorker{caller_};

  // Adds a worker who has no chat yet, such as one known only from collector texts.
  const Unary<v1::CreateWorkerRequest, v1::CreateWorkerResponse> CreateWorker{caller_};

  // Reads one worker by id or by chat.
  const Unary<v1::GetWorkerRequest, v1::GetWorkerResponse> GetWorker{caller_};

  // Changes the fields that the mask names.
  const Unary<v1::UpdateWorkerRequest, v1::UpdateWorkerResponse> UpdateWorker{caller_};

  // Lists workers page by page, by id.
  const Unary<v1::ListWorkersRequest, v1::ListWorkersResponse> ListWorkers{caller_};

  // Lists who receives summaries and where: every worker who is not deleted, receives
  // summaries and has a chat, whether employed or on shift or neither.
  const Unary<v1::ListSummaryRecipientsRequest, v1::ListSummaryRecipientsResponse>
      ListSummaryRecipients{caller_};

  // Sets up to 1,000 workers employed or not, all in one transaction.
  const Unary<v1::SetWorkersActiveRequest, v1::SetWorkersActiveResponse> SetWorkersActive{caller_};

  // Sets where the worker's conversation stands, if it still stands where the caller expects:
  // of two callers that expect the same, one wins.
  const Unary<v1::SetDialogueStateRequest, v1::SetDialogueStateResponse> SetDialogueState{caller_};

  // Deletes a worker.
  const Unary<v1::DeleteWorkerRequest, v1::DeleteWorkerResponse> DeleteWorker{caller_};

  // Starts a shift and records its first point, in one transaction.
  const Unary<v1::StartShiftRequest, v1::StartShiftResponse> StartShift{caller_};

  // Ends the worker's shift and records its last point, in one transaction; answers its
  // duration and its route.
  const Unary<v1::EndShiftRequest, v1::EndShiftResponse> EndShift{caller_};

  // Records a point of the worker's shift.
  const Unary<v1::RecordWorkPointRequest, v1::RecordWorkPointResponse> RecordWorkPoint{caller_};

  // Lists the points of a shift or of a worker page by page, oldest first.
  const Unary<v1::ListWorkPointsRequest, v1::ListWorkPointsResponse> ListWorkPoints{caller_};

  // Tells what a worker did on some civil days: shifts, points, and the money collected under
  // the worker's collector texts.
  const Unary<v1::GetWorkerStatisticsRequest, v1::GetWorkerStatisticsResponse> GetWorkerStatistics{
      caller_};

  // Lists employed workers without a collection under any of their collector texts since a
  // civil day, those who never collected included.
  const Unary<v1::ListInactiveCollectorsRequest, v1::ListInactiveCollectorsResponse>
      ListInactiveCollectors{caller_};

  // Makes these the devices that a worker looks after, and no others.
  const Unary<v1::SetAssignedDevicesRequest, v1::SetAssignedDevicesResponse> SetAssignedDevices{
      caller_};

  // Lists who looks after which devices, page by page, by worker and device, without deleted
  // workers.
  const Unary<v1::ListAssignedDevicesRequest, v1::ListAssignedDevicesResponse> ListAssignedDevices{
      caller_};
};

}  // namespace aquifer::client
