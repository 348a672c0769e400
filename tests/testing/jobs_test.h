// Fixture of the tests of jobs: each helper is one call in one transaction.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

#include "repositories/job_repository.h"
#include "tests/testing/repository_test.h"

namespace aquifer::testing {

inline constexpr char kJob[] = "daily-summary";
inline constexpr char kKey[] = "2026-03-28";
inline constexpr std::int64_t kMinuteMs = 60000;

// Any request about the run of kJob and kKey.
template <typename Request>
Request OfRun() {
  Request request;
  request.set_job(kJob);
  request.set_key(kKey);
  return request;
}

template <typename Request>
Request OfLease(const std::string& lease_token) {
  Request request = OfRun<Request>();
  request.set_lease_token(lease_token);
  return request;
}

inline v1::BeginJobRunRequest BeginBy(const std::string& lease_token,
                                      std::int64_t lease_ms = kMinuteMs) {
  auto request = OfLease<v1::BeginJobRunRequest>(lease_token);
  request.set_holder("instance of " + lease_token);
  request.set_lease_ms(lease_ms);
  return request;
}

inline v1::RecordDeliveryRequest DeliveryBy(const std::string& lease_token, std::int64_t chat_id,
                                            v1::DeliveryState state) {
  auto request = OfLease<v1::RecordDeliveryRequest>(lease_token);
  request.set_chat_id(chat_id);
  request.set_state(state);
  return request;
}

class JobsTest : public RepositoryTest {
 protected:
  // Calls one method of the repository, say `Call(&JobRepository::BeginJobRun, request)`.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(absl::StatusOr<Response> (JobRepository::*method)(const Request&),
                                const Request& request) {
    return InTransaction(
        [&](Session& session) { return (JobRepository(session).*method)(request); });
  }

  absl::StatusOr<v1::BeginJobRunResponse> Begin(const std::string& lease_token,
                                                std::int64_t lease_ms = kMinuteMs) {
    return Call(&JobRepository::BeginJobRun, BeginBy(lease_token, lease_ms));
  }

  absl::StatusOr<v1::RenewJobRunResponse> Renew(const std::string& lease_token,
                                                std::int64_t lease_ms = kMinuteMs) {
    auto request = OfLease<v1::RenewJobRunRequest>(lease_token);
    request.set_lease_ms(lease_ms);
    return Call(&JobRepository::RenewJobRun, request);
  }

  absl::StatusOr<v1::FinishJobRunResponse> Finish(
      const std::string& lease_token, v1::JobRunState outcome = v1::JOB_RUN_STATE_SUCCEEDED,
      const std::string& result = "") {
    auto request = OfLease<v1::FinishJobRunRequest>(lease_token);
    request.set_outcome(outcome);
    request.set_result(result);
    return Call(&JobRepository::FinishJobRun, request);
  }

  absl::StatusOr<v1::RecordDeliveryResponse> Deliver(const std::string& lease_token,
                                                     std::int64_t chat_id,
                                                     v1::DeliveryState state) {
    return Call(&JobRepository::RecordDelivery, DeliveryBy(lease_token, chat_id, state));
  }

  // Lets every lease run out, as time would.
  void LetLeasesRunOut() {
    database_.Execute(
        "UPDATE aquifer.job_runs SET lease_expires_at = clock_timestamp() - interval '1 second'");
  }

  // The first column of the first row.
  std::string Value(const std::string& sql) { return database_.Execute(sql)[0][0].c_str(); }
};

}  // namespace aquifer::testing
