#include <gtest/gtest.h>

#include <string>

#include "tests/testing/maintenance_test.h"
#include "tests/testing/times.h"

namespace aquifer {
namespace {

using testing::At;
using testing::InstantOf;

class MaintenanceTasksTest : public testing::MaintenanceTest {
 protected:
  template <typename Response, typename Request>
  std::string ReasonFor(absl::StatusOr<Response> (MaintenanceRepository::*method)(const Request&),
                        const std::string& request) {
    return ReasonOf(Call(method, request).status());
  }
};

TEST_F(MaintenanceTasksTest, ANewTaskReadsBackWithEveryField) {
  CreateMachine("164");
  const std::int64_t technician = CreateTechnician("name: 'Ольга'");

  const v1::MaintenanceTask created = CreateTask(
      "description: 'd' location: 'l' estimated_duration: '2 h' parts_needed: 'p' "
      "priority: TASK_PRIORITY_HIGH device_id: '164' "
      "scheduled_at { seconds: 1774699509 nanos: 123456000 }",
      "technician_id: " + std::to_string(technician));
  const auto read = Call(&MaintenanceRepository::GetTask, "id: " + std::to_string(created.id()));

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->task().DebugString(), created.DebugString());
  const v1::TaskDetails& details = created.details();
  EXPECT_EQ(details.title(), "clean");
  EXPECT_EQ(details.description(), "d");
  EXPECT_EQ(details.location(), "l");
  EXPECT_EQ(details.estimated_duration(), "2 h");
  EXPECT_EQ(details.parts_needed(), "p");
  EXPECT_EQ(details.type(), v1::TASK_TYPE_SYSTEM_CLEANING);
  EXPECT_EQ(details.priority(), v1::TASK_PRIORITY_HIGH);
  EXPECT_EQ(details.device_id(), "164");
  EXPECT_EQ(details.scheduled_at().nanos(), 123456000);
  EXPECT_EQ(created.status(), v1::TASK_STATUS_SCHEDULED);
  EXPECT_FALSE(created.has_completed_at());
  EXPECT_EQ(created.technician_id(), technician);
  EXPECT_EQ(created.technician_name(), "Ольга");
  EXPECT_EQ(created.version(), 1);
}

TEST_F(MaintenanceTasksTest, ATaskWithoutAnInstantIsPendingAndOfMediumPriority) {
  const v1::MaintenanceTask task = CreateTask();

  EXPECT_EQ(task.status(), v1::TASK_STATUS_PENDING);
  EXPECT_EQ(task.details().priority(), v1::TASK_PRIORITY_MEDIUM);
  EXPECT_FALSE(task.details().has_scheduled_at());
  EXPECT_EQ(task.details().device_id(), "");
  EXPECT_EQ(task.technician_id(), 0);
}

TEST_F(MaintenanceTasksTest, WhatATaskNamesMustBeThere) {
  const std::string details = "title: 't' type: TASK_TYPE_SYSTEM_CLEANING ";

  EXPECT_EQ(
      ReasonFor(&MaintenanceRepository::CreateTask, "details { " + details + "device_id: '9' }"),
      "MACHINE_NOT_FOUND");
  EXPECT_EQ(
      ReasonFor(&MaintenanceRepository::CreateTask, "details { " + details + "} technician_id: 9"),
      "TECHNICIAN_NOT_FOUND");
  EXPECT_EQ(ReasonFor(&MaintenanceRepository::GetTask, "id: 9"), "TASK_NOT_FOUND");
  EXPECT_EQ(ReasonFor(&MaintenanceRepository::DeleteTask, "id: 9 version: 1"), "TASK_NOT_FOUND");
  EXPECT_EQ(ReasonFor(&MaintenanceRepository::AssignTask, "id: 9 version: 1"), "TASK_NOT_FOUND");
  EXPECT_EQ(ReasonFor(&MaintenanceRepository::TransitionTask,
                      "id: 9 version: 1 to: TASK_STATUS_COMPLETED"),
            "TASK_NOT_FOUND");
  EXPECT_EQ(ReasonFor(&MaintenanceRepository::UpdateTask,
                      "id: 9 version: 1 details { title: 't' } update_mask { paths: 'title' }"),
            "TASK_NOT_FOUND");
  CreateTask();
  EXPECT_EQ(
      ReasonFor(&MaintenanceRepository::UpdateTask,
                "id: 1 version: 1 details { device_id: '9' } update_mask { paths: 'device_id' }"),
      "MACHINE_NOT_FOUND");
  EXPECT_EQ(ReasonFor(&MaintenanceRepository::AssignTask, "id: 1 version: 1 technician_id: 9"),
            "TECHNICIAN_NOT_FOUND");
}

TEST_F(MaintenanceTasksTest, AnUpdateChangesWhatTheMaskNamesAndNothingElse) {
  CreateMachine("164");
  CreateTask("description: 'd' location: 'l' parts_needed: 'p'");

  const auto updated = Call(&MaintenanceRepository::UpdateTask,
                            "id: 1 version: 1 details { description: '' location: 'new' "
                            "type: TASK_TYPE_EMERGENCY_REPAIR priority: TASK_PRIORITY_CRITICAL "
                            "device_id: '164' title: 'ignored' scheduled_at { seconds: 9 } } "
                            "update_mask { paths: 'description' paths: 'location' paths: 'type' "
                            "paths: 'priority' paths: 'device_id' paths: 'scheduled_at' }");

  ASSERT_TRUE(updated.ok()) << updated.status();
  const v1::TaskDetails& details = updated->task().details();
  EXPECT_EQ(details.title(), "clean");
  EXPECT_EQ(details.description(), "");
  EXPECT_EQ(details.location(), "new");
  EXPECT_EQ(details.parts_needed(), "p");
  EXPECT_EQ(details.type(), v1::TASK_TYPE_EMERGENCY_REPAIR);
  EXPECT_EQ(details.priority(), v1::TASK_PRIORITY_CRITICAL);
  EXPECT_EQ(details.device_id(), "164");
  EXPECT_EQ(details.scheduled_at().seconds(), 9);
  EXPECT_EQ(updated->task().version(), 2);
}

TEST_F(MaintenanceTasksTest, AnUpdateClearsWhatTheMaskNamesAndTheRequestDoesNotSet) {
  CreateMachine("164");
  CreateTask("device_id: '164'");
  ASSERT_TRUE(Call(&MaintenanceRepository::UpdateTask,
                   "id: 1 version: 1 details { scheduled_at { seconds: 9 } } "
                   "update_mask { paths: 'scheduled_at' }")
                  .ok());

  const auto updated =
      Call(&MaintenanceRepository::UpdateTask,
           "id: 1 version: 2 details {} update_mask { paths: 'device_id' paths: 'scheduled_at' }");

  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->task().details().device_id(), "");
  EXPECT_FALSE(updated->task().details().has_scheduled_at());
}

TEST_F(MaintenanceTasksTest, AnUpdateThatWouldBreakTheTaskIsRefusedByField) {
  CreateTask(At("scheduled_at", 9));
  const auto refused = [&](const std::string& field) {
    const auto answer = Call(&MaintenanceRepository::UpdateTask,
                             "id: 1 version: 1 details {} update_mask { paths: '" + field + "' }");
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kInvalidArgument) << field;
    return std::string(answer.status().message());
  };

  EXPECT_EQ(refused("title"), "details.title is required");
  EXPECT_EQ(refused("type"), "details.type is required");
  EXPECT_EQ(refused("priority"), "details.priority must be set where the mask names it");
  EXPECT_EQ(refused("scheduled_at"),
            "details.scheduled_at must be set while the task is SCHEDULED");
  EXPECT_NE(refused("status").find("update_mask"), std::string::npos);
  EXPECT_EQ(Value("SELECT version FROM aquifer.maintenance_tasks"), "1");
}

TEST_F(MaintenanceTasksTest, AStaleVersionIsRefusedByEveryChange) {
  CreateTask();
  ASSERT_TRUE(Call(&MaintenanceRepository::AssignTask, "id: 1 version: 1").ok());

  const auto updated =
      Call(&MaintenanceRepository::UpdateTask,
           "id: 1 version: 1 details { title: 't' } update_mask { paths: 'title' }");

  EXPECT_EQ(updated.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(updated.status().message(), "task 1 has version 2, not 1");
  EXPECT_EQ(ReasonFor(&MaintenanceRepository::AssignTask, "id: 1 version: 1"), "STALE_VERSION");
  EXPECT_EQ(ReasonFor(&MaintenanceRepository::DeleteTask, "id: 1 version: 3"), "STALE_VERSION");
  EXPECT_EQ(ReasonFor(&MaintenanceRepository::TransitionTask,
                      "id: 1 version: 1 to: TASK_STATUS_COMPLETED"),
            "STALE_VERSION");
}

TEST_F(MaintenanceTasksTest, ATaskIsGivenToATechnicianAndToNobody) {
  CreateTask();
  const std::int64_t technician = CreateTechnician();

  const auto given = Call(&MaintenanceRepository::AssignTask,
                          "id: 1 version: 1 technician_id: " + std::to_string(technician));
  const auto taken = Call(&MaintenanceRepository::AssignTask, "id: 1 version: 2");

  ASSERT_TRUE(given.ok() && taken.ok());
  EXPECT_EQ(given->task().technician_id(), technician);
  EXPECT_EQ(given->task().technician_name(), "Olha");
  EXPECT_EQ(taken->task().technician_id(), 0);
  EXPECT_EQ(taken->task().version(), 3);
}

TEST_F(MaintenanceTasksTest, ADeletedTaskIsGone) {
  CreateTask();

  ASSERT_TRUE(Call(&MaintenanceRepository::DeleteTask, "id: 1 version: 1").ok());

  EXPECT_EQ(ReasonFor(&MaintenanceRepository::GetTask, "id: 1"), "TASK_NOT_FOUND");
}

class DomainRule9Test : public MaintenanceTasksTest {
 protected:
  // The one task, from here to `status` past the legal moves.
  v1::MaintenanceTask TaskIn(v1::TaskStatus status) {
    v1::MaintenanceTask task = CreateTask(At("scheduled_at", 1700000000));
    if (task.status() == status) return task;
    const auto moved = Move(task, status);
    EXPECT_TRUE(moved.ok()) << moved.status();
    return moved.ok() ? moved->task() : task;
  }
};

TEST_F(DomainRule9Test, CompletingStampsTheTimeAndTheMachinesLastMaintenance) {
  CreateMachine("164");
  const v1::MaintenanceTask task = CreateTask("device_id: '164'");

  const auto completed = Move(task, v1::TASK_STATUS_COMPLETED);

  ASSERT_TRUE(completed.ok()) << completed.status();
  EXPECT_EQ(completed->task().status(), v1::TASK_STATUS_COMPLETED);
  ASSERT_TRUE(completed->task().has_completed_at());
  EXPECT_TRUE(completed->machine_updated());
  EXPECT_EQ(GetMachine("164").details().last_maintenance_at().DebugString(),
            completed->task().completed_at().DebugString());
  EXPECT_EQ(GetMachine("164").version(), 2);
}

TEST_F(DomainRule9Test, CompletingNeverMovesTheLastMaintenanceBackwards) {
  CreateMachine("164", At("last_maintenance_at", 1700000000));
  const v1::MaintenanceTask task = CreateTask("device_id: '164'");

  const auto completed = Move(task, v1::TASK_STATUS_COMPLETED, At("completed_at", 1600000000));

  ASSERT_TRUE(completed.ok()) << completed.status();
  EXPECT_EQ(completed->task().completed_at().seconds(), 1600000000);
  EXPECT_FALSE(completed->machine_updated());
  EXPECT_EQ(GetMachine("164").details().last_maintenance_at().seconds(), 1700000000);
  EXPECT_EQ(GetMachine("164").version(), 1);
}

TEST_F(DomainRule9Test, ACompletionThatDoesNotCommitLeavesTaskAndMachineAlone) {
  CreateMachine("164");
  CreateTask("device_id: '164'");

  const auto status = InTransaction([](Session& session) -> absl::Status {
    const auto answer = MaintenanceRepository(session).TransitionTask(
        testing::Parsed<v1::TransitionTaskRequest>("id: 1 version: 1 to: TASK_STATUS_COMPLETED"));
    EXPECT_TRUE(answer.ok() && answer->machine_updated());
    return absl::CancelledError("the caller left");
  });

  EXPECT_FALSE(status.ok());
  EXPECT_EQ(Value("SELECT status FROM aquifer.maintenance_tasks"), "pending");
  EXPECT_FALSE(GetMachine("164").details().has_last_maintenance_at());
}

TEST_F(DomainRule9Test, ACompletionInTheFutureIsRefused) {
  const v1::MaintenanceTask task = CreateTask();

  const auto answer = Move(task, v1::TASK_STATUS_COMPLETED, At("completed_at", 253402300799));

  EXPECT_EQ(answer.status().message(), "completed_at must not be in the future");
  EXPECT_EQ(Value("SELECT status FROM aquifer.maintenance_tasks"), "pending");
}

TEST_F(DomainRule9Test, OnlyLegalMovesAreMade) {
  const v1::TaskStatus kStatuses[] = {v1::TASK_STATUS_PENDING, v1::TASK_STATUS_SCHEDULED,
                                      v1::TASK_STATUS_IN_PROGRESS, v1::TASK_STATUS_COMPLETED,
                                      v1::TASK_STATUS_CANCELLED};
  // Said once more, a row a state: which states it moves to.
  const char* const kLegal[] = {"-SICX", "P-ICX", "PS-CX", "-----", "P----"};
  for (int from = 0; from < 5; ++from) {
    for (int to = 0; to < 5; ++to) {
      const v1::MaintenanceTask task = TaskIn(kStatuses[from]);
      // A pending task has no instant any more, and needs one to be scheduled.
      const auto moved =
          Move(task, kStatuses[to],
               kStatuses[to] == v1::TASK_STATUS_SCHEDULED ? At("scheduled_at", 1700000001) : "");

      if (kLegal[from][to] == '-') {
        EXPECT_EQ(moved.status().code(), absl::StatusCode::kFailedPrecondition) << from << to;
        EXPECT_EQ(ReasonOf(moved.status()), "ILLEGAL_TRANSITION") << from << to;
      } else {
        EXPECT_TRUE(moved.ok()) << moved.status();
      }
    }
  }
}

TEST_F(DomainRule9Test, AnIllegalMoveNamesWhatIsAllowed) {
  const v1::MaintenanceTask cancelled = TaskIn(v1::TASK_STATUS_CANCELLED);
  const v1::MaintenanceTask completed = TaskIn(v1::TASK_STATUS_COMPLETED);

  EXPECT_EQ(Move(cancelled, v1::TASK_STATUS_IN_PROGRESS).status().message(),
            "task 1 cannot move from cancelled to in_progress; allowed: pending");
  EXPECT_EQ(Move(completed, v1::TASK_STATUS_PENDING).status().message(),
            "task 2 cannot move from completed to pending; allowed: none");
}

TEST_F(DomainRule9Test, AMoveExpectsAVersionOrAState) {
  CreateTask();

  const auto wrong = Call(&MaintenanceRepository::TransitionTask,
                          "id: 1 status: TASK_STATUS_SCHEDULED to: TASK_STATUS_IN_PROGRESS");
  const auto right = Call(&MaintenanceRepository::TransitionTask,
                          "id: 1 status: TASK_STATUS_PENDING to: TASK_STATUS_IN_PROGRESS");
  const auto none = Call(&MaintenanceRepository::TransitionTask, "id: 1 to: TASK_STATUS_COMPLETED");

  EXPECT_EQ(wrong.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(wrong.status().message(), "task 1 is pending, not scheduled");
  EXPECT_TRUE(right.ok()) << right.status();
  EXPECT_EQ(none.status().message(), "expected must be one of version, status");
}

TEST_F(DomainRule9Test, SchedulingNeedsAnInstantAndOnlyScheduling) {
  const v1::MaintenanceTask task = CreateTask();

  EXPECT_EQ(Move(task, v1::TASK_STATUS_SCHEDULED).status().message(),
            "scheduled_at must be set: the task is not planned yet");
  EXPECT_EQ(Move(task, v1::TASK_STATUS_IN_PROGRESS, At("scheduled_at", 9)).status().message(),
            "scheduled_at must be set only where to is SCHEDULED");
  EXPECT_EQ(Move(task, v1::TASK_STATUS_IN_PROGRESS, At("completed_at", 9)).status().message(),
            "completed_at must be set only where to is COMPLETED");
  const auto scheduled = Move(task, v1::TASK_STATUS_SCHEDULED, At("scheduled_at", 9));
  ASSERT_TRUE(scheduled.ok()) << scheduled.status();
  EXPECT_EQ(scheduled->task().details().scheduled_at().seconds(), 9);
  const auto pending = Move(scheduled->task(), v1::TASK_STATUS_PENDING);
  ASSERT_TRUE(pending.ok()) << pending.status();
  EXPECT_FALSE(pending->task().details().has_scheduled_at());
}

TEST_F(DomainRule9Test, TheTableItselfRefusesACompletionWithoutItsTime) {
  CreateTask();

  for (const char* bad : {"status = 'completed'", "completed_at = now()", "status = 'urgent'",
                          "status = 'scheduled'", "device_id = 'nowhere'"}) {
    EXPECT_THROW(database_.Execute(std::string("UPDATE aquifer.maintenance_tasks SET ") + bad),
                 pqxx::sql_error)
        << bad;
  }
}

class DomainRule13MaintenanceTest : public MaintenanceTasksTest {};

TEST_F(DomainRule13MaintenanceTest, NoErrorHoldsATextOfTheRequest) {
  const std::string secret = "SECRET" + std::string(3000, 'x');
  const std::string details = "title: '" + secret + "' description: '" + secret + "' location: '" +
                              secret + "' parts_needed: '" + secret + "'";
  const auto created = Call(&MaintenanceRepository::CreateTask, "details { " + details + " }");
  const auto technician = Call(&MaintenanceRepository::CreateTechnician,
                               "details { name: '" + secret + "' phone: '" + secret + "' }");

  EXPECT_EQ(created.status().ToString().find("SECRET"), std::string::npos) << created.status();
  EXPECT_EQ(technician.status().ToString().find("SECRET"), std::string::npos);
}

}  // namespace
}  // namespace aquifer
