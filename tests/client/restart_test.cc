// The server is killed and comes back while the library calls it: no caller notices, and nothing
// happens twice.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <iostream>
#include <set>

#include "tests/client/client_test.h"
#include "tests/client/load.h"

namespace aquifer::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kLong = absl::Seconds(60);

class RestartTest : public ClientTest {
 protected:
  // Records `count` lines, a second apart.
  void RecordLines(int count) {
    auto writer = client_->collections().WriteCollections();
    for (int i = 0; i < count; ++i) ASSERT_TRUE(writer.Add(LineOf("164", i)).ok());
    ASSERT_TRUE(writer.Finish().ok());
  }
};

TEST_F(RestartTest, CallsWhileTheServerIsKilledAllSucceedAndWriteOnce) {
  Load load(*client_, 6, kLong);
  for (int kill = 0; kill < 4; ++kill) {
    ASSERT_TRUE(load.AwaitCalls(150));
    ASSERT_NO_FATAL_FAILURE(ReplaceServer());
  }
  EXPECT_TRUE(load.AwaitCalls(150));
  load.Stop();

  const LoadFigures figures = load.Figures();
  EXPECT_THAT(figures.failures, IsEmpty());
  EXPECT_GT(figures.repeats, 0);
  EXPECT_EQ(Number("SELECT count(*) FROM aquifer.collections"), figures.lines);
  EXPECT_EQ(Number("SELECT count(*) FROM aquifer.maintenance_tasks"), figures.tasks);
  EXPECT_EQ(Number("SELECT count(DISTINCT title) FROM aquifer.maintenance_tasks"), figures.tasks);
  std::cout << figures.calls() << " calls over 4 kills, " << figures.repeats
            << " tries repeated, the slowest took " << figures.slowest << "\n";
}

TEST_F(RestartTest, StreamGoesOnWhereTheKilledServerLeftItOff) {
  constexpr int kLines = 30000;
  ASSERT_NO_FATAL_FAILURE(RecordLines(kLines));
  v1::StreamCollectionsRequest of_the_day;
  for (v1::Day* day : {of_the_day.mutable_filter()->mutable_days()->mutable_first(),
                       of_the_day.mutable_filter()->mutable_days()->mutable_last()}) {
    day->set_year(2026);
    day->set_month(3);
    day->set_day(28);
  }
  v1::StreamCollectionsRequest of_instants;
  of_instants.mutable_filter()->mutable_instants()->mutable_start()->set_seconds(1774648800);
  of_instants.mutable_filter()->mutable_instants()->mutable_end()->set_seconds(1774648800 + kLines);

  for (const auto& request : {v1::StreamCollectionsRequest(), of_the_day, of_instants}) {
    client::CallReport report;
    std::vector<std::int64_t> seconds;
    auto lines = client_->collections().StreamCollections(request, {.report = &report});
    for (const v1::Collection& line : lines) {
      seconds.push_back(line.collected_at().seconds());
      if (seconds.size() == 1500) {
        ASSERT_NO_FATAL_FAILURE(ReplaceServer());
      }
    }

    EXPECT_TRUE(lines.status().ok()) << lines.status();
    EXPECT_THAT(seconds, SizeIs(kLines));
    EXPECT_TRUE(std::is_sorted(seconds.begin(), seconds.end()));
    EXPECT_THAT(std::set(seconds.begin(), seconds.end()), SizeIs(kLines));
    EXPECT_EQ(report.tries, 2) << "the stream was read whole before the server was killed";
  }
}

TEST_F(RestartTest, WriterOutlastsAKilledServer) {
  constexpr int kLines = 5500;
  std::int64_t outcomes = 0;

  auto writer = client_->collections().WriteCollections([&](const auto& outcome) {
    EXPECT_EQ(outcome.number, ++outcomes);
    EXPECT_NE(outcome.result.id(), 0);
  });
  for (int i = 0; i < kLines; ++i) {
    ASSERT_TRUE(writer.Add(LineOf("164", i)).ok());
    if (i == 2500) {
      ASSERT_NO_FATAL_FAILURE(ReplaceServer());
    }
  }
  const auto counts = writer.Finish();

  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(outcomes, kLines);
  EXPECT_EQ(Number("SELECT count(*) FROM aquifer.collections"), kLines);
}

TEST_F(RestartTest, SmallImportOutlastsAKilledServer) {
  auto import = client_->collections().ImportCollections();
  for (int i = 0; i < 1500; ++i) ASSERT_TRUE(import.Add(LineOf("164", i)).ok());
  ASSERT_NO_FATAL_FAILURE(ReplaceServer());

  const auto answer = import.Finish();

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->counts().inserted() + answer->counts().unchanged(), 1500);
  EXPECT_EQ(Number("SELECT count(*) FROM aquifer.collections"), 1500);
}

}  // namespace
}  // namespace aquifer::testing
