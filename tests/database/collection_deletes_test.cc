#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "google/rpc/error_details.pb.h"
#include "repositories/errors.h"
#include "repositories/page.h"
#include "tests/testing/collections_test.h"
#include "tests/testing/stored_lines.h"
#include "tests/testing/times.h"

namespace aquifer {
namespace {

using testing::DayOf;
using testing::DaysOf;
using ::testing::HasSubstr;
using testing::InsertLine;
using testing::InsertLines;
using ::testing::Not;

// The details that `status` carries.
template <typename Detail>
Detail DetailOf(const absl::Status& status) {
  Detail detail;
  const auto payload =
      status.GetPayload("type.googleapis.com/" + Detail::descriptor()->full_name());
  EXPECT_TRUE(payload && detail.ParseFromString(std::string(*payload)));
  return detail;
}

class CollectionDeletesTest : public testing::CollectionsTest {
 protected:
  static v1::DeleteCollectionsRequest OfDevice(const std::string& device_id) {
    v1::DeleteCollectionsRequest request;
    request.mutable_filter()->add_device_ids(device_id);
    request.set_reason("recorded twice");
    request.set_actor("olena");
    return request;
  }

  absl::StatusOr<v1::DeleteCollectionsResponse> DryRun(v1::DeleteCollectionsRequest request) {
    request.set_dry_run(true);
    return Call(&CollectionRepository::DeleteCollections, request);
  }

  absl::StatusOr<v1::DeleteCollectionsResponse> Delete(v1::DeleteCollectionsRequest request,
                                                       std::int64_t expected) {
    request.set_expected_count(expected);
    return Call(&CollectionRepository::DeleteCollections, request);
  }

  std::string Lines() { return Value("SELECT count(*) FROM aquifer.collections"); }
  std::string Audited() { return Value("SELECT count(*) FROM aquifer.collection_audit"); }
};

TEST_F(CollectionDeletesTest, DryRunOnlyCounts) {
  InsertLine(database_, {.device_id = "7", .banknotes_minor = 15050, .coins_minor = 5});
  InsertLine(database_, {.device_id = "7", .collected_at = "2026-03-11", .banknotes_minor = 100});
  InsertLine(database_, {.device_id = "8"});

  const auto response = DryRun(OfDevice("7"));

  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->matched(), 2);
  EXPECT_EQ(response->deleted(), 0);
  EXPECT_EQ(response->total_minor(), 15155);
  EXPECT_EQ(Lines(), "3");
  EXPECT_EQ(Audited(), "0");
}

TEST_F(CollectionDeletesTest, DryRunOfNothingCountsNothing) {
  const auto response = DryRun(OfDevice("7"));

  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->matched(), 0);
  EXPECT_EQ(response->total_minor(), 0);
}

TEST_F(CollectionDeletesTest, DeletesTheExpectedLinesAndNoOther) {
  InsertLine(database_, {.device_id = "7", .banknotes_minor = 15050, .coins_minor = 5});
  InsertLine(database_, {.device_id = "7", .collected_at = "2026-03-11", .banknotes_minor = 100});
  InsertLine(database_, {.device_id = "8"});

  const auto response = Delete(OfDevice("7"), 2);

  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->matched(), 2);
  EXPECT_EQ(response->deleted(), 2);
  EXPECT_EQ(response->total_minor(), 15155);
  EXPECT_EQ(Value("SELECT string_agg(device_id, ',') FROM aquifer.collections"), "8");
}

TEST_F(CollectionDeletesTest, AuditKeepsWhatWasWhoAskedAndWhy) {
  const auto id = InsertLine(database_, {.device_id = "7",
                                         .collected_at = "2026-03-10T10:00:00Z",
                                         .banknotes_minor = 15050,
                                         .coins_minor = 5,
                                         .collector = "petro",
                                         .note = "raw \"text\""});

  ASSERT_TRUE(Delete(OfDevice("7"), 1).ok());

  const auto audit = database_.Execute(
      "SELECT collection_id, action, reason, actor, before->>'device_id', "
      "(before->>'collected_at')::timestamptz = '2026-03-10T10:00:00Z', before->>'banknotes', "
      "before->>'coins', before->>'collector', before->>'note', before->>'version' "
      "FROM aquifer.collection_audit");
  ASSERT_EQ(audit.size(), 1u);
  EXPECT_EQ(audit[0][0].as<std::int64_t>(), id);
  EXPECT_STREQ(audit[0][1].c_str(), "delete");
  EXPECT_STREQ(audit[0][2].c_str(), "recorded twice");
  EXPECT_STREQ(audit[0][3].c_str(), "olena");
  EXPECT_STREQ(audit[0][4].c_str(), "7");
  EXPECT_STREQ(audit[0][5].c_str(), "t");
  EXPECT_STREQ(audit[0][6].c_str(), "150.50");
  EXPECT_STREQ(audit[0][7].c_str(), "0.05");
  EXPECT_STREQ(audit[0][8].c_str(), "petro");
  EXPECT_STREQ(audit[0][9].c_str(), "raw \"text\"");
  EXPECT_STREQ(audit[0][10].c_str(), "1");
}

TEST_F(CollectionDeletesTest, DeletesByDaysToo) {
  for (const char* at : {"2026-03-09 23:59:59", "2026-03-10 00:00:00", "2026-03-11 00:00:00"}) {
    InsertLine(database_, {.collected_at = at});
  }
  v1::DeleteCollectionsRequest request = OfDevice("7");
  *request.mutable_filter()->mutable_days() = DaysOf(DayOf(2026, 3, 10), DayOf(2026, 3, 10));
  request.mutable_filter()->clear_device_ids();

  const auto response = Delete(request, 1);

  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.collections "
                  "WHERE collected_at::date = '2026-03-10'"),
            "0");
  EXPECT_EQ(Lines(), "2");
}

TEST_F(CollectionDeletesTest, AnotherCountThanExpectedDeletesNothing) {
  InsertLines(database_, {.lines = 5, .devices = 1});

  for (const int expected : {0, 4, 6}) {
    const auto response = Delete(OfDevice("device-0"), expected);

    EXPECT_EQ(response.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ReasonOf(response.status()), "COUNT_MISMATCH");
    const auto info = DetailOf<google::rpc::ErrorInfo>(response.status());
    EXPECT_EQ(info.metadata().at("expected"), std::to_string(expected));
    EXPECT_EQ(info.metadata().at("matched"), "5");
  }
  EXPECT_EQ(Lines(), "5");
  EXPECT_EQ(Audited(), "0");
}

TEST_F(CollectionDeletesTest, ExpectingNothingAndFindingNothingIsFine) {
  const auto response = Delete(OfDevice("7"), 0);

  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->deleted(), 0);
}

TEST_F(CollectionDeletesTest, TenThousandLinesAreTheMost) {
  InsertLines(database_, {.lines = 10001, .devices = 1});

  const auto refused = Delete(OfDevice("device-0"), 10000);

  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(refused.status()), "TOO_MANY_LINES");
  EXPECT_EQ(DryRun(OfDevice("device-0"))->matched(), 10001) << "a dry run may count more";
  EXPECT_EQ(Lines(), "10001");

  database_.Execute(
      "DELETE FROM aquifer.collections WHERE id = (SELECT min(id) FROM aquifer.collections)");
  const auto deleted = Delete(OfDevice("device-0"), 10000);

  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_EQ(deleted->deleted(), 10000);
  EXPECT_EQ(Lines(), "0");
  EXPECT_EQ(Audited(), "10000");
}

TEST_F(CollectionDeletesTest, FilterMustNameDaysInstantsOrDevices) {
  v1::DeleteCollectionsRequest request = OfDevice("7");
  request.mutable_filter()->clear_device_ids();
  request.mutable_filter()->add_collectors("petro");
  request.mutable_filter()->set_min_total_minor(1);

  for (const auto& response : {DryRun(request), Delete(request, 0)}) {
    EXPECT_EQ(response.status().code(), absl::StatusCode::kInvalidArgument);
    const auto details = DetailOf<google::rpc::BadRequest>(response.status());
    ASSERT_EQ(details.field_violations_size(), 1);
    EXPECT_EQ(details.field_violations(0).field(), "filter");
  }
}

TEST_F(CollectionDeletesTest, EveryBadFieldIsNamedAtOnce) {
  v1::DeleteCollectionsRequest request;
  request.set_dry_run(false);

  const auto response = Call(&CollectionRepository::DeleteCollections, request);

  const auto details = DetailOf<google::rpc::BadRequest>(response.status());
  ASSERT_EQ(details.field_violations_size(), 2);
  EXPECT_EQ(details.field_violations(0).field(), "filter");
  EXPECT_EQ(details.field_violations(1).field(), "dry_run");
}

// Another transaction, and a deletion that has to wait for it.
class ConcurrentDeletesTest : public CollectionDeletesTest {
 protected:
  // Begins the deletion in a thread and returns once it waits for a lock.
  std::future<absl::StatusOr<v1::DeleteCollectionsResponse>> DeleteInBackground(
      const v1::DeleteCollectionsRequest& request, std::int64_t expected) {
    auto running = std::async(std::launch::async,
                              [this, request, expected] { return Delete(request, expected); });
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (Value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                 "AND wait_event_type = 'Lock'") == "0") {
      if (absl::Now() > deadline) {
        ADD_FAILURE() << "the deletion does not wait";
        break;
      }
    }
    return running;
  }
};

TEST_F(ConcurrentDeletesTest, LineDeletedMeanwhileDoesNotCount) {
  InsertLines(database_, {.lines = 3, .devices = 1});
  pqxx::connection connection(database_.url());
  pqxx::work other(connection);
  other.exec(
      "DELETE FROM aquifer.collections WHERE id = (SELECT min(id) FROM aquifer.collections)");

  auto running = DeleteInBackground(OfDevice("device-0"), 3);
  other.commit();
  const auto response = running.get();

  EXPECT_EQ(ReasonOf(response.status()), "COUNT_MISMATCH");
  EXPECT_EQ(Lines(), "2");
  EXPECT_EQ(Audited(), "0");
}

TEST_F(ConcurrentDeletesTest, LineChangedMeanwhileIsAuditedAsItThenWas) {
  InsertLines(database_, {.lines = 3, .devices = 1});
  pqxx::connection connection(database_.url());
  pqxx::work other(connection);
  other.exec("UPDATE aquifer.collections SET note = 'changed'");

  auto running = DeleteInBackground(OfDevice("device-0"), 3);
  other.commit();
  const auto response = running.get();

  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(
      Value("SELECT count(*) FROM aquifer.collection_audit WHERE before->>'note' = 'changed'"),
      "3");
}

TEST_F(ConcurrentDeletesTest, LineChangedOutOfTheFilterMeanwhileDoesNotCount) {
  InsertLines(database_, {.lines = 3, .devices = 1});
  v1::DeleteCollectionsRequest request = OfDevice("device-0");
  request.mutable_filter()->set_max_total_minor(100000);
  pqxx::connection connection(database_.url());
  pqxx::work other(connection);
  other.exec(
      "UPDATE aquifer.collections SET banknotes = 5000 "
      "WHERE id = (SELECT min(id) FROM aquifer.collections)");

  auto running = DeleteInBackground(request, 3);
  other.commit();
  const auto response = running.get();

  EXPECT_EQ(ReasonOf(response.status()), "COUNT_MISMATCH");
  EXPECT_EQ(Lines(), "3");
}

// Personal data and free text never reach an error.
class DomainRule13ReadsTest : public CollectionDeletesTest {};

TEST_F(DomainRule13ReadsTest, NoErrorHoldsAFiltersSensitiveText) {
  InsertLine(database_, {.device_id = "7", .collector = "Petro Secret"});
  v1::DeleteCollectionsRequest request = OfDevice("7");
  request.mutable_filter()->add_collectors("Petro Secret");
  request.set_reason("Reason Secret");
  request.set_actor("Actor Secret");
  v1::DeleteCollectionsRequest unbounded = request;
  unbounded.mutable_filter()->clear_device_ids();
  v1::ListCollectionsRequest list;
  list.mutable_filter()->add_collectors("Petro Secret");
  list.set_page_token(EncodePageToken(list, {"Petro Secret", "0", "1"}));

  for (const absl::Status& status :
       {Delete(request, 5).status(), Delete(unbounded, 1).status(), DryRun(unbounded).status(),
        Call(&CollectionRepository::ListCollections, list).status()}) {
    ASSERT_FALSE(status.ok());
    EXPECT_THAT(status.ToString(absl::StatusToStringMode::kWithEverything),
                Not(HasSubstr("Secret")));
  }
}

}  // namespace
}  // namespace aquifer
