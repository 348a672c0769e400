// Lists of workers: filters, search, pages.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "repositories/errors.h"
#include "tests/testing/stored_lines.h"
#include "tests/testing/workers_test.h"

namespace aquifer {
namespace {

using testing::DayOf;
using testing::InsertAlias;
using testing::LineAt;

class WorkerSearchTest : public testing::WorkersTest {
 protected:
  std::string Found(const std::string& search) {
    v1::WorkerFilter filter;
    filter.set_search(search);
    return IdsOf(filter);
  }
};

TEST_F(WorkerSearchTest, FindsAPartOfANameInAnyCase) {
  Create("Євгенія Ґалаґан");
  Create("ЇЖАКЕВИЧ Іван");
  Create("Smith JOHN");

  EXPECT_EQ(Found("євгенія"), "1 ");
  EXPECT_EQ(Found("ҐАЛАҐАН"), "1 ");
  EXPECT_EQ(Found("їжак"), "2 ");
  EXPECT_EQ(Found("ІВАН"), "2 ");
  EXPECT_EQ(Found("john"), "3 ");
  EXPECT_EQ(Found("МИТ"), "");
  EXPECT_EQ(Found(""), "1 2 3 ");
}

TEST_F(WorkerSearchTest, FindsUkrainianLettersWhateverTheDatabaseTakesForLetters) {
  Create("Євгенія Ґалаґан");
  // As lower() is in a database whose LC_CTYPE is C.
  EXPECT_EQ(Value("SELECT lower('Є' COLLATE \"C\")"), "Є");
  EXPECT_EQ(Value("SELECT aquifer.folded('ЄВГЕНІЯ ҐАЛАҐАН Щ' COLLATE \"C\")"), "євгенія ґалаґан щ");
}

TEST_F(WorkerSearchTest, TheApostrophesOfNamesAreOne) {
  Create("Дар’я");
  Create("Дарʼя");
  Create("Дар'я");

  for (const char* search : {"дар’я", "ДАРʼЯ", "дар'я"}) EXPECT_EQ(Found(search), "1 2 3 ");
}

TEST_F(WorkerSearchTest, NoCharacterIsAWildcard) {
  Create("a%b_c\\d");
  Create("axbxcxd");

  EXPECT_EQ(Found("%"), "1 ");
  EXPECT_EQ(Found("_"), "1 ");
  EXPECT_EQ(Found("\\"), "1 ");
  EXPECT_EQ(Found("a%d"), "");
  EXPECT_EQ(Found("' OR true --"), "");
}

TEST_F(WorkerSearchTest, FindsAPhoneHoweverItIsSpaced) {
  Create("Ivan", "+38 (050) 123-45-67");
  Create("Olena", "0671234567");

  EXPECT_EQ(Found("0501234567"), "1 ");
  EXPECT_EQ(Found("(067) 123-45-67"), "2 ");
  EXPECT_EQ(Found("123-45"), "1 2 ");
  EXPECT_EQ(Found("12 34"), "1 2 ");
  EXPECT_EQ(Found("1x2"), "");
  // Too few digits to be a number; found as they are written.
  EXPECT_EQ(Found("-4"), "1 ");
}

class WorkerPagesTest : public testing::WorkersTest {
 protected:
  static constexpr int kWorkers = 7;

  WorkerPagesTest() {
    database_.Execute(
        "INSERT INTO aquifer.workers (name, chat_id, receives_summaries) "
        "SELECT 'w' || n, n, true FROM generate_series(1, 7) AS n");
  }

  // Reads all pages of `size`; answers how many there were.
  template <typename Request, typename Response>
  int Pages(absl::StatusOr<Response> (WorkerRepository::*method)(const Request&), Request request,
            int size, int& rows, int (Response::*count)() const) {
    request.set_page_size(size);
    int pages = 0;
    rows = 0;
    do {
      const auto answer = Done(method, request);
      rows += (answer.*count)();
      request.set_page_token(answer.next_page_token());
      ++pages;
    } while (!request.page_token().empty() && pages <= kWorkers);
    return pages;
  }
};

TEST_F(WorkerPagesTest, PagesHoldEveryRowOnce) {
  v1::ListInactiveCollectorsRequest inactive;
  *inactive.mutable_since() = DayOf(2026, 3, 1);
  for (const auto& [size, pages] : {std::pair(1, 7), std::pair(3, 3), std::pair(7, 1)}) {
    int rows = 0;
    EXPECT_EQ(Pages(&WorkerRepository::ListWorkers, v1::ListWorkersRequest(), size, rows,
                    &v1::ListWorkersResponse::workers_size),
              pages);
    EXPECT_EQ(rows, kWorkers);
    EXPECT_EQ(Pages(&WorkerRepository::ListSummaryRecipients, v1::ListSummaryRecipientsRequest(),
                    size, rows, &v1::ListSummaryRecipientsResponse::recipients_size),
              pages);
    EXPECT_EQ(rows, kWorkers);
    EXPECT_EQ(Pages(&WorkerRepository::ListInactiveCollectors, inactive, size, rows,
                    &v1::ListInactiveCollectorsResponse::collectors_size),
              pages);
    EXPECT_EQ(rows, kWorkers);
  }
}

TEST_F(WorkerPagesTest, AWorkerAddedOrDeletedMeanwhileShiftsNoPage) {
  v1::ListWorkersRequest request;
  request.set_page_size(3);
  request.set_page_token(Done(&WorkerRepository::ListWorkers, request).next_page_token());
  ASSERT_TRUE(Delete(Get(1)).ok());
  Create();

  const auto second = Done(&WorkerRepository::ListWorkers, request);

  EXPECT_EQ(second.workers(0).id(), 4);
}

TEST_F(WorkerPagesTest, FiftyAreTheDefaultAndAThousandTheMost) {
  database_.Execute(
      "INSERT INTO aquifer.workers (name) SELECT 'x' || n FROM generate_series(1, 1100) AS n");
  v1::ListWorkersRequest request;
  EXPECT_EQ(Done(&WorkerRepository::ListWorkers, request).workers_size(), 50);

  request.set_page_size(1000);

  EXPECT_EQ(Done(&WorkerRepository::ListWorkers, request).workers_size(), 1000);
}

TEST_F(WorkerPagesTest, ATokenOfAnotherFilterIsRefused) {
  v1::ListWorkersRequest request;
  request.set_page_size(1);
  request.set_page_token(Done(&WorkerRepository::ListWorkers, request).next_page_token());
  request.mutable_filter()->set_search("w");

  const auto answer = Call(&WorkerRepository::ListWorkers, request);

  EXPECT_EQ(ReasonOf(answer.status()), "PAGE_TOKEN_MISMATCH");
}

class InactiveCollectorsTest : public testing::WorkersTest {
 protected:
  std::string InactiveSince(const v1::Day& day) {
    v1::ListInactiveCollectorsRequest request;
    *request.mutable_since() = day;
    std::string shown;
    const auto answer = Done(&WorkerRepository::ListInactiveCollectors, request);
    for (const auto& each : answer.collectors()) {
      shown += each.worker().name();
      shown += each.has_last_collected_at() ? " once, " : " never, ";
    }
    return shown;
  }
};

TEST_F(InactiveCollectorsTest, ThoseWhoStoppedAndThoseWhoNeverBeganAreListed) {
  for (const char* name : {"Stopped", "Busy", "Never", "Unemployed", "Deleted"}) Create(name);
  // Two texts each; the last line of either counts. 2026-03-10 begins at 22:00 UTC the day before.
  ASSERT_TRUE(RecordAll({LineAt("2026-03-01 10:00:00").Notes(1).Collector("s1"),
                         LineAt("2026-03-09 23:59:59").Notes(1).Collector("s2"),
                         LineAt("2026-03-10 00:00:00").Notes(1).Collector("b1"),
                         LineAt("2026-01-01 10:00:00").Notes(1).Collector("b2")})
                  .ok());
  for (const char* text : {"s1", "s2"}) InsertAlias(database_, text, 1);
  for (const char* text : {"b1", "b2", "unused"}) InsertAlias(database_, text, 2);
  database_.Execute("UPDATE aquifer.workers SET employed = false WHERE id = 4");
  ASSERT_TRUE(Delete(Get(5)).ok());

  EXPECT_EQ(InactiveSince(DayOf(2026, 3, 10)), "Stopped once, Never never, ");
  EXPECT_EQ(InactiveSince(DayOf(2026, 3, 11)), "Stopped once, Busy once, Never never, ");
  EXPECT_EQ(InactiveSince(DayOf(2026, 3, 9)), "Never never, ");
}

class AssignedDevicesTest : public testing::WorkersTest {
 protected:
  AssignedDevicesTest() {
    Create("Ivan");
    Create("Olena");
  }

  // "added removed unchanged", or the reason why not.
  std::string Set(std::int64_t worker_id, const std::vector<std::string>& devices) {
    v1::SetAssignedDevicesRequest request;
    request.set_worker_id(worker_id);
    for (const std::string& device : devices) request.add_device_ids(device);
    const auto answer = Call(&WorkerRepository::SetAssignedDevices, request);
    if (!answer.ok()) return ReasonOf(answer.status());
    return std::to_string(answer->added()) + ' ' + std::to_string(answer->removed()) + ' ' +
           std::to_string(answer->unchanged());
  }

  // All pages of one each, as "worker:device".
  std::string List(std::int64_t worker_id, const std::string& device_id) {
    v1::ListAssignedDevicesRequest request;
    request.set_worker_id(worker_id);
    request.set_device_id(device_id);
    request.set_page_size(1);
    std::string shown;
    do {
      const auto answer = Done(&WorkerRepository::ListAssignedDevices, request);
      for (const auto& each : answer.devices()) {
        shown += std::to_string(each.worker_id()) + ':' + each.device_id() + ' ';
      }
      request.set_page_token(answer.next_page_token());
    } while (!request.page_token().empty() && shown.size() < 100);
    return shown;
  }
};

TEST_F(AssignedDevicesTest, SettingThemTellsWhatChanged) {
  EXPECT_EQ(Set(1, {"164", "0_Cards", "164"}), "2 0 0");
  EXPECT_EQ(Set(1, {"164", "0_Cards"}), "0 0 2");
  EXPECT_EQ(Set(1, {"164", "165"}), "1 1 1");
  EXPECT_EQ(Set(1, {}), "0 2 0");
  EXPECT_EQ(Set(99, {"164"}), "WORKER_NOT_FOUND");
  EXPECT_EQ(Set(1, {"164", ""}), "INVALID_FIELDS");
}

TEST_F(AssignedDevicesTest, ListsByWorkerAndByDevice) {
  Set(1, {"164", "165"});
  Set(2, {"164", "166"});

  EXPECT_EQ(List(0, ""), "1:164 1:165 2:164 2:166 ");
  EXPECT_EQ(List(1, ""), "1:164 1:165 ");
  EXPECT_EQ(List(2, ""), "2:164 2:166 ");
  EXPECT_EQ(List(0, "164"), "1:164 2:164 ");
  EXPECT_EQ(List(2, "164"), "2:164 ");
  EXPECT_EQ(List(1, "166"), "");
}

}  // namespace
}  // namespace aquifer
