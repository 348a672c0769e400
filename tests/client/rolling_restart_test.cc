// Two instances on one PostgreSQL are replaced one after the other under load, as a release does.
#include <gmock/gmock.h>

#include <iostream>

#include "tests/client/instances.h"
#include "tests/client/load.h"
#include "tests/testing/eventually.h"

namespace aquifer::testing {
namespace {

using ::testing::IsEmpty;

class RollingRestartTest : public InstancesTest {
 protected:
  void SetUp() override {
    for (const char* name : {"a", "b"}) ASSERT_NO_FATAL_FAILURE(StartInstance(name));
  }

  // Stops the instance as a release would and starts its successor, which has then taken calls.
  void Replace(const std::string& name) {
    servers_[name]->Signal(SIGTERM);
    ASSERT_EQ(servers_[name]->AwaitExit(), 0) << servers_[name]->Log();
    ASSERT_NO_FATAL_FAILURE(StartInstance(name));
    ASSERT_TRUE(servers_[name]->AwaitLog(R"("method":"CollectionRepository.RecordCollection")"));
  }

  int Number(const std::string& sql) { return database_.Execute(sql)[0][0].as<int>(); }
};

TEST_F(RollingRestartTest, NoCallFailsAndNothingIsWrittenTwice) {
  constexpr int kRounds = 2;
  const client::Client client = ConnectToAll();
  Load load(client, 8, absl::Seconds(5));

  for (int round = 0; round < kRounds; ++round) {
    for (const char* name : {"a", "b"}) {
      ASSERT_TRUE(load.AwaitCalls(100));
      ASSERT_NO_FATAL_FAILURE(Replace(name));
    }
  }
  EXPECT_TRUE(load.AwaitCalls(100));
  load.Stop();

  const LoadFigures figures = load.Figures();
  EXPECT_THAT(figures.failures, IsEmpty());
  EXPECT_EQ(Number("SELECT count(*) FROM aquifer.collections"), figures.lines);
  EXPECT_EQ(Number("SELECT count(*) FROM aquifer.maintenance_tasks"), figures.tasks);
  EXPECT_EQ(Number("SELECT count(DISTINCT title) FROM aquifer.maintenance_tasks"), figures.tasks);
  std::cout << figures.calls() << " calls over " << 2 * kRounds << " replacements, "
            << figures.repeats << " tries repeated, the slowest took " << figures.slowest << "\n";
}

}  // namespace
}  // namespace aquifer::testing
