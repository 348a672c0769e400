// Runs a job once a key, and records its deliveries once a chat.
#pragma once

#include "aquifer/method.h"
#include "aquifer/v1/job.pb.h"

namespace aquifer::client {

// Runs a job once a key, and records its deliveries once a chat. The proto says more of each
// method, its errors above all.
class Jobs : private Repository {
 public:
  using Repository::Repository;

  // Asks for the run of a job and a key, and answers whether the caller may do it (ACQUIRED),
  // it has been done (ALREADY_DONE, with its result) or another is at it (HELD, by whom and
  // until when).
  const Unary<v1::BeginJobRunRequest, v1::BeginJobRunResponse> BeginJobRun{caller_};

  // Makes a lease last from now on, also one that ran out and that nobody has taken over;
  // never shortens one.
  const Unary<v1::RenewJobRunRequest, v1::RenewJobRunResponse> RenewJobRun{caller_};

  // Ends a run: SUCCEEDED for good, FAILED until somebody begins it again.
  const Unary<v1::FinishJobRunRequest, v1::FinishJobRunResponse> FinishJobRun{caller_};

  // Lists runs page by page, newest first.
  const Unary<v1::ListJobRunsRequest, v1::ListJobRunsResponse> ListJobRuns{caller_};

  // Records how far the delivery of a run to a chat is; there is one record for a run and a
  // chat, whoever records and how often.
  const Unary<v1::RecordDeliveryRequest, v1::RecordDeliveryResponse> RecordDelivery{caller_};

  // Lists the recipients that a run has still to reach: those without a record and those where
  // sending FAILED.
  const Unary<v1::ListUndeliveredRequest, v1::ListUndeliveredResponse> ListUndelivered{caller_};
};

}  // namespace aquifer::client
