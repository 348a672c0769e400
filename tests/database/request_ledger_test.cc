#include "repositories/request_ledger.h"

#include <absl/strings/str_cat.h>
#include <absl/synchronization/notification.h>
#include <gmock/gmock.h>

#include <string>
#include <thread>

#include "repositories/errors.h"
#include "tests/testing/eventually.h"
#include "tests/testing/repository_test.h"

namespace aquifer {
namespace {

constexpr char kId[] = "123e4567-e89b-12d3-a456-426614174000";

RequestKey KeyOf(const std::string& id, std::uint64_t fingerprint = 7) {
  return {.request_id = id, .method = "Test.Write", .fingerprint = fingerprint};
}

class RequestLedgerTest : public testing::RepositoryTest {
 protected:
  using Found = std::optional<std::string>;

  // One write with a request_id, as the path of an RPC does it: the first answer, or `answer`.
  absl::StatusOr<std::string> Write(const RequestKey& key, const std::string& answer) {
    return InTransaction([&](Session& session) -> absl::StatusOr<std::string> {
      RequestLedger ledger(session);
      const auto first = ledger.Claim(key);
      if (!first.ok()) return first.status();
      if (first->has_value()) return **first;
      if (absl::Status status = ledger.Keep(key, answer); !status.ok()) return status;
      return answer;
    });
  }

  // A partition for the day `days` from today, as the keeper of that day would have made it.
  void MakeDay(int days) {
    database_.Execute(absl::StrCat(
        "DO $$ DECLARE day constant date := (now() AT TIME ZONE 'UTC')::date + ", days,
        "; BEGIN EXECUTE format('CREATE TABLE aquifer.%I PARTITION OF aquifer.requests "
        "FOR VALUES FROM (%L) TO (%L)', 'requests_' || to_char(day, 'YYYYMMDD'), "
        "day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC'); END $$"));
  }

  // An answer kept `hours` ago.
  void KeepAgo(const std::string& id, int hours) {
    database_.Execute(absl::StrCat(
        "INSERT INTO aquifer.requests (request_id, created_at, method, fingerprint, response) "
        "VALUES ('",
        id, "', now() - interval '", hours, " hours', 'Test.Write', 7, 'old')"));
  }

  int Count(const std::string& from) {
    return database_.Execute("SELECT count(*) FROM " + from)[0][0].as<int>();
  }
  // The partitions there are, the default one aside.
  int Partitions() {
    return Count(
        "pg_inherits WHERE inhparent = 'aquifer.requests'::regclass "
        "AND inhrelid <> 'aquifer.requests_default'::regclass");
  }

  Found MakePartition(int days_ahead) {
    return *InTransaction([&](Session& session) -> absl::StatusOr<Found> {
      return RequestLedger(session).MakePartition(days_ahead);
    });
  }
  Found DropPartition(int keep_hours) {
    return *InTransaction([&](Session& session) -> absl::StatusOr<Found> {
      return RequestLedger(session).DropPartition(keep_hours);
    });
  }
};

TEST_F(RequestLedgerTest, RepeatGetsTheFirstAnswerByteForByte) {
  std::string answer;
  for (int c = 0; c < 256; ++c) answer += static_cast<char>(c);

  const auto first = Write(KeyOf(kId), answer);
  const auto repeat = Write(KeyOf(kId), "another answer");

  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(repeat.ok()) << repeat.status();
  EXPECT_EQ(*repeat, answer);
  EXPECT_EQ(Count("aquifer.requests"), 1);
}

TEST_F(RequestLedgerTest, EmptyAnswerIsAnAnswer) {
  ASSERT_TRUE(Write(KeyOf(kId), "").ok());

  const auto repeat = Write(KeyOf(kId), "another answer");

  ASSERT_TRUE(repeat.ok()) << repeat.status();
  EXPECT_EQ(*repeat, "");
}

TEST_F(RequestLedgerTest, SameIdWithOtherContentOrMethodIsRefused) {
  ASSERT_TRUE(Write(KeyOf(kId, 7), "first").ok());
  RequestKey other_method = KeyOf(kId, 7);
  other_method.method = "Test.Other";

  const auto content = Write(KeyOf(kId, 8), "second");
  const auto method = Write(other_method, "second");

  EXPECT_EQ(ReasonOf(content.status()), "REQUEST_ID_REUSED");
  EXPECT_EQ(content.status().message(),
            absl::StrCat("request_id ", kId, " was used for other content of Test.Write"));
  EXPECT_EQ(ReasonOf(method.status()), "REQUEST_ID_REUSED");
  EXPECT_EQ(method.status().message(),
            absl::StrCat("request_id ", kId, " was used for Test.Write"));
  EXPECT_EQ(Count("aquifer.requests"), 1);
}

TEST_F(RequestLedgerTest, FingerprintsOfEverySizeComeBack) {
  for (const std::uint64_t fingerprint :
       {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
    const std::string id = database_.Execute("SELECT gen_random_uuid()")[0][0].c_str();
    ASSERT_TRUE(Write(KeyOf(id, fingerprint), "first").ok());

    EXPECT_TRUE(Write(KeyOf(id, fingerprint), "second").ok()) << fingerprint;
  }
}

TEST_F(RequestLedgerTest, AnswerThatIsTooLargeIsRefused) {
  const auto largest = Write(KeyOf(kId), std::string(kMostKeptBytes, 'x'));
  const auto larger =
      Write(KeyOf("123e4567-e89b-12d3-a456-426614174001"), std::string(kMostKeptBytes + 1, 'x'));

  EXPECT_TRUE(largest.ok()) << largest.status();
  EXPECT_EQ(ReasonOf(larger.status()), "RESPONSE_TOO_LARGE");
  EXPECT_EQ(Count("aquifer.requests"), 1);
}

TEST_F(RequestLedgerTest, RolledBackWriteLeavesTheIdFree) {
  const absl::Status failed = InTransaction([&](Session& session) {
    RequestLedger ledger(session);
    EXPECT_TRUE(ledger.Claim(KeyOf(kId)).ok());
    EXPECT_TRUE(ledger.Keep(KeyOf(kId), "never").ok());
    return WorkerNotFound(42);
  });

  const auto again = Write(KeyOf(kId), "first");

  EXPECT_FALSE(failed.ok());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, "first");
}

TEST_F(RequestLedgerTest, AnswerOfYesterdayIsFoundToday) {
  MakeDay(-1);
  MakeDay(0);
  KeepAgo(kId, 24);
  ASSERT_EQ(Count("aquifer.requests_default"), 0);

  const auto repeat = Write(KeyOf(kId), "second");

  ASSERT_TRUE(repeat.ok()) << repeat.status();
  EXPECT_EQ(*repeat, "old");
  EXPECT_EQ(Count("aquifer.requests"), 1);
}

// Two calls on either side of midnight write to two partitions, where no index keeps them apart.
TEST_F(RequestLedgerTest, CallThatBeganBeforeMidnightHoldsUpTheOneAfter) {
  MakeDay(-1);
  MakeDay(0);
  pqxx::connection before_midnight(database_.url());
  pqxx::work first(before_midnight);
  first.exec(absl::StrCat("SELECT aquifer.claim_request('", kId, "')"));
  first.exec(absl::StrCat(
      "INSERT INTO aquifer.requests (request_id, created_at, method, fingerprint, response) "
      "VALUES ('",
      kId, "', now() - interval '1 day', 'Test.Write', 7, 'first')"));

  absl::StatusOr<std::string> answer;
  std::thread after_midnight([&] { answer = Write(KeyOf(kId), "second"); });
  const bool waited = testing::Eventually(
      [&] { return Count("pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1; });
  first.commit();
  after_midnight.join();

  EXPECT_TRUE(waited);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(*answer, "first");
  EXPECT_EQ(Count("aquifer.requests"), 1);
}

TEST_F(RequestLedgerTest, PartitionsAreMadeOnceForTodayAndAhead) {
  std::vector<std::string> made;
  while (const Found name = MakePartition(3)) made.push_back(*name);

  EXPECT_EQ(made.size(), 4u);
  EXPECT_EQ(Partitions(), 4);
  ASSERT_TRUE(Write(KeyOf(kId), "first").ok());
  EXPECT_EQ(Count("aquifer." + made[0]), 1);
}

TEST_F(RequestLedgerTest, WritesGoOnWhereNoPartitionIs) {
  ASSERT_TRUE(Write(KeyOf(kId), "first").ok());

  const auto repeat = Write(KeyOf(kId), "second");

  EXPECT_EQ(*repeat, "first");
  EXPECT_EQ(Count("aquifer.requests_default"), 1);
}

TEST_F(RequestLedgerTest, DayThatBeganInTheDefaultPartitionStaysThere) {
  ASSERT_TRUE(Write(KeyOf(kId), "first").ok());

  int made = 0;
  while (MakePartition(3)) ++made;

  EXPECT_EQ(made, 3);
  EXPECT_EQ(*Write(KeyOf(kId), "second"), "first");
}

TEST_F(RequestLedgerTest, OnlyPartitionsOlderThanTheirKeepAreDropped) {
  for (const int day : {-4, -3, -2, -1, 0, 1}) MakeDay(day);
  KeepAgo(kId, 24);

  // A day is dropped once its end is 24 hours past: the day before yesterday at the latest.
  std::vector<std::string> dropped;
  while (const Found name = DropPartition(24)) dropped.push_back(*name);

  EXPECT_EQ(dropped.size(), 3u);
  EXPECT_THAT(dropped, ::testing::ElementsAreArray([&] {
                auto sorted = dropped;
                std::sort(sorted.begin(), sorted.end());
                return sorted;
              }()));
  EXPECT_EQ(Partitions(), 3);
  EXPECT_EQ(*Write(KeyOf(kId), "second"), "old");
  EXPECT_EQ(DropPartition(72), std::nullopt);
}

TEST_F(RequestLedgerTest, OldRowsOfTheDefaultPartitionAreDeletedYoungOnesKept) {
  KeepAgo(kId, 23);
  KeepAgo("123e4567-e89b-12d3-a456-426614174001", 25);

  EXPECT_EQ(DropPartition(24), std::nullopt);

  EXPECT_EQ(Count("aquifer.requests_default"), 1);
  EXPECT_EQ(*Write(KeyOf(kId), "second"), "old");
}

}  // namespace
}  // namespace aquifer
