#include <gtest/gtest.h>

#include "repositories/errors.h"
#include "tests/testing/collections_test.h"
#include "tests/testing/eventually.h"
#include "tests/testing/stored_lines.h"
#include "tests/testing/times.h"

namespace aquifer {
namespace {

using testing::DayOf;
using testing::InsertAlias;
using testing::InsertLine;
using testing::InsertWorker;
using testing::InstantOf;

class CollectionReadsTest : public testing::CollectionsTest {
 protected:
  absl::StatusOr<v1::GetCollectionResponse> Get(std::int64_t id) {
    v1::GetCollectionRequest request;
    request.set_id(id);
    return Call(&CollectionRepository::GetCollection, request);
  }

  absl::StatusOr<v1::GetCollectionResponse> Get(const std::string& device_id,
                                                const std::string& collected_at) {
    v1::GetCollectionRequest request;
    request.mutable_key()->set_device_id(device_id);
    *request.mutable_key()->mutable_collected_at() = InstantOf(collected_at);
    return Call(&CollectionRepository::GetCollection, request);
  }

  std::int64_t LinesAt(const std::string& device_id, const std::string& collected_at) {
    v1::CheckCollectionExistsRequest request;
    request.set_device_id(device_id);
    *request.mutable_collected_at() = InstantOf(collected_at);
    return Lines(request);
  }

  std::int64_t LinesOn(const std::string& device_id, const v1::Day& day) {
    v1::CheckCollectionExistsRequest request;
    request.set_device_id(device_id);
    *request.mutable_day() = day;
    return Lines(request);
  }

  std::int64_t Lines(const v1::CheckCollectionExistsRequest& request) {
    const auto response = Call(&CollectionRepository::CheckCollectionExists, request);
    EXPECT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->exists(), response->lines() > 0);
    return response->lines();
  }
};

TEST_F(CollectionReadsTest, ReadsEveryFieldById) {
  const std::int64_t id = InsertLine(database_, {.device_id = "0_Cards",
                                                 .collected_at = "2026-03-28 14:05:09.123456",
                                                 .banknotes_minor = 152050,
                                                 .coins_minor = 1407,
                                                 .collector = "Петро",
                                                 .card_id = "card 5",
                                                 .note = "a \"note\"",
                                                 .machine = "Central"});

  const auto response = Get(id);

  ASSERT_TRUE(response.ok()) << response.status();
  const v1::Collection& line = response->collection();
  EXPECT_EQ(line.id(), id);
  EXPECT_EQ(line.device_id(), "0_Cards");
  EXPECT_EQ(line.collected_at().seconds(), InstantOf("2026-03-28T12:05:09Z").seconds());
  EXPECT_EQ(line.collected_at().nanos(), 123456000);
  EXPECT_EQ(line.day().ShortDebugString(), DayOf(2026, 3, 28).ShortDebugString());
  EXPECT_EQ(line.banknotes_minor(), 152050);
  EXPECT_EQ(line.coins_minor(), 1407);
  EXPECT_EQ(line.total_minor(), 153457);
  EXPECT_EQ(line.collector().text(), "Петро");
  EXPECT_EQ(line.collector().worker_id(), 0);
  EXPECT_EQ(line.card_id(), "card 5");
  EXPECT_EQ(line.note(), "a \"note\"");
  EXPECT_EQ(line.machine(), "Central");
  EXPECT_EQ(line.version(), 1);
  EXPECT_GT(line.created_at().seconds(), 0);
}

TEST_F(CollectionReadsTest, ReadsLineByKey) {
  const std::int64_t id =
      InsertLine(database_, {.device_id = "7", .collected_at = "2026-03-28 14:05:09"});

  const auto response = Get("7", "2026-03-28T12:05:09Z");

  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->collection().id(), id);
}

TEST_F(CollectionReadsTest, NamesTheCollectorsWorker) {
  const std::int64_t id = InsertLine(database_, {.collector = "Ð\u009fÐµÑ\u0082Ñ\u0080Ð¾"});
  const std::int64_t worker = InsertWorker(database_, "Петро");
  InsertAlias(database_, "Ð\u009fÐµÑ\u0082Ñ\u0080Ð¾", worker);

  const auto response = Get(id);

  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->collection().collector().worker_id(), worker);
  EXPECT_EQ(response->collection().collector().worker_name(), "Петро");
}

TEST_F(CollectionReadsTest, UnknownIdIsNotFound) {
  const auto response = Get(42);

  EXPECT_EQ(response.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(response.status()), "COLLECTION_NOT_FOUND");
  EXPECT_EQ(response.status().message(), "collection 42 not found");
}

TEST_F(CollectionReadsTest, UnknownKeyIsNotFoundThoughDeviceAndInstantExistApart) {
  InsertLine(database_, {.device_id = "7", .collected_at = "2026-03-28T12:00:00Z"});
  InsertLine(database_, {.device_id = "8", .collected_at = "2026-03-28T13:00:00Z"});

  const auto response = Get("7", "2026-03-28T13:00:00Z");

  EXPECT_EQ(ReasonOf(response.status()), "COLLECTION_NOT_FOUND");
  EXPECT_EQ(response.status().message(),
            "collection of device 7 at 2026-03-28T13:00:00.000000Z not found");
}

TEST_F(CollectionReadsTest, ChecksAnInstant) {
  InsertLine(database_, {.device_id = "7", .collected_at = "2026-03-28T12:00:00Z"});

  EXPECT_EQ(LinesAt("7", "2026-03-28T12:00:00Z"), 1);
  EXPECT_EQ(LinesAt("7", "2026-03-28T12:00:00.000001Z"), 0);
  EXPECT_EQ(LinesAt("8", "2026-03-28T12:00:00Z"), 0);
}

TEST_F(CollectionReadsTest, CountsTheLinesOfACivilDay) {
  for (const char* at : {"2026-03-09 23:59:59.999999", "2026-03-10 00:00:00", "2026-03-10 00:00:04",
                         "2026-03-10 23:59:59.999999", "2026-03-11 00:00:00"}) {
    InsertLine(database_, {.device_id = "7", .collected_at = at});
  }

  EXPECT_EQ(LinesOn("7", DayOf(2026, 3, 9)), 1);
  EXPECT_EQ(LinesOn("7", DayOf(2026, 3, 10)), 3);
  EXPECT_EQ(LinesOn("7", DayOf(2026, 3, 12)), 0);
  EXPECT_EQ(LinesOn("8", DayOf(2026, 3, 10)), 0);
}

// Empty and unavailable are different answers. (A read answers a status or lets the exception fly
// that the transaction runner turns into one.)
class DomainRule5ReadsTest : public CollectionReadsTest {
 protected:
  // Runs every read of lines in a transaction of its own, after `spoil(transaction's session)`.
  template <typename Exception, typename Spoil>
  void ExpectEveryReadThrows(Spoil spoil) {
    v1::GetCollectionRequest get;
    get.set_id(1);
    v1::CheckCollectionExistsRequest check;
    check.set_device_id("7");
    *check.mutable_day() = DayOf(2026, 3, 10);
    const auto expect = [&](auto read) {
      EXPECT_THROW(InTransaction([&](Session& session) {
                     CollectionRepository repository(session);
                     spoil();
                     return read(repository).status();
                   }).IgnoreError(),
                   Exception);
    };

    expect([&](auto& repository) { return repository.GetCollection(get); });
    expect([&](auto& repository) { return repository.CheckCollectionExists(check); });
    expect([&](auto& repository) { return repository.ListCollections({}); });
    expect([&](auto& repository) { return repository.StreamCollections({}, ""); });
  }
};

TEST_F(DomainRule5ReadsTest, MissingTableIsAnErrorAndNeverAnEmptyList) {
  database_.Execute("ALTER TABLE aquifer.collections RENAME TO hidden");

  ExpectEveryReadThrows<pqxx::undefined_table>([] {});
}

TEST_F(DomainRule5ReadsTest, LostDatabaseIsAnErrorAndNeverAnEmptyList) {
  ExpectEveryReadThrows<pqxx::broken_connection>([this] {
    const auto others = [this](const std::string& what) {
      return database_.Execute("SELECT " + what +
                               " FROM pg_stat_activity "
                               "WHERE datname = current_database() AND pid <> pg_backend_pid()");
    };
    others("pg_terminate_backend(pid)");
    EXPECT_TRUE(testing::Eventually([&] { return others("pid").empty(); }));
  });
}

}  // namespace
}  // namespace aquifer
