// Many callers at once, whose calls the server joins as it likes: each gets its own answer.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/end_to_end/end_to_end_test.h"

namespace aquifer {
namespace {

using ::testing::HasSubstr;

constexpr int kCallers = 16;
constexpr int kRounds = 40;

class JoinedTest : public testing::EndToEndTest {
 protected:
  absl::StatusOr<v1::RecordCollectionResponse> Record(const v1::CollectionLine& line) {
    grpc::ClientContext context;
    v1::RecordCollectionRequest request;
    *request.mutable_line() = line;
    v1::RecordCollectionResponse response;
    const grpc::Status status = collections_->RecordCollection(&context, request, &response);
    if (!status.ok())
      return absl::InternalError(testing::DetailOf<google::rpc::ErrorInfo>(status)->reason());
    return response;
  }

  grpc::Status Get(std::int64_t id, v1::Collection& line) {
    grpc::ClientContext context;
    v1::GetCollectionRequest request;
    request.set_id(id);
    v1::GetCollectionResponse response;
    const grpc::Status status = collections_->GetCollection(&context, request, &response);
    line = response.collection();
    return status;
  }

  // One caller's rounds: lines of its own, one that everybody raises, and calls that are refused.
  void Call(int caller) {
    for (int round = 0; round < kRounds; ++round) {
      const auto own = Record(MakeLine(absl::StrCat("own-", caller), round, 100 + round));
      ASSERT_TRUE(own.ok()) << own.status();
      EXPECT_EQ(own->outcome(), v1::RECORD_OUTCOME_INSERTED);
      EXPECT_EQ(own->collection().banknotes_minor(), 100 + round);

      v1::CollectionLine hot = MakeLine("hot", 0, 1000 + round);
      if (caller % 2 == 0) hot.set_wall_time("2026-03-28 00:00:00");
      if (caller % 2 == 0) hot.clear_collected_at();
      const auto raised = Record(hot);
      ASSERT_TRUE(raised.ok()) << raised.status();
      EXPECT_GE(raised->collection().banknotes_minor(), 1000 + round);

      v1::CollectionLine skipped = MakeLine("hot", 0, 1);
      skipped.clear_collected_at();
      skipped.set_wall_time("2026-03-29 03:30:00");
      EXPECT_EQ(Record(skipped).status().message(), "INVALID_FIELDS");

      v1::Collection read;
      ASSERT_TRUE(Get(own->collection().id(), read).ok());
      EXPECT_EQ(read.device_id(), absl::StrCat("own-", caller));
      EXPECT_EQ(read.banknotes_minor(), 100 + round);
      EXPECT_EQ(Get(1'000'000'000 + caller, read).error_code(), grpc::StatusCode::NOT_FOUND);
    }
  }
};

TEST_F(JoinedTest, EachOfManyCallersGetsItsOwnAnswer) {
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([this, caller] { Call(caller); });
  }
  for (std::thread& caller : callers) caller.join();

  EXPECT_EQ(database_.Execute("SELECT count(*) FROM aquifer.collections")[0][0].as<int>(),
            kCallers * kRounds + 1);
  EXPECT_EQ(
      database_.Execute("SELECT banknotes FROM aquifer.collections WHERE device_id = 'hot'")[0][0]
          .as<std::string>(),
      "10.39");
  EXPECT_TRUE(server_->AwaitLog("\"joined\":"));
}

// A row that a stranger holds keeps nobody waiting but whoever writes it.
TEST_F(JoinedTest, SaveThatWaitsForAStrangersLockHoldsUpNoOther) {
  ASSERT_TRUE(Record(MakeLine("held", 0, 100)).ok());
  pqxx::connection stranger(database_.url());
  pqxx::work holding(stranger);
  holding.exec("SELECT FROM aquifer.collections WHERE device_id = 'held' FOR UPDATE");
  absl::StatusOr<v1::RecordCollectionResponse> held = absl::UnknownError("not answered");
  // So many at once that the one that has to wait is joined with others.
  std::vector<std::thread> others;
  for (int caller = 0; caller < kCallers; ++caller) {
    others.emplace_back([this, caller] {
      for (int i = 0; i < kRounds; ++i) {
        const auto other = Record(MakeLine(absl::StrCat("free-", caller), i, 100));
        EXPECT_TRUE(other.ok()) << other.status();
      }
    });
  }
  std::thread waiting([&] { held = Record(MakeLine("held", 0, 200)); });

  for (std::thread& other : others) other.join();
  holding.abort();
  waiting.join();
  ASSERT_TRUE(held.ok()) << held.status();
  EXPECT_EQ(held->collection().banknotes_minor(), 200);
}

}  // namespace
}  // namespace aquifer
