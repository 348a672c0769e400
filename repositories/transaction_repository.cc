// The table of writes, and running them.
#include "repositories/transaction_repository.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "repositories/collection_repository.h"
#include "repositories/errors.h"
#include "repositories/field_rules.h"
#include "repositories/job_repository.h"
#include "repositories/maintenance_repository.h"
#include "repositories/transaction_checks.h"
#include "repositories/worker_repository.h"
#include "repositories/write_references.h"

namespace aquifer {
namespace {

using google::protobuf::Message;

template <typename Repository, typename Request, typename Response>
WriteKind Kind(absl::StatusOr<Response> (Repository::*method)(const Request&),
               absl::string_view made = "") {
  const auto run = [method](Session& session, const Message& request,
                            Message& response) -> absl::Status {
    auto answer = (Repository(session).*method)(static_cast<const Request&>(request));
    if (!answer.ok()) return answer.status();
    static_cast<Response&>(response) = *std::move(answer);
    return absl::OkStatus();
  };
  return {*Request::descriptor(), *Response::descriptor(), made, run};
}

}  // namespace

absl::Span<const WriteKind> WriteKinds() {
  static const WriteKind kAll[] = {
      Kind(&CollectionRepository::RecordCollection, "collection.id"),
      Kind(&CollectionRepository::RecordCollections),
      Kind(&CollectionRepository::CorrectCollection),
      Kind(&CollectionRepository::DeleteCollections),
      Kind(&CollectionRepository::RecordFetchOutcomes),
      Kind(&CollectionRepository::SetCollectorAlias),
      Kind(&CollectionRepository::DeleteCollectorAlias),
      Kind(&MaintenanceRepository::CreateTask, "task.id"),
      Kind(&MaintenanceRepository::UpdateTask),
      Kind(&MaintenanceRepository::TransitionTask),
      Kind(&MaintenanceRepository::AssignTask),
      Kind(&MaintenanceRepository::DeleteTask),
      Kind(&MaintenanceRepository::UpsertMachines),
      Kind(&MaintenanceRepository::UpdateMachine),
      Kind(&MaintenanceRepository::CreateTechnician, "technician.id"),
      Kind(&MaintenanceRepository::UpdateTechnician),
      Kind(&MaintenanceRepository::RecordWaterQualityTest, "test.id"),
      Kind(&WorkerRepository::RegisterWorker, "worker.id"),
      Kind(&WorkerRepository::CreateWorker, "worker.id"),
      Kind(&WorkerRepository::UpdateWorker),
      Kind(&WorkerRepository::SetWorkersActive),
      Kind(&WorkerRepository::SetDialogueState),
      Kind(&WorkerRepository::DeleteWorker),
      Kind(&WorkerRepository::StartShift, "shift.id"),
      Kind(&WorkerRepository::EndShift),
      Kind(&WorkerRepository::RecordWorkPoint, "point.id"),
      Kind(&WorkerRepository::SetAssignedDevices),
      Kind(&JobRepository::BeginJobRun),
      Kind(&JobRepository::RenewJobRun),
      Kind(&JobRepository::FinishJobRun),
      Kind(&JobRepository::RecordDelivery),
  };
  return kAll;
}

const WriteKind& KindOf(const google::protobuf::Descriptor& request) {
  const auto kinds = WriteKinds();
  return *std::find_if(kinds.begin(), kinds.end(),
                       [&](const WriteKind& kind) { return &kind.request == &request; });
}

namespace {

// The member of the result that has the name of the write's request.
Message& AnswerTo(const v1::Write& write, v1::WriteResult& result) {
  const auto* field = v1::WriteResult::descriptor()->FindFieldByName(RequestFieldOf(write)->name());
  return *result.GetReflection()->MutableMessage(&result, field);
}

// Runs one write after the other.
class WriteRunner {
 public:
  WriteRunner(Session& session, v1::ExecuteResponse& response)
      : session_(session), response_(response) {}

  // An error is said to be the write's.
  absl::Status Run(const v1::Write& write) {
    const int index = response_.results_size();
    session_.set_write(index);
    if (write.references().empty()) return RunRequest(write, index);

    v1::Write filled = write;
    auto violations = FillIn(index, filled);
    if (violations.empty()) violations = CheckFieldRules(filled, WritePath(index));
    if (!violations.empty()) return ErrorOfWrite(InvalidFields(violations), index);
    return RunRequest(filled, index);
  }

 private:
  absl::Status RunRequest(const v1::Write& write, int index) {
    const Message& request = RequestOf(write);
    const WriteKind& kind = KindOf(*request.GetDescriptor());
    Message& answer = AnswerTo(write, *response_.add_results());
    if (absl::Status status = kind.run(session_, request, answer); !status.ok()) {
      return ErrorOfWrite(status, index,
                          absl::StrCat(WritePath(index), ".", RequestFieldOf(write)->name(), "."));
    }
    made_.push_back(kind.made.empty() ? 0 : IdAt(answer, FindIdPath(kind.response, kind.made)));
    return absl::OkStatus();
  }

  // Puts the ids in that `write` takes from others. They were checked as far as the request tells.
  std::vector<FieldViolation> FillIn(int index, v1::Write& write) {
    std::vector<FieldViolation> violations;
    Message& request = MutableRequestOf(write);
    for (int i = 0; i < write.references_size(); ++i) {
      const std::int64_t id = made_[write.references(i).write()];
      if (id == 0) {
        violations.push_back(
            {ReferencePath(index, i, "write"), "must be a write that made an id; it made none"});
      }
      SetIdAt(request, FindIdPath(*request.GetDescriptor(), write.references(i).field()), id);
    }
    return violations;
  }

  Session& session_;
  v1::ExecuteResponse& response_;
  // The id that each write made; 0 if none.
  std::vector<std::int64_t> made_;
};

}  // namespace

absl::StatusOr<v1::ExecuteResponse> TransactionRepository::Execute(
    const v1::ExecuteRequest& request) {
  if (const auto violations = CheckWrites(request); !violations.empty()) {
    return InvalidFields(violations);
  }
  v1::ExecuteResponse response;
  WriteRunner runner(session_, response);
  for (const v1::Write& write : request.writes()) {
    if (absl::Status status = runner.Run(write); !status.ok()) return status;
  }
  return response;
}

}  // namespace aquifer
