// The sums of days stay right whoever writes while they are made.
#include "repositories/collection_rollup.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "repositories/collection_rollup_sql.h"
#include "tests/testing/collections_test.h"
#include "tests/testing/stored_lines.h"

namespace aquifer {
namespace {

using ::testing::ElementsAre;
using testing::InsertLine;
using ::testing::IsEmpty;

class CollectionRollupTest : public testing::CollectionsTest {
 protected:
  void Run(void (CollectionRollup::*step)()) {
    InTransaction([step](Session& session) {
      CollectionRollup rollup(session);
      (rollup.*step)();
      return absl::OkStatus();
    }).IgnoreError();
  }
  void Claim() {
    InTransaction([](Session& session) {
      CollectionRollup(session).Claim(absl::ZeroDuration());
      return absl::OkStatus();
    }).IgnoreError();
  }
  void Fence() { Run(&CollectionRollup::Fence); }

  int SumSome() {
    return *InTransaction(
        [](Session& session) -> absl::StatusOr<int> { return CollectionRollup(session).Sum(); });
  }

  void SumDays() { testing::SumDays(database_); }

  int Number(const std::string& sql) { return std::stoi(Value(sql)); }

  int Marks() { return Number("SELECT count(*) FROM aquifer.rollup_changes"); }

  // Lines of the days that have no mark, as the sums have them.
  int SummedLines() {
    return Number(
        "SELECT COALESCE(sum(lines), 0) FROM aquifer.rollup_days "
        "WHERE day NOT IN (" AQUIFER_MARKED_DAYS("aquifer.rollup_changes") ")");
  }

  std::vector<std::string> Wrong() {
    return *InTransaction([](Session& session) -> absl::StatusOr<std::vector<std::string>> {
      return CollectionRollup(session).FindWrong(10);
    });
  }

  // A session of a stranger, with a transaction open.
  struct Stranger {
    explicit Stranger(const std::string& url) : connection(url), work(connection) {}
    void Insert(const std::string& device) {
      work.exec(absl::StrCat(
          "INSERT INTO aquifer.collections (device_id, collected_at, banknotes, coins) VALUES ('",
          device, "', '2025-03-10 12:00:00', 1, 0)"));
    }
    pqxx::connection connection;
    pqxx::work work;
  };
};

TEST_F(CollectionRollupTest, EveryDayIsSummedButToday) {
  InsertLine(database_, {.collected_at = "2025-03-10 12:00:00"});
  InsertLine(database_, {.collected_at = "2025-03-10 12:00:04", .coins_minor = 50});
  InsertLine(database_, {.device_id = "2", .collected_at = Value("SELECT now()")});
  InsertLine(database_, {.device_id = "2", .collected_at = "2099-03-10 12:00:00"});

  SumDays();

  EXPECT_EQ(SummedLines(), 3);
  EXPECT_EQ(Marks(), 1);
  EXPECT_THAT(Wrong(), IsEmpty());
}

TEST_F(CollectionRollupTest, ALineAtMidnightChangesTheVisitsOfTheNextDay) {
  InsertLine(database_, {.collected_at = "2025-03-11 00:00:30"});
  SumDays();
  InsertLine(database_, {.collected_at = "2025-03-10 23:59:30"});
  EXPECT_THAT(Wrong(), IsEmpty());

  SumDays();

  EXPECT_THAT(Wrong(), IsEmpty());
  EXPECT_EQ(Value("SELECT visits FROM aquifer.rollup_days WHERE day = '2025-03-11'"), "0");
}

TEST_F(CollectionRollupTest, WriteThatFoundTheMarkIsWaitedFor) {
  InsertLine(database_, {.collected_at = "2025-03-10 12:00:00"});
  Stranger stranger(database_.url());
  stranger.Insert("late");

  Claim();
  Fence();

  EXPECT_EQ(SumSome(), 0);
  EXPECT_EQ(SummedLines(), 0);
  stranger.work.commit();
  EXPECT_EQ(SumSome(), 1);
  EXPECT_EQ(SummedLines(), 2);
}

TEST_F(CollectionRollupTest, WriteAfterTheClaimLeavesAMarkOfItsOwn) {
  InsertLine(database_, {.collected_at = "2025-03-10 12:00:00"});
  Claim();
  Fence();
  Stranger stranger(database_.url());
  stranger.Insert("late");

  EXPECT_EQ(SumSome(), 1);
  EXPECT_EQ(SummedLines(), 1);
  stranger.work.commit();

  EXPECT_EQ(SummedLines(), 0);
  SumDays();
  EXPECT_EQ(SummedLines(), 2);
}

TEST_F(CollectionRollupTest, OldSnapshotDoesNotHideThatAMarkWasTaken) {
  InsertLine(database_, {.collected_at = "2025-03-10 12:00:00"});
  pqxx::connection connection(database_.url());
  pqxx::transaction<pqxx::isolation_level::repeatable_read> stranger(connection);
  stranger.exec("SELECT count(*) FROM aquifer.rollup_changes");
  SumDays();

  stranger.exec(
      "INSERT INTO aquifer.collections (device_id, collected_at, banknotes, coins) "
      "VALUES ('late', '2025-03-10 12:00:00', 1, 0)");
  stranger.commit();

  EXPECT_EQ(SummedLines(), 0);
  EXPECT_THAT(Wrong(), IsEmpty());
}

TEST_F(CollectionRollupTest, NobodyWaitsForAMarkThatIsNotCommitted) {
  Stranger stranger(database_.url());
  stranger.Insert("first");

  database_.Execute(
      "SET lock_timeout = '1ms'; "
      "INSERT INTO aquifer.collections (device_id, collected_at, banknotes, coins) "
      "VALUES ('second', '2025-03-10 12:00:00', 1, 0)");

  stranger.work.commit();
  SumDays();
  EXPECT_EQ(SummedLines(), 2);
}

TEST_F(CollectionRollupTest, ClaimsThatWereLeftBehindAreFinished) {
  InsertLine(database_, {.collected_at = "2025-03-10 12:00:00"});
  Claim();

  SumDays();

  EXPECT_EQ(SummedLines(), 1);
}

TEST_F(CollectionRollupTest, WhateverHappensToALineItsDaysAreMarked) {
  for (const char* change : {
           "UPDATE aquifer.collections SET banknotes = 7",
           "UPDATE aquifer.collections SET collected_at = '2025-04-01 12:00:00'",
           "DELETE FROM aquifer.collections WHERE device_id = '1'",
           "TRUNCATE aquifer.collections",
       }) {
    InsertLine(database_, {.device_id = "1", .collected_at = "2025-03-10 12:00:00"});
    InsertLine(database_, {.device_id = "2", .collected_at = "2025-03-11 12:00:00"});
    SumDays();
    ASSERT_EQ(Marks(), 0);

    database_.Execute(change);

    EXPECT_GT(Marks(), 0) << change;
    EXPECT_THAT(Wrong(), IsEmpty()) << change;
    SumDays();
    EXPECT_THAT(Wrong(), IsEmpty()) << change;
    EXPECT_EQ(SummedLines(), Number("SELECT count(*) FROM aquifer.collections")) << change;
    database_.Execute("DELETE FROM aquifer.collections");
    SumDays();
  }
}

// With the triggers disabled, as they are for the sessions of ours.
TEST_F(CollectionRollupTest, EveryWriteOfOursMarksByItself) {
  database_.Execute("ALTER TABLE aquifer.collections DISABLE TRIGGER USER");
  const auto marks_after = [this](auto write) {
    SumDays();
    EXPECT_EQ(Marks(), 0);
    write();
    return Marks();
  };
  v1::CollectionLine line = testing::LineAt("2025-03-10 12:00:00").Device("7").Notes(100);
  std::int64_t id = 0;

  EXPECT_EQ(marks_after([&] { id = Record(line)->collection().id(); }), 1);
  EXPECT_EQ(marks_after([&] { ASSERT_TRUE(Record(line).ok()); }), 0);
  line.set_banknotes_minor(200);
  EXPECT_EQ(marks_after([&] { ASSERT_TRUE(RecordAll({line}).ok()); }), 1);
  EXPECT_EQ(marks_after([&] {
              v1::CorrectCollectionRequest request;
              request.set_id(id);
              request.set_version(2);
              request.set_coins_minor(50);
              request.set_reason("counted again");
              ASSERT_TRUE(Call(&CollectionRepository::CorrectCollection, request).ok());
            }),
            1);
  EXPECT_EQ(marks_after([&] {
              v1::DeleteCollectionsRequest request;
              request.mutable_filter()->add_device_ids("7");
              request.set_expected_count(1);
              request.set_reason("a test");
              ASSERT_TRUE(Call(&CollectionRepository::DeleteCollections, request).ok());
            }),
            1);
  SumDays();
  EXPECT_EQ(SummedLines(), 0);
}

TEST_F(CollectionRollupTest, SessionThatMarksByItselfIsNotMarkedFor) {
  database_.Execute(
      "SET aquifer.marks = 'statement'; "
      "INSERT INTO aquifer.collections (device_id, collected_at, banknotes, coins) "
      "VALUES ('7', '2025-03-10 12:00:00', 1, 0)");
  EXPECT_EQ(Marks(), 0);
}

TEST_F(CollectionRollupTest, AnotherZonesDaysAreSummedAnew) {
  InsertLine(database_, {.collected_at = "2025-03-10 12:00:00"});
  SumDays();
  Run(&CollectionRollup::AdoptZone);
  EXPECT_EQ(Marks(), 0);
  database_.Execute("UPDATE aquifer.rollup_zone SET zone = 'Asia/Tokyo'");

  Run(&CollectionRollup::AdoptZone);

  EXPECT_GT(Marks(), 0);
  EXPECT_EQ(Value("SELECT zone FROM aquifer.rollup_zone"), Value("SHOW TimeZone"));
}

TEST_F(CollectionRollupTest, EverythingCanBeSummedAnew) {
  InsertLines(database_, {.lines = 500, .start = "2025-01-01 00:00:00", .step = "1 hour"});
  SumDays();
  database_.Execute(
      "UPDATE aquifer.rollup_cells SET coins_minor = coins_minor + 1 WHERE day = '2025-01-01'; "
      "UPDATE aquifer.rollup_days SET lines = lines - 1 WHERE day = '2025-01-02'");
  EXPECT_THAT(Wrong(), ElementsAre("2025-01-01", "2025-01-02"));

  Run(&CollectionRollup::MarkAll);
  EXPECT_THAT(Wrong(), IsEmpty());
  SumDays();

  EXPECT_THAT(Wrong(), IsEmpty());
  EXPECT_EQ(SummedLines(), 500);
}

// Writers of a few hours beside two who sum: every moment shows either the marks or the sums.
TEST_F(CollectionRollupTest, SumsAreRightWhileManyWrite) {
  std::atomic<bool> writing = true;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 3; ++writer) {
    writers.emplace_back([&, writer] {
      pqxx::connection connection(database_.url());
      std::mt19937 random(writer);
      for (int i = 0; i < 300; ++i) {
        pqxx::work work(connection);
        const int second = static_cast<int>(random() % 40) * 4000;
        const std::string key = absl::StrCat(
            "device_id = '", random() % 3,
            "' AND collected_at = timestamptz '2025-03-10 00:00:00' + interval '", second, " s'");
        switch (random() % 4) {
          case 0:
            work.exec(absl::StrCat("DELETE FROM aquifer.collections WHERE ", key));
            break;
          default:
            work.exec(absl::StrCat(
                "INSERT INTO aquifer.collections (device_id, collected_at, banknotes, coins) "
                "VALUES ('",
                random() % 3, "', timestamptz '2025-03-10 00:00:00' + interval '", second,
                " s', 1, 0) ON CONFLICT ON CONSTRAINT collections_key "
                "DO UPDATE SET banknotes = collections.banknotes + 1"));
        }
        if (random() % 8 == 0) {
          work.abort();
        } else {
          work.commit();
        }
      }
    });
  }
  testing::DaySummer summer(database_), other_summer(database_);
  std::thread other([&] {
    while (writing) other_summer.Run();
  });
  std::thread stop([&] {
    for (std::thread& writer : writers) writer.join();
    writing = false;
  });
  int looks = 0;
  while (writing) {
    summer.Run();
    EXPECT_THAT(Wrong(), IsEmpty());
    ++looks;
  }
  stop.join();
  other.join();

  SumDays();
  EXPECT_GT(looks, 0);
  EXPECT_THAT(Wrong(), IsEmpty());
  EXPECT_EQ(SummedLines(), Number("SELECT count(*) FROM aquifer.collections"));
}

}  // namespace
}  // namespace aquifer
