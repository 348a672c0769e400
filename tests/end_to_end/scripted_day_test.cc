// A day of the original bot, from the fetch at 08:00 to the tasks of the afternoon, over a socket
// and with crashes in between. What the server's books say in the end is what the script says.
#include "tests/end_to_end/scripted_day.h"

#include <gmock/gmock.h>

#include <utility>

namespace aquifer::testing {
namespace {

using ::testing::SizeIs;

}  // namespace

void ScriptedDayTest::WorkOffTasks() {
  using Stub = v1::MaintenanceRepository::Stub;
  v1::CreateTechnicianRequest technician;
  technician.mutable_details()->set_name("technician");
  technician.set_request_id(NewUuid());
  const auto hired = Do(maintenance_, &Stub::CreateTechnician, technician).technician();
  EXPECT_EQ(Do(maintenance_, &Stub::CreateTechnician, technician).technician().id(), hired.id());

  // Three urgent tasks, each created, and created again by a bot that heard no answer.
  std::vector<v1::MaintenanceTask> tasks;
  for (int i = 0; i < 3; ++i) {
    v1::CreateTaskRequest request;
    request.mutable_details()->set_title(absl::StrCat("task ", i));
    request.mutable_details()->set_type(v1::TASK_TYPE_EQUIPMENT_REPAIR);
    request.mutable_details()->set_priority(v1::TASK_PRIORITY_CRITICAL);
    request.mutable_details()->set_device_id(vendor_.devices()[i]);
    request.set_request_id(NewUuid());
    tasks.push_back(Do(maintenance_, &Stub::CreateTask, request).task());
    EXPECT_EQ(Do(maintenance_, &Stub::CreateTask, request).task().id(), tasks.back().id());
  }
  EXPECT_THAT(Do(maintenance_, &Stub::ListAlerts, v1::ListAlertsRequest()).alerts(), SizeIs(3));

  // Two are done.
  for (int i = 0; i < 2; ++i) {
    v1::AssignTaskRequest assign;
    assign.set_id(tasks[i].id());
    assign.set_version(tasks[i].version());
    assign.set_technician_id(hired.id());
    assign.set_request_id(NewUuid());
    const auto assigned = Do(maintenance_, &Stub::AssignTask, assign).task();
    EXPECT_EQ(assigned.technician_id(), hired.id());
    EXPECT_EQ(Do(maintenance_, &Stub::AssignTask, assign).task().version(), assigned.version());
    for (const auto& [from, to] :
         {std::pair(v1::TASK_STATUS_PENDING, v1::TASK_STATUS_IN_PROGRESS),
          std::pair(v1::TASK_STATUS_IN_PROGRESS, v1::TASK_STATUS_COMPLETED)}) {
      v1::TransitionTaskRequest move;
      move.set_id(tasks[i].id());
      move.set_status(from);
      move.set_to(to);
      move.set_request_id(NewUuid());
      EXPECT_EQ(Do(maintenance_, &Stub::TransitionTask, move).task().status(), to);
      EXPECT_EQ(Do(maintenance_, &Stub::TransitionTask, move).task().status(), to);
    }
    v1::GetMachineRequest machine;
    machine.set_device_id(vendor_.devices()[i]);
    EXPECT_TRUE(
        Do(maintenance_, &Stub::GetMachine, machine).machine().details().has_last_maintenance_at());
  }

  const auto alerts = Do(maintenance_, &Stub::ListAlerts, v1::ListAlertsRequest());
  ASSERT_THAT(alerts.alerts(), SizeIs(1));
  EXPECT_EQ(alerts.alerts(0).task().id(), tasks[2].id());
  const auto counts = Do(maintenance_, &Stub::CountTasks, v1::CountTasksRequest());
  EXPECT_EQ(counts.tasks(), 3);
  std::map<v1::TaskStatus, std::int64_t> by_status;
  for (const auto& count : counts.by_status()) by_status[count.status()] = count.tasks();
  EXPECT_EQ(by_status[v1::TASK_STATUS_COMPLETED], 2);
  EXPECT_EQ(by_status[v1::TASK_STATUS_PENDING], 1);
}

TEST_F(ScriptedDayTest, FiguresInTheEndAreThoseOfTheScript) {
  const auto whole = BooksOf(vendor_.all());

  ASSERT_NO_FATAL_FAILURE(RegisterTheFleet());
  ASSERT_NO_FATAL_FAILURE(RegisterThePeople());
  ASSERT_NO_FATAL_FAILURE(StoreTheDaysBefore());
  ASSERT_NO_FATAL_FAILURE(FetchYesterdayWithACrash());
  ASSERT_NO_FATAL_FAILURE(CheckCompletenessAndFetchAgain());
  ASSERT_NO_FATAL_FAILURE(CompareSummaries());
  ASSERT_NO_FATAL_FAILURE(BroadcastWithACrash());
  ASSERT_NO_FATAL_FAILURE(CompareMonthReport());
  ASSERT_NO_FATAL_FAILURE(WorkOffTasks());

  EXPECT_EQ(BooksOf(Summarize(vendor_.first_day(), vendor_.last_day(), {}).total()), whole);
  EXPECT_GT(whole.lines, 500);
  const auto stored =
      database_.Execute("SELECT count(*), (sum(total) * 100)::bigint FROM aquifer.collections")[0];
  EXPECT_EQ(stored[0].as<std::int64_t>(), whole.lines);
  EXPECT_EQ(stored[1].as<std::int64_t>(), whole.total());
}

}  // namespace aquifer::testing
