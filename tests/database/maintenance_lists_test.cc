// Lists, counts and alerts of tasks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/testing/maintenance_test.h"

namespace aquifer {
namespace {

using testing::At;
using testing::TitlesOf;

class MaintenanceListsTest : public testing::MaintenanceTest {
 protected:
  // A task told apart by its title.
  v1::MaintenanceTask Add(const std::string& title, const std::string& details = "",
                          const std::string& more = "") {
    const auto answer = Call(
        &MaintenanceRepository::CreateTask,
        "details { title: '" + title + "' " +
            (details.find("type:") == std::string::npos ? "type: TASK_TYPE_SYSTEM_CLEANING " : "") +
            details + " } " + more);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? answer->task() : v1::MaintenanceTask();
  }

  // The titles a filter selects, newest first.
  std::string Listed(const std::string& filter, const std::string& more = "") {
    const auto answer =
        Call(&MaintenanceRepository::ListTasks, "filter { " + filter + " } " + more);
    if (!answer.ok()) return std::string(answer.status().message());
    return TitlesOf(answer->tasks());
  }

  // Everything page by page.
  std::string Paged(const std::string& text, int size) {
    auto request = testing::Parsed<v1::ListTasksRequest>(text);
    request.set_page_size(size);
    std::string titles;
    do {
      const auto page = Call(&MaintenanceRepository::ListTasks, request);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      EXPECT_LE(page->tasks_size(), size);
      titles += (titles.empty() ? "" : " ") + TitlesOf(page->tasks());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return titles;
  }
};

TEST_F(MaintenanceListsTest, EveryFilterSelects) {
  CreateMachine("1");
  CreateMachine("2");
  const std::string who = std::to_string(CreateTechnician());
  Add("a", "type: TASK_TYPE_EMERGENCY_REPAIR priority: TASK_PRIORITY_CRITICAL device_id: '1'");
  Add("b", "priority: TASK_PRIORITY_LOW device_id: '2' description: 'Змінити ФІЛЬТР'",
      "technician_id: " + who);
  // 2026-03-29 12:00 UTC, the day clocks change.
  Add("c", "device_id: '2' location: 'Lviv' " + At("scheduled_at", 1774785600));
  Move(Add("d", "parts_needed: 'O-ring'"), v1::TASK_STATUS_COMPLETED).IgnoreError();

  EXPECT_EQ(Listed(""), "d c b a");
  EXPECT_EQ(Listed("statuses: TASK_STATUS_COMPLETED"), "d");
  EXPECT_EQ(Listed("statuses: TASK_STATUS_COMPLETED statuses: TASK_STATUS_SCHEDULED"), "d c");
  EXPECT_EQ(Listed("priorities: TASK_PRIORITY_LOW priorities: TASK_PRIORITY_CRITICAL"), "b a");
  EXPECT_EQ(Listed("types: TASK_TYPE_EMERGENCY_REPAIR"), "a");
  EXPECT_EQ(Listed("types: TASK_TYPE_SYSTEM_CLEANING statuses: TASK_STATUS_PENDING"), "b");
  EXPECT_EQ(Listed("device_ids: '2'"), "c b");
  EXPECT_EQ(Listed("device_ids: '2' device_ids: '1' priorities: TASK_PRIORITY_LOW"), "b");
  EXPECT_EQ(Listed("technician_ids: " + who), "b");
  EXPECT_EQ(Listed("technician_ids: " + who + " statuses: TASK_STATUS_COMPLETED"), "");
  EXPECT_EQ(Listed("unassigned_only: true"), "d c a");
  EXPECT_EQ(Listed("days { first { year: 2026 month: 3 day: 29 } "
                   "last { year: 2026 month: 3 day: 29 } }"),
            "c");
  EXPECT_EQ(Listed("days { first { year: 2026 month: 3 day: 30 } "
                   "last { year: 2026 month: 3 day: 31 } }"),
            "");
  EXPECT_EQ(Listed("instants { start { seconds: 1774785600 } end { seconds: 1774785601 } }"), "c");
  EXPECT_EQ(Listed("instants { start { seconds: 1 } end { seconds: 1774785600 } }"), "");
  EXPECT_EQ(Listed("text: 'фільтр'"), "b");
  EXPECT_EQ(Listed("text: 'LVIV'"), "c");
  EXPECT_EQ(Listed("text: 'o-RING'"), "d");
  EXPECT_EQ(Listed("text: '%'"), "");
  EXPECT_EQ(Listed("text: 'A'"), "a");
  EXPECT_EQ(Listed("statuses: TASK_STATUS_UNSPECIFIED"),
            "filter.statuses must not hold UNSPECIFIED");
}

TEST_F(MaintenanceListsTest, FiltersMeanTheSameInBothOrdersAndOnEveryPath) {
  for (const char* id : {"0", "1", "2"}) CreateMachine(id);
  const std::int64_t technicians[] = {CreateTechnician(), CreateTechnician()};
  for (int i = 0; i < 60; ++i) {
    std::string details = std::string("priority: ") +
                          v1::TaskPriority_Name(static_cast<v1::TaskPriority>(1 + i % 4)) +
                          " type: " + v1::TaskType_Name(static_cast<v1::TaskType>(1 + i % 6));
    if (i % 3) details += " device_id: '" + std::to_string(i % 3) + "'";
    if (i % 2) details += At(" scheduled_at", 1774785600 + i % 7 * 86400);
    const std::string who =
        i % 5 == 0 ? "" : "technician_id: " + std::to_string(technicians[i % 2]);
    const v1::MaintenanceTask task = Add(std::to_string(i), details, who);
    if (i % 4 == 3) Move(task, v1::TASK_STATUS_COMPLETED).IgnoreError();
    if (i % 4 == 2) Move(task, v1::TASK_STATUS_IN_PROGRESS).IgnoreError();
  }
  // Each filter with the same said in SQL.
  const struct {
    const char* filter;
    const char* condition;
  } kFilters[] = {
      {"", "true"},
      {"statuses: TASK_STATUS_PENDING statuses: TASK_STATUS_COMPLETED",
       "status IN ('pending', 'completed')"},
      {"priorities: TASK_PRIORITY_HIGH", "priority = 'high'"},
      {"types: TASK_TYPE_EQUIPMENT_REPAIR types: TASK_TYPE_WATER_QUALITY_TEST",
       "type IN ('equipment_repair', 'water_quality_test')"},
      {"device_ids: '1' device_ids: '2' device_ids: '1'", "device_id IN ('1', '2')"},
      {"technician_ids: 1", "technician_id = 1"},
      {"device_ids: '1' technician_ids: 2", "device_id = '1' AND technician_id = 2"},
      {"unassigned_only: true", "technician_id IS NULL"},
      {"overdue_at { seconds: 1775044800 }",
       "scheduled_at < to_timestamp(1775044800) AND status NOT IN ('completed', 'cancelled')"},
      {"overdue_at { seconds: 1775044800 } types: TASK_TYPE_EQUIPMENT_REPAIR",
       "scheduled_at < to_timestamp(1775044800) AND status NOT IN ('completed', 'cancelled') "
       "AND type = 'equipment_repair'"},
      {"instants { start { seconds: 1774785600 } end { seconds: 1775044800 } }",
       "scheduled_at >= to_timestamp(1774785600) AND scheduled_at < to_timestamp(1775044800)"},
      {"text: '1'", "title LIKE '%1%'"},
  };
  for (const auto& [filter, condition] : kFilters) {
    for (const bool newest : {true, false}) {
      const std::string order = newest ? "id DESC" : "scheduled_at NULLS LAST, id";
      const std::string expected =
          Value("SELECT COALESCE(string_agg(title, ' ' ORDER BY " + order +
                "), '') FROM aquifer.maintenance_tasks WHERE " + condition);
      const std::string request =
          std::string("filter { ") + filter +
          " } order: " + (newest ? "TASK_ORDER_NEWEST_FIRST" : "TASK_ORDER_SCHEDULED_FIRST");

      EXPECT_EQ(Paged(request, 7), expected) << request;
      EXPECT_EQ(Paged(request, 1000), expected) << request;
    }
  }
}

TEST_F(MaintenanceListsTest, APageTokenBelongsToItsFilterAndOrder) {
  for (const char* title : {"a", "b", "c"}) Add(title);
  auto request = testing::Parsed<v1::ListTasksRequest>("page_size: 2");
  const auto page = Call(&MaintenanceRepository::ListTasks, request);
  ASSERT_TRUE(page.ok()) << page.status();
  request.set_page_token(page->next_page_token());
  request.set_order(v1::TASK_ORDER_SCHEDULED_FIRST);

  EXPECT_EQ(ReasonOf(Call(&MaintenanceRepository::ListTasks, request).status()),
            "PAGE_TOKEN_MISMATCH");
}

TEST_F(MaintenanceListsTest, OverdueIsMeantAtAnInstant) {
  Add("early", At("scheduled_at", 1000));
  Add("late", At("scheduled_at", 2000));
  Add("undated");
  Move(Add("begun", At("scheduled_at", 1000)), v1::TASK_STATUS_IN_PROGRESS).IgnoreError();
  Move(Add("done", At("scheduled_at", 1000)), v1::TASK_STATUS_COMPLETED).IgnoreError();
  Move(Add("dropped", At("scheduled_at", 1000)), v1::TASK_STATUS_CANCELLED).IgnoreError();
  const auto overdue = [&](int second) {
    const auto answer = Call(&MaintenanceRepository::CountTasks, At("as_of", second));
    EXPECT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->as_of().seconds(), second);
    return answer->overdue();
  };

  EXPECT_EQ(Listed(At("overdue_at", 1000)), "");
  EXPECT_EQ(Listed(At("overdue_at", 1001)), "begun early");
  EXPECT_EQ(Listed(At("overdue_at", 2001)), "begun late early");
  EXPECT_EQ(overdue(1000), 0);
  EXPECT_EQ(overdue(1001), 2);
  EXPECT_EQ(overdue(2001), 3);
}

TEST_F(MaintenanceListsTest, CountsAreByStatePriorityAndTypeAtOnce) {
  CreateMachine("1");
  Add("a", "device_id: '1' priority: TASK_PRIORITY_HIGH");
  Add("b", "device_id: '1' type: TASK_TYPE_EMERGENCY_REPAIR");
  Move(Add("c"), v1::TASK_STATUS_COMPLETED).IgnoreError();

  const auto all = Call(&MaintenanceRepository::CountTasks, "");
  const auto some = Call(&MaintenanceRepository::CountTasks, "filter { device_ids: '1' }");

  ASSERT_TRUE(all.ok() && some.ok());
  EXPECT_EQ(all->tasks(), 3);
  ASSERT_EQ(all->by_status_size(), 5);
  EXPECT_EQ(all->by_status(0).status(), v1::TASK_STATUS_PENDING);
  EXPECT_EQ(all->by_status(0).tasks(), 2);
  EXPECT_EQ(all->by_status(3).tasks(), 1);
  EXPECT_EQ(all->by_status(4).tasks(), 0);
  ASSERT_EQ(all->by_priority_size(), 4);
  EXPECT_EQ(all->by_priority(1).tasks(), 2);
  EXPECT_EQ(all->by_priority(2).tasks(), 1);
  ASSERT_EQ(all->by_type_size(), 6);
  EXPECT_EQ(all->by_type(1).tasks(), 2);
  EXPECT_EQ(all->by_type(5).tasks(), 1);
  EXPECT_TRUE(all->has_as_of());
  EXPECT_EQ(some->tasks(), 2);
  EXPECT_EQ(some->by_status(3).tasks(), 0);
}

TEST_F(MaintenanceListsTest, CountsOfNothingAreZero) {
  const auto answer = Call(&MaintenanceRepository::CountTasks, "");

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->tasks(), 0);
  EXPECT_EQ(answer->by_type_size(), 6);
  EXPECT_TRUE(answer->has_as_of());
}

class DomainRule9AlertsTest : public MaintenanceListsTest {
 protected:
  std::string Alerts(const std::string& request) {
    const auto answer = Call(&MaintenanceRepository::ListAlerts, request);
    if (!answer.ok()) return std::string(answer.status().message());
    std::string titles;
    for (const auto& alert : answer->alerts()) {
      titles += (titles.empty() ? "" : " ") + alert.task().details().title() +
                (alert.overdue() ? "!" : "");
    }
    return titles;
  }
};

TEST_F(DomainRule9AlertsTest, AlertsAreUrgentAndLeaveOutWhatIsFinished) {
  const std::string high = "priority: TASK_PRIORITY_HIGH ";
  const std::string critical = "priority: TASK_PRIORITY_CRITICAL ";
  Add("medium");
  Add("high", high);
  Add("critical", critical);
  Add("overdue", At("scheduled_at", 1000));
  Add("later", At("scheduled_at", 3000));
  Add("both", high + At("scheduled_at", 1000));
  Move(Add("begun", critical), v1::TASK_STATUS_IN_PROGRESS).IgnoreError();
  Move(Add("done", critical + At("scheduled_at", 1000)), v1::TASK_STATUS_COMPLETED).IgnoreError();
  Move(Add("dropped", critical + At("scheduled_at", 1000)), v1::TASK_STATUS_CANCELLED)
      .IgnoreError();

  EXPECT_EQ(Alerts(At("as_of", 2000)), "critical begun both! high overdue!");
  EXPECT_EQ(Alerts(At("as_of", 1000)), "critical begun both high");
  EXPECT_EQ(Alerts(""), "critical begun both! high overdue! later!");
}

TEST_F(DomainRule9AlertsTest, AlertsArePagedAtOneInstantAndFiltered) {
  CreateMachine("1");
  const std::string who = std::to_string(CreateTechnician());
  for (int i = 0; i < 7; ++i) {
    Add(std::to_string(i), "priority: TASK_PRIORITY_HIGH device_id: '1'");
  }
  Add("mine", At("scheduled_at", 1000), "technician_id: " + who);
  v1::ListAlertsRequest request;
  request.set_page_size(3);
  std::string titles, instants;

  for (int page = 0; page < 3; ++page) {
    const auto answer = Call(&MaintenanceRepository::ListAlerts, request);
    ASSERT_TRUE(answer.ok()) << answer.status();
    for (const auto& alert : answer->alerts()) titles += alert.task().details().title() + " ";
    if (page == 0) instants = answer->as_of().DebugString();
    EXPECT_EQ(answer->as_of().DebugString(), instants);
    request.set_page_token(answer->next_page_token());
    EXPECT_EQ(request.page_token().empty(), page == 2);
  }

  EXPECT_EQ(titles, "0 1 2 3 4 5 6 mine ");
  EXPECT_EQ(Alerts("technician_ids: " + who), "mine!");
  EXPECT_EQ(Alerts("device_ids: '1' page_size: 1"), "0");
}

}  // namespace
}  // namespace aquifer
