// Fixture of the tests of workers: each helper is one call in one transaction.
#pragma once

#include <absl/status/statusor.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "repositories/worker_repository.h"
#include "tests/testing/collections_test.h"
#include "tests/testing/times.h"

namespace aquifer::testing {

class WorkersTest : public CollectionsTest {
 protected:
  using CollectionsTest::Call;

  // Calls one method of the repository, say `Call(&WorkerRepository::GetWorker, request)`.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(
      absl::StatusOr<Response> (WorkerRepository::*method)(const Request&),
      const Request& request) {
    return InTransaction(
        [&](Session& session) { return (WorkerRepository(session).*method)(request); });
  }

  // The same where it must succeed.
  template <typename Response, typename Request>
  Response Done(absl::StatusOr<Response> (WorkerRepository::*method)(const Request&),
                const Request& request) {
    const auto answer = Call(method, request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *answer : Response();
  }

  v1::RegisterWorkerResponse Register(std::int64_t chat_id, const std::string& name = "Ivan",
                                      const std::string& phone = "") {
    v1::RegisterWorkerRequest request;
    request.set_chat_id(chat_id);
    request.mutable_worker()->set_name(name);
    request.mutable_worker()->set_phone(phone);
    return Done(&WorkerRepository::RegisterWorker, request);
  }

  // A new worker without a chat.
  v1::Worker Create(const std::string& name = "Ivan", const std::string& phone = "") {
    v1::CreateWorkerRequest request;
    request.mutable_worker()->set_name(name);
    request.mutable_worker()->set_phone(phone);
    return Done(&WorkerRepository::CreateWorker, request).worker();
  }

  v1::Worker Get(std::int64_t id) {
    v1::GetWorkerRequest request;
    request.set_id(id);
    request.set_include_deleted(true);
    return Done(&WorkerRepository::GetWorker, request).worker();
  }

  absl::StatusOr<v1::UpdateWorkerResponse> Update(const v1::Worker& worker,
                                                  const v1::WorkerFields& fields,
                                                  const std::vector<std::string>& mask) {
    v1::UpdateWorkerRequest request;
    request.set_id(worker.id());
    request.set_version(worker.version());
    *request.mutable_worker() = fields;
    for (const std::string& field : mask) request.mutable_update_mask()->add_paths(field);
    return Call(&WorkerRepository::UpdateWorker, request);
  }

  absl::StatusOr<v1::DeleteWorkerResponse> Delete(const v1::Worker& worker,
                                                  v1::DeletionMode mode = v1::DELETION_MODE_SOFT) {
    v1::DeleteWorkerRequest request;
    request.set_id(worker.id());
    request.set_version(worker.version());
    request.set_mode(mode);
    return Call(&WorkerRepository::DeleteWorker, request);
  }

  absl::StatusOr<v1::StartShiftResponse> Start(std::int64_t worker_id, const std::string& at = "") {
    v1::StartShiftRequest request;
    request.set_worker_id(worker_id);
    SetInstant(at, [&] { return request.mutable_started_at(); });
    return Call(&WorkerRepository::StartShift, request);
  }

  absl::StatusOr<v1::EndShiftResponse> End(std::int64_t worker_id, const std::string& at = "") {
    v1::EndShiftRequest request;
    request.set_worker_id(worker_id);
    SetInstant(at, [&] { return request.mutable_ended_at(); });
    return Call(&WorkerRepository::EndShift, request);
  }

  absl::StatusOr<v1::RecordWorkPointResponse> PointAt(std::int64_t worker_id,
                                                      const std::string& device_id,
                                                      const std::string& at = "") {
    v1::RecordWorkPointRequest request;
    request.set_worker_id(worker_id);
    request.set_type(v1::WORK_POINT_TYPE_DEVICE);
    request.set_device_id(device_id);
    SetInstant(at, [&] { return request.mutable_recorded_at(); });
    return Call(&WorkerRepository::RecordWorkPoint, request);
  }

  // The ids of the workers of a filter, such as "1 3 ".
  std::string IdsOf(const v1::WorkerFilter& filter) {
    v1::ListWorkersRequest request;
    *request.mutable_filter() = filter;
    std::string ids;
    const auto answer = Done(&WorkerRepository::ListWorkers, request);
    for (const auto& worker : answer.workers()) {
      ids += std::to_string(worker.id()) + ' ';
    }
    return ids;
  }

 private:
  // RFC 3339; nothing for an empty text.
  template <typename Field>
  static void SetInstant(const std::string& at, Field field) {
    if (!at.empty()) *field() = InstantOf(at);
  }
};

}  // namespace aquifer::testing
