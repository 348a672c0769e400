// Noting how fetches ended.
#include <gtest/gtest.h>

#include <exception>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/testing/collections_test.h"
#include "tests/testing/times.h"

namespace aquifer {
namespace {

// `Outcome("1024", 28).Ok(3)`: a fetch of a device and a day of March 2026.
class Outcome {
 public:
  Outcome(const std::string& device, int day) {
    outcome_.set_device_id(device);
    *outcome_.mutable_day() = testing::DayOf(2026, 3, day);
  }
  Outcome& Ok(int lines) { return Set(v1::FETCH_STATE_OK, lines, ""); }
  Outcome& Empty() { return Set(v1::FETCH_STATE_EMPTY, 0, ""); }
  Outcome& Failed(const std::string& error = "timeout") {
    return Set(v1::FETCH_STATE_FAILED, 0, error);
  }
  Outcome& Set(v1::FetchState state, int lines, const std::string& error) {
    outcome_.set_state(state);
    outcome_.set_lines(lines);
    outcome_.set_error(error);
    return *this;
  }
  // Stands where a message does.
  operator v1::FetchOutcome() const { return outcome_; }  // NOLINT(google-explicit-constructor)

 private:
  v1::FetchOutcome outcome_;
};

v1::RecordFetchOutcomesRequest RequestOf(const std::vector<v1::FetchOutcome>& outcomes) {
  v1::RecordFetchOutcomesRequest request;
  request.mutable_outcomes()->Add(outcomes.begin(), outcomes.end());
  return request;
}

class FetchLedgerTest : public testing::CollectionsTest {
 protected:
  v1::RecordFetchOutcomesResponse Note(const std::vector<v1::FetchOutcome>& outcomes) {
    const auto answer = Call(&CollectionRepository::RecordFetchOutcomes, RequestOf(outcomes));
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *answer : v1::RecordFetchOutcomesResponse();
  }

  // Outcomes with the state that is held, such as "INSERTED:OK".
  static std::string TextOf(const v1::RecordFetchOutcomesResponse& response) {
    std::string text;
    for (const auto& result : response.results()) {
      if (!text.empty()) text += ' ';
      text += v1::RecordOutcome_Name(result.outcome()).substr(15) + ':' +
              v1::FetchState_Name(result.state()).substr(12);
    }
    return text;
  }

  std::string Ledger() {
    return Value(
        "SELECT string_agg(concat_ws(' ', device_id, day, state, lines, error, attempts), "
        "', ' ORDER BY day, device_id) FROM aquifer.fetch_outcomes");
  }
};

TEST_F(FetchLedgerTest, NotesFirstOutcomesAndRegistersTheirDevices) {
  const auto answer =
      Note({Outcome("b", 28).Ok(3), Outcome("a", 28).Empty(), Outcome("a", 27).Failed()});

  EXPECT_EQ(TextOf(answer), "INSERTED:OK INSERTED:EMPTY INSERTED:FAILED");
  EXPECT_EQ(Ledger(),
            "a 2026-03-27 failed 0 timeout 1, a 2026-03-28 empty 0  1, b 2026-03-28 ok 3  1");
  EXPECT_EQ(Value("SELECT string_agg(device_id, ',' ORDER BY device_id) FROM aquifer.devices"),
            "a,b");
}

class DomainRule4LedgerTest : public FetchLedgerTest {};

TEST_F(DomainRule4LedgerTest, ABetterOutcomeIsNeverReplacedByAWorseOne) {
  const struct {
    v1::FetchOutcome first, second;
    const char* outcome;
    const char* ledger;
  } kCases[] = {
      {Outcome("a", 1).Ok(2), Outcome("a", 1).Failed(), "UNCHANGED:OK", "ok 2  2"},
      {Outcome("a", 2).Ok(2), Outcome("a", 2).Empty(), "UNCHANGED:OK", "ok 2  2"},
      {Outcome("a", 3).Ok(2), Outcome("a", 3).Ok(1), "UPDATED:OK", "ok 1  2"},
      {Outcome("a", 4).Ok(2), Outcome("a", 4).Ok(2), "UNCHANGED:OK", "ok 2  2"},
      {Outcome("a", 5).Empty(), Outcome("a", 5).Failed(), "UNCHANGED:EMPTY", "empty 0  2"},
      {Outcome("a", 6).Empty(), Outcome("a", 6).Empty(), "UNCHANGED:EMPTY", "empty 0  2"},
      {Outcome("a", 7).Empty(), Outcome("a", 7).Ok(1), "UPDATED:OK", "ok 1  2"},
      {Outcome("a", 8).Failed(), Outcome("a", 8).Failed(), "UNCHANGED:FAILED",
       "failed 0 timeout 2"},
      {Outcome("a", 9).Failed(), Outcome("a", 9).Failed("x"), "UPDATED:FAILED", "failed 0 x 2"},
      {Outcome("a", 10).Failed(), Outcome("a", 10).Empty(), "UPDATED:EMPTY", "empty 0  2"},
      {Outcome("a", 11).Failed(), Outcome("a", 11).Ok(1), "UPDATED:OK", "ok 1  2"},
  };
  for (const auto& c : kCases) {
    Note({c.first});

    const auto answer = Note({c.second});

    EXPECT_EQ(TextOf(answer), c.outcome) << c.first.day().day();
    EXPECT_EQ(Value("SELECT concat_ws(' ', state, lines, error, attempts) "
                    "FROM aquifer.fetch_outcomes ORDER BY day DESC LIMIT 1"),
              c.ledger)
        << c.first.day().day();
  }
}

TEST_F(DomainRule4LedgerTest, OutcomesOfOneDayBehaveAsIfNotedInTurn) {
  const auto answer =
      Note({Outcome("a", 1).Failed(), Outcome("a", 1).Ok(1), Outcome("b", 1).Empty(),
            Outcome("a", 1).Empty(), Outcome("a", 1).Ok(4)});

  EXPECT_EQ(TextOf(answer), "INSERTED:FAILED UPDATED:OK INSERTED:EMPTY UNCHANGED:OK UPDATED:OK");
  EXPECT_EQ(Ledger(), "a 2026-03-01 ok 4  4, b 2026-03-01 empty 0  1");
}

TEST_F(DomainRule4LedgerTest, SomeLineOfADayIsNoOutcome) {
  ASSERT_TRUE(Record(testing::LineAt("2026-03-28 14:05:09").Notes(100)).ok());

  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.fetch_outcomes"), "0");
}

TEST_F(FetchLedgerTest, RejectsAloneWhatContradictsItself) {
  const auto answer = Note({
      Outcome("a", 1).Set(v1::FETCH_STATE_UNSPECIFIED, 0, ""),
      Outcome("a", 2).Set(v1::FETCH_STATE_NEVER, 0, ""),
      Outcome("a", 3).Ok(0),
      Outcome("a", 4).Set(v1::FETCH_STATE_EMPTY, 1, "x"),
      Outcome("", 5).Failed(std::string(501, 'x')),
      Outcome("a", 31).Ok(1),
  });

  EXPECT_EQ(TextOf(answer),
            "REJECTED:UNSPECIFIED REJECTED:UNSPECIFIED REJECTED:UNSPECIFIED REJECTED:UNSPECIFIED "
            "REJECTED:UNSPECIFIED INSERTED:OK");
  std::string fields;
  for (const auto& result : answer.results()) {
    for (const auto& problem : result.rejection().problems()) fields += problem.field() + ' ';
  }
  EXPECT_EQ(fields,
            "outcomes[0].state outcomes[1].state outcomes[2].lines outcomes[3].lines "
            "outcomes[3].error outcomes[4].device_id outcomes[4].error ");
}

TEST_F(FetchLedgerTest, ConcurrentBatchesNeitherDeadlockNorLoseAnAttempt) {
  constexpr int kThreads = 6;
  constexpr int kBatches = 20;
  std::vector<std::string> failures(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      try {
        std::mt19937 random(t);
        pqxx::connection connection(database_.url());
        PreparedStatements prepared(connection);
        for (int b = 0; b < kBatches; ++b) {
          std::vector<v1::FetchOutcome> outcomes;
          for (int i = 0; i < 20; ++i) {
            outcomes.push_back(Outcome(std::to_string(random() % (b + 2)), 1 + random() % 3).Ok(1));
          }
          pqxx::work transaction(connection);
          Session session(transaction, prepared);
          (void)CollectionRepository(session).RecordFetchOutcomes(RequestOf(outcomes));
          transaction.commit();
        }
      } catch (const std::exception& error) {
        failures[t] = error.what();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(failures, std::vector<std::string>(kThreads));
  EXPECT_EQ(Value("SELECT sum(attempts) FROM aquifer.fetch_outcomes"),
            std::to_string(kThreads * kBatches * 20));
}

}  // namespace
}  // namespace aquifer
