// Storing lines against a model: the same lines into a map, one after the other.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/testing/collections_test.h"

namespace aquifer {
namespace {

using testing::LineAt;

struct ModelLine {
  std::int64_t notes = 0, coins = 0, version = 0;
  std::array<std::string, 4> texts;
};

// Lines by device and wall time.
using Model = std::map<std::pair<std::string, std::string>, ModelLine>;

std::array<std::string, 4> TextsOf(const v1::CollectionLine& line) {
  return {line.collector(), line.card_id(), line.note(), line.machine()};
}

v1::RecordOutcome Store(const v1::CollectionLine& line, Model& model) {
  if (line.banknotes_minor() == 0 && line.coins_minor() == 0) return v1::RECORD_OUTCOME_SKIPPED;
  ModelLine& stored = model[{line.device_id(), line.wall_time()}];
  const ModelLine before = stored;
  stored.notes = std::max(stored.notes, line.banknotes_minor());
  stored.coins = std::max(stored.coins, line.coins_minor());
  const auto texts = TextsOf(line);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (stored.texts[i].empty()) stored.texts[i] = texts[i];
  }
  const bool changed =
      stored.notes != before.notes || stored.coins != before.coins || stored.texts != before.texts;
  stored.version += changed;
  if (!changed) return v1::RECORD_OUTCOME_UNCHANGED;
  return stored.version == 1 ? v1::RECORD_OUTCOME_INSERTED : v1::RECORD_OUTCOME_UPDATED;
}

// Few keys, so that most lines meet others.
class LineMaker {
 public:
  explicit LineMaker(unsigned seed) : random_(seed) {}

  int Below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }

  v1::CollectionLine Make() {
    return LineAt(absl::StrCat("2026-03-28 14:05:0", Below(5)))
        .Device(absl::StrCat("d", Below(5)))
        .Notes(Below(5) * 100)
        .Coins(Below(3))
        .Collector(Text())
        .Card(Text())
        .Note(Text())
        .Machine(Text());
  }

  std::vector<v1::CollectionLine> MakeMany() {
    std::vector<v1::CollectionLine> lines(1 + Below(40));
    for (auto& line : lines) line = Make();
    return lines;
  }

 private:
  std::string Text() { return std::array<const char*, 4>{"", "", "a", "b"}[Below(4)]; }

  std::mt19937 random_;
};

class CollectionModelTest : public testing::CollectionsTest {
 protected:
  Model StoredModel() {
    Model model;
    for (const auto& row : database_.Execute(
             "SELECT device_id, collected_at::timestamp::text, (banknotes * 100)::bigint, "
             "(coins * 100)::bigint, version, collector, card_id, note, machine "
             "FROM aquifer.collections")) {
      ModelLine line{
          row[2].as<std::int64_t>(), row[3].as<std::int64_t>(), row[4].as<std::int64_t>(), {}};
      for (int i = 0; i < 4; ++i) line.texts[i] = row[5 + i].c_str();
      model[{row[0].c_str(), row[1].c_str()}] = line;
    }
    return model;
  }
};

bool operator==(const ModelLine& a, const ModelLine& b) {
  return a.notes == b.notes && a.coins == b.coins && a.version == b.version && a.texts == b.texts;
}

class CollectionModelSeedTest : public CollectionModelTest,
                                public ::testing::WithParamInterface<unsigned> {};

TEST_P(CollectionModelSeedTest, BatchesWithDuplicatesAnswerAndStoreAsTheModelDoes) {
  LineMaker maker(GetParam());
  Model model;
  for (int step = 0; step < 30; ++step) {
    const auto lines = maker.MakeMany();

    const auto answer = RecordAll(lines);

    ASSERT_TRUE(answer.ok()) << answer.status();
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const auto expected = Store(lines[i], model);
      const auto& result = answer->results(static_cast<int>(i));
      ASSERT_EQ(result.outcome(), expected) << "step " << step << " line " << i;
      if (expected == v1::RECORD_OUTCOME_SKIPPED) continue;
      const auto& stored = model[{lines[i].device_id(), lines[i].wall_time()}];
      ASSERT_EQ(result.version(), stored.version) << "step " << step << " line " << i;
    }
  }
  EXPECT_TRUE(StoredModel() == model);
}

TEST_P(CollectionModelSeedTest, SingleLinesAnswerAndStoreAsTheModelDoes) {
  LineMaker maker(GetParam());
  Model model;
  for (int step = 0; step < 200; ++step) {
    const v1::CollectionLine line = maker.Make();

    const auto answer = Record(line);

    ASSERT_TRUE(answer.ok()) << answer.status();
    ASSERT_EQ(answer->outcome(), Store(line, model)) << "step " << step;
  }
  EXPECT_TRUE(StoredModel() == model);
}

INSTANTIATE_TEST_SUITE_P(Seeds, CollectionModelSeedTest, ::testing::Range(1u, 6u));

// What one thread's calls did to each key.
struct Tally {
  std::map<std::pair<std::string, std::string>, int> inserted, updated;
  std::string failure;

  void Note(const v1::CollectionLine& line, v1::RecordOutcome outcome) {
    const std::pair key(line.device_id(), line.wall_time());
    if (outcome == v1::RECORD_OUTCOME_INSERTED) ++inserted[key];
    if (outcome == v1::RECORD_OUTCOME_UPDATED) ++updated[key];
  }
};

// Batches and single lines on a connection of its own. Nothing is retried: a deadlock is a failure.
Tally RecordMuch(const std::string& url, const std::vector<std::vector<v1::CollectionLine>>& work) {
  Tally tally;
  try {
    pqxx::connection connection(url);
    PreparedStatements prepared(connection);
    for (const auto& lines : work) {
      pqxx::work transaction(connection);
      Session session(transaction, prepared);
      v1::RecordCollectionsRequest request;
      request.mutable_lines()->Add(lines.begin(), lines.end());
      const auto answer = CollectionRepository(session).RecordCollections(request);
      v1::RecordCollectionRequest single;
      *single.mutable_line() = lines.back();
      transaction.commit();
      for (std::size_t i = 0; i < lines.size(); ++i) {
        tally.Note(lines[i], answer->results(static_cast<int>(i)).outcome());
      }
      pqxx::work second(connection);
      Session alone(second, prepared);
      const auto one = CollectionRepository(alone).RecordCollection(single);
      second.commit();
      tally.Note(lines.back(), one->outcome());
    }
  } catch (const std::exception& error) {
    tally.failure = error.what();
  }
  return tally;
}

TEST_F(CollectionModelTest, ConcurrentBatchesNeitherDeadlockNorLoseAnything) {
  constexpr int kThreads = 8;
  constexpr int kBatches = 25;
  std::vector<std::vector<std::vector<v1::CollectionLine>>> work(kThreads);
  Model model;
  for (int t = 0; t < kThreads; ++t) {
    LineMaker maker(100 + t);
    for (int b = 0; b < kBatches; ++b) {
      work[t].push_back(maker.MakeMany());
      for (auto& line : work[t].back()) {
        // Texts depend on who comes first; the amounts do not.
        for (auto* text : {line.mutable_collector(), line.mutable_card_id(), line.mutable_note(),
                           line.mutable_machine()}) {
          text->clear();
        }
        line.set_banknotes_minor(maker.Below(100000));
        line.set_device_id(absl::StrCat("d", maker.Below(3 + b)));
        Store(line, model);
      }
    }
  }

  std::vector<Tally> tallies(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] { tallies[t] = RecordMuch(database_.url(), work[t]); });
  }
  for (std::thread& thread : threads) thread.join();

  Tally all;
  for (const Tally& tally : tallies) {
    EXPECT_EQ(tally.failure, "");
    for (const auto& [key, count] : tally.inserted) all.inserted[key] += count;
    for (const auto& [key, count] : tally.updated) all.updated[key] += count;
  }
  const Model stored = StoredModel();
  ASSERT_EQ(stored.size(), model.size());
  for (const auto& [key, expected] : model) {
    const ModelLine& line = stored.at(key);
    EXPECT_EQ(line.notes, expected.notes);
    EXPECT_EQ(line.coins, expected.coins);
    EXPECT_EQ(all.inserted[key], 1);
    EXPECT_EQ(line.version, 1 + all.updated[key]);
  }
}

}  // namespace
}  // namespace aquifer
