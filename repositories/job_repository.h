// Jobs in SQL: what each JobRepository RPC does inside its transaction (domain rule 7).
//
// One object serves one transaction. Requests were checked against their proto rules, so a method
// only answers what the database alone can know. A method may run again after a conflict and so
// keeps nothing outside its result. The implementation is split by idea:
//   job_leases.cc        beginning, renewing and finishing a run
//   job_run_lists.cc     listing runs
//   delivery_records.cc  recording which chats a run has reached
//   deliveries.cc        which ones it has still to reach
#pragma once

#include <absl/status/statusor.h>

#include "aquifer/v1/job.pb.h"
#include "repositories/joined.h"
#include "repositories/session.h"

namespace aquifer {

class JobRepository final {
 public:
  explicit JobRepository(Session& session) : session_(session) {}

  absl::StatusOr<v1::BeginJobRunResponse> BeginJobRun(const v1::BeginJobRunRequest& request);
  absl::StatusOr<v1::RenewJobRunResponse> RenewJobRun(const v1::RenewJobRunRequest& request);
  absl::StatusOr<v1::FinishJobRunResponse> FinishJobRun(const v1::FinishJobRunRequest& request);
  absl::StatusOr<v1::ListJobRunsResponse> ListJobRuns(const v1::ListJobRunsRequest& request);

  absl::StatusOr<v1::RecordDeliveryResponse> RecordDelivery(
      const v1::RecordDeliveryRequest& request);
  void RecordDeliveryJoined(
      JoinedCalls<v1::RecordDeliveryRequest, v1::RecordDeliveryResponse> calls);
  absl::StatusOr<v1::ListUndeliveredResponse> ListUndelivered(
      const v1::ListUndeliveredRequest& request);

 private:
  Session& session_;
};

}  // namespace aquifer
