// Fixture of the maintenance tests: each helper is one call in one transaction, checked against the
// field rules first as the RPC path does.
#pragma once

#include <absl/status/statusor.h>
#include <google/protobuf/text_format.h>

#include <cstdint>
#include <string>
#include <vector>

#include "repositories/errors.h"
#include "repositories/field_rules.h"
#include "repositories/maintenance_repository.h"
#include "tests/testing/repository_test.h"

namespace aquifer::testing {

// A message from its text form, such as `Parsed<v1::TaskFilter>("text: 'pump'")`.
template <typename Message>
Message Parsed(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

class MaintenanceTest : public RepositoryTest {
 protected:
  // Calls one method of the repository with a request in text form, say
  // `Call(&MaintenanceRepository::GetTask, "id: 1")`.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(
      absl::StatusOr<Response> (MaintenanceRepository::*method)(const Request&),
      const Request& request) {
    if (const auto bad = CheckFieldRules(request); !bad.empty()) return InvalidFields(bad);
    return InTransaction(
        [&](Session& session) { return (MaintenanceRepository(session).*method)(request); });
  }
  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(
      absl::StatusOr<Response> (MaintenanceRepository::*method)(const Request&),
      const std::string& request) {
    return Call(method, Parsed<Request>(request));
  }

  // Each creates one and must succeed. `more` adds to the request's text form.
  v1::MaintenanceTask CreateTask(const std::string& details = "", const std::string& more = "") {
    const auto answer =
        Call(&MaintenanceRepository::CreateTask,
             "details { title: 'clean' type: TASK_TYPE_SYSTEM_CLEANING " + details + " } " + more);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? answer->task() : v1::MaintenanceTask();
  }
  std::int64_t CreateTechnician(const std::string& details = "name: 'Olha'") {
    const auto answer =
        Call(&MaintenanceRepository::CreateTechnician, "details { " + details + " }");
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? answer->technician().id() : 0;
  }
  void CreateMachine(const std::string& device_id, const std::string& details = "") {
    const auto answer =
        Call(&MaintenanceRepository::UpsertMachines,
             "machines { device_id: '" + device_id + "' details { " + details + " } }");
    ASSERT_TRUE(answer.ok()) << answer.status();
    ASSERT_EQ(answer->results(0).rejection().problems_size(), 0) << answer->DebugString();
  }
  v1::Machine GetMachine(const std::string& device_id) {
    const auto answer = Call(&MaintenanceRepository::GetMachine, "device_id: '" + device_id + "'");
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? answer->machine() : v1::Machine();
  }
  // Moves a task whatever its version; `more` adds to the request's text form.
  absl::StatusOr<v1::TransitionTaskResponse> Move(const v1::MaintenanceTask& task,
                                                  v1::TaskStatus to, const std::string& more = "") {
    return Call(&MaintenanceRepository::TransitionTask,
                "id: " + std::to_string(task.id()) + " version: " + std::to_string(task.version()) +
                    " to: " + v1::TaskStatus_Name(to) + " " + more);
  }

  // The first column of the first row.
  std::string Value(const std::string& sql) { return database_.Execute(sql)[0][0].c_str(); }
};

// The titles of tasks, such as "a b".
template <typename Tasks>
std::string TitlesOf(const Tasks& tasks) {
  std::string titles;
  for (const v1::MaintenanceTask& task : tasks) {
    titles += (titles.empty() ? "" : " ") + task.details().title();
  }
  return titles;
}

// The text form of `seconds` since 1970 as the field `name`.
inline std::string At(const std::string& name, std::int64_t seconds) {
  return name + " { seconds: " + std::to_string(seconds) + " } ";
}

}  // namespace aquifer::testing
