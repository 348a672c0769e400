// Storing, correcting and deleting the same few lines at once, through real transactions: whatever
// the order was, there was one. Every answer says which version of a line it made or saw, so the
// life of each line can be told again from the answers and compared with what the tables hold.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "repositories/collection_repository.h"
#include "repositories/errors.h"
#include "tests/testing/lines.h"
#include "tests/testing/pool_fixture.h"
#include "tests/testing/times.h"

namespace aquifer {
namespace {

using testing::DayOf;
using testing::DaysOf;
using testing::LineAt;

constexpr int kThreads = 8;
constexpr int kCalls = 150;
constexpr int kDevices = 2;
constexpr int kSeconds = 3;

// What a line holds that the calls below change.
struct Content {
  std::int64_t banknotes = 0, coins = 0;
  std::string note;
  bool corrected = false;

  bool operator==(const Content& other) const {
    return banknotes == other.banknotes && coins == other.coins && note == other.note &&
           corrected == other.corrected;
  }
};

std::ostream& operator<<(std::ostream& out, const Content& content) {
  return out << content.banknotes << " " << content.coins << " '" << content.note << "'"
             << (content.corrected ? " corrected" : "");
}

// Domain rule 2, said once more.
Content Stored(Content content, const v1::CollectionLine& line) {
  if (!content.corrected) {
    content.banknotes = std::max(content.banknotes, line.banknotes_minor());
    content.coins = std::max(content.coins, line.coins_minor());
  }
  if (content.note.empty()) content.note = line.note();
  return content;
}

// One answer about one version of one line.
struct Event {
  // UNSPECIFIED for a correction.
  v1::RecordOutcome outcome = v1::RECORD_OUTCOME_UNSPECIFIED;
  v1::CollectionLine stored;
  v1::CorrectCollectionRequest corrected;
};

// Versions of lines, by id and version.
using Events = std::multimap<std::pair<std::int64_t, std::int64_t>, Event>;

// What one thread's committed calls answered.
struct Answers {
  Events events;
  std::int64_t deleted = 0, deleted_minor = 0;
  std::vector<std::string> failures;
};

class Caller {
 public:
  Caller(ConnectionPool& pool, unsigned seed) : runner_(pool), random_(seed) {}

  Answers Run() {
    for (int i = 0; i < kCalls; ++i) {
      const int dice = Below(100);
      if (dice < 35) {
        RecordOne();
      } else if (dice < 70) {
        RecordMany();
      } else if (dice < 92) {
        Correct();
      } else {
        Delete();
      }
    }
    return std::move(answers_);
  }

 private:
  int Below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }

  std::string Device() { return absl::StrCat("d", Below(kDevices)); }
  std::string WallTime() { return absl::StrCat("2026-03-28 14:05:0", Below(kSeconds)); }

  v1::CollectionLine Line() {
    return LineAt(WallTime())
        .Device(Device())
        .Notes(1 + Below(100000))
        .Coins(Below(1000))
        .Note(Below(4) == 0 ? "note" : "");
  }

  // Calls a method as the server does, retries included. No value where the call was refused, or
  // collided more often than the runner retries: then it did nothing.
  template <typename Response, typename Request>
  std::optional<Response> Call(
      absl::StatusOr<Response> (CollectionRepository::*method)(const Request&),
      const Request& request) {
    Response response;
    Receipt receipt;
    const absl::Status status = runner_.Run(
        {.method = "Race",
         .mode = TransactionMode::kReadWrite,
         .deadline = absl::Now() + absl::Minutes(2)},
        [&](Session& session) {
          const auto answer = (CollectionRepository(session).*method)(request);
          if (answer.ok()) response = *answer;
          return answer.status();
        },
        receipt);
    if (status.ok()) return response;
    const std::string reason = ReasonOf(status);
    if (reason != "TRANSACTION_CONFLICT" && reason != "STALE_VERSION" &&
        reason != "COLLECTION_NOT_FOUND" && reason != "COUNT_MISMATCH") {
      answers_.failures.push_back(std::string(status.ToString()));
    }
    return std::nullopt;
  }

  void Note(const v1::CollectionLine& line, v1::RecordOutcome outcome, std::int64_t id,
            std::int64_t version) {
    answers_.events.insert({{id, version}, {outcome, line, {}}});
  }

  void RecordOne() {
    v1::RecordCollectionRequest request;
    *request.mutable_line() = Line();
    const auto answer = Call(&CollectionRepository::RecordCollection, request);
    if (!answer) return;
    Note(request.line(), answer->outcome(), answer->collection().id(),
         answer->collection().version());
  }

  void RecordMany() {
    v1::RecordCollectionsRequest request;
    const int lines = 1 + Below(8);
    for (int i = 0; i < lines; ++i) *request.add_lines() = Line();
    const auto answer = Call(&CollectionRepository::RecordCollections, request);
    if (!answer) return;
    for (int i = 0; i < lines; ++i) {
      const v1::RecordResult& result = answer->results(i);
      Note(request.lines(i), result.outcome(), result.id(), result.version());
    }
  }

  // Corrects what it read in a call of its own before, as a person would.
  void Correct() {
    v1::ListCollectionsRequest list;
    list.mutable_filter()->add_device_ids(Device());
    const auto lines = Call(&CollectionRepository::ListCollections, list);
    if (!lines || lines->collections().empty()) return;
    const v1::Collection& line = lines->collections(Below(lines->collections_size()));
    v1::CorrectCollectionRequest request;
    request.set_id(line.id());
    request.set_version(line.version());
    request.set_banknotes_minor(Below(100000));
    request.set_reason("race");
    const auto answer = Call(&CollectionRepository::CorrectCollection, request);
    if (!answer) return;
    answers_.events.insert({{line.id(), answer->collection().version()},
                            {v1::RECORD_OUTCOME_UNSPECIFIED, {}, request}});
  }

  // By device and by time, whose statements lock in different orders.
  void Delete() {
    v1::DeleteCollectionsRequest request;
    if (Below(2) == 0) {
      request.mutable_filter()->add_device_ids(Device());
    } else {
      *request.mutable_filter()->mutable_days() = DaysOf(DayOf(2026, 3, 28), DayOf(2026, 3, 28));
    }
    request.set_reason("race");
    request.set_dry_run(true);
    const auto counted = Call(&CollectionRepository::DeleteCollections, request);
    if (!counted) return;
    request.set_expected_count(counted->matched());
    const auto answer = Call(&CollectionRepository::DeleteCollections, request);
    if (!answer) return;
    answers_.deleted += answer->deleted();
    answers_.deleted_minor += answer->total_minor();
  }

  TransactionRunner runner_;
  std::mt19937 random_;
  Answers answers_;
};

// The life of one line, version by version, as the answers tell it.
class Life {
 public:
  void Add(std::int64_t version, const Event& event) {
    if (event.outcome == v1::RECORD_OUTCOME_UNCHANGED) {
      seen_.emplace_back(version, event.stored);
    } else {
      EXPECT_TRUE(made_.emplace(version, event).second) << "version " << version << " made twice";
    }
  }

  // Tells it again from its first version on; answers what the line was at each.
  std::vector<Content> Tell() const {
    std::vector<Content> contents;
    for (const auto& [version, event] : made_) {
      EXPECT_EQ(version, static_cast<std::int64_t>(contents.size()) + 1);
      EXPECT_EQ(version == 1, event.outcome == v1::RECORD_OUTCOME_INSERTED);
      Content content = contents.empty() ? Content() : contents.back();
      if (event.outcome == v1::RECORD_OUTCOME_UNSPECIFIED) {
        content.banknotes = event.corrected.banknotes_minor();
        content.corrected = true;
      } else {
        content = Stored(content, event.stored);
        EXPECT_TRUE(contents.empty() || !(content == contents.back())) << "updated by nothing";
      }
      contents.push_back(content);
    }
    for (const auto& [version, line] : seen_) {
      if (version < 1 || version > static_cast<std::int64_t>(contents.size())) {
        ADD_FAILURE() << "version " << version << " was seen and never made";
        continue;
      }
      EXPECT_EQ(Stored(contents[version - 1], line), contents[version - 1]) << "unchanged?";
    }
    return contents;
  }

 private:
  std::map<std::int64_t, Event> made_;
  std::vector<std::pair<std::int64_t, v1::CollectionLine>> seen_;
};

class CollectionRacesTest : public testing::PoolFixture {
 protected:
  CollectionRacesTest() {
    // Deadlocks are rare and meant to happen; no need to wait a second for each.
    database_.Execute("ALTER DATABASE " + database_.name() + " SET deadlock_timeout = '20ms'");
  }

  // Rows of id, version, banknotes, coins, note, whether corrected.
  static Content ContentOf(const pqxx::row& row) {
    return {row[2].as<std::int64_t>(), row[3].as<std::int64_t>(), row[4].c_str(),
            row[5].as<bool>()};
  }

  pqxx::result Audited(const std::string& action) {
    return database_.Execute(
        "SELECT collection_id, before->>'version', ((before->>'banknotes')::numeric * 100)::bigint,"
        "  ((before->>'coins')::numeric * 100)::bigint, before->>'note',"
        "  before->>'corrected_at' IS NOT NULL "
        "FROM aquifer.collection_audit WHERE action = '" +
        action + "'");
  }
};

TEST_F(CollectionRacesTest, AnswersTablesAndAuditTrailTellOneStory) {
  ConnectionPool pool(PoolOf(kThreads), log_);
  std::vector<Answers> answers(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] { answers[t] = Caller(pool, 1 + t).Run(); });
  }
  for (std::thread& thread : threads) thread.join();

  std::map<std::int64_t, Life> lives;
  std::int64_t deleted = 0, deleted_minor = 0, corrected = 0;
  for (const Answers& of_thread : answers) {
    EXPECT_EQ(of_thread.failures, std::vector<std::string>());
    deleted += of_thread.deleted;
    deleted_minor += of_thread.deleted_minor;
    for (const auto& [key, event] : of_thread.events) {
      lives[key.first].Add(key.second, event);
      corrected += event.outcome == v1::RECORD_OUTCOME_UNSPECIFIED;
    }
  }
  std::map<std::int64_t, std::vector<Content>> told;
  for (const auto& [id, life] : lives) told[id] = life.Tell();

  // Every line ends in the table or in the audit trail, with all of its versions behind it.
  const pqxx::result gone = Audited("delete");
  const pqxx::result left = database_.Execute(
      "SELECT id, version, (banknotes * 100)::bigint, (coins * 100)::bigint, note, "
      "  corrected_at IS NOT NULL FROM aquifer.collections");
  EXPECT_EQ(told.size(), left.size() + gone.size());
  std::int64_t gone_minor = 0;
  for (const pqxx::result& last : {gone, left}) {
    for (const auto& row : last) {
      const std::vector<Content>& contents = told[row[0].as<std::int64_t>()];
      ASSERT_EQ(static_cast<std::int64_t>(contents.size()), row[1].as<std::int64_t>());
      EXPECT_EQ(ContentOf(row), contents.back());
    }
  }
  for (const auto& row : gone) gone_minor += ContentOf(row).banknotes + ContentOf(row).coins;
  EXPECT_EQ(deleted, static_cast<std::int64_t>(gone.size()));
  EXPECT_EQ(deleted_minor, gone_minor);

  // Every correction left what was before it.
  const pqxx::result before = Audited("correct");
  EXPECT_EQ(corrected, static_cast<std::int64_t>(before.size()));
  for (const auto& row : before) {
    const std::vector<Content>& contents = told[row[0].as<std::int64_t>()];
    ASSERT_LT(row[1].as<std::int64_t>(), static_cast<std::int64_t>(contents.size()));
    EXPECT_EQ(ContentOf(row), contents[row[1].as<std::int64_t>() - 1]);
  }
  EXPECT_GT(corrected, 0);
  EXPECT_GT(deleted, 0);
}

}  // namespace
}  // namespace aquifer
