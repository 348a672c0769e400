// One client over several instances: who gets the calls.
#include <absl/strings/match.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>

#include <set>

#include "tests/client/instances.h"
#include "tests/testing/eventually.h"

namespace aquifer::testing {
namespace {

using client::Retries;
using client::Serving;

class BalancingTest : public InstancesTest {
 protected:
  void SetUp() override {
    // A long notice, so that an instance stays NOT_SERVING, and would take calls, for the test.
    ASSERT_NO_FATAL_FAILURE(StartInstance("a", {"--shutdown-notice-ms", "60000"}));
    ASSERT_NO_FATAL_FAILURE(StartInstance("b"));
  }

  // How many calls to list workers the instance has logged.
  int CallsAt(const std::string& name) {
    int calls = 0;
    for (const absl::string_view line : absl::StrSplit(servers_[name]->Log(), '\n')) {
      calls += absl::StrContains(line, R"("method":"WorkerRepository.ListWorkers")");
    }
    return calls;
  }

  static bool Call(const client::Client& client) {
    return client.workers().ListWorkers({}, {.retries = Retries::kNone}).ok();
  }
};

TEST_F(BalancingTest, InstancesTakeTurns) {
  const client::Client client = ConnectToAll();
  ASSERT_TRUE(client.AwaitConnected(absl::Seconds(20)).ok());
  // One may be connected a moment before the other.
  ASSERT_TRUE(Eventually([&] { return Call(client) && CallsAt("a") > 0 && CallsAt("b") > 0; }));
  const int before = CallsAt("a");

  for (int i = 0; i < 50; ++i) EXPECT_TRUE(Call(client));

  EXPECT_TRUE(Eventually([&] { return CallsAt("a") - before == 25; })) << CallsAt("a") - before;
}

TEST_F(BalancingTest, InstanceThatSaysItIsStoppingGetsNoCallAndStillAnswersAdmin) {
  const client::Client client = ConnectToAll();
  ASSERT_TRUE(Eventually([&] { return Call(client) && CallsAt("a") > 0 && CallsAt("b") > 0; }));
  servers_["a"]->Signal(SIGTERM);
  const client::Client direct = ConnectTo("a");
  ASSERT_TRUE(Eventually([&] {
    const auto serving = direct.health().Check();
    return serving.ok() && *serving == Serving::kNo;
  }));
  // The client hears of it by its own watch.
  ASSERT_TRUE(Eventually([&] {
    const int before = CallsAt("a");
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(Call(client));
    return CallsAt("a") == before;
  }));
  const int at_a = CallsAt("a");
  const int at_b = CallsAt("b");

  for (int i = 0; i < 50; ++i) EXPECT_TRUE(Call(client));

  EXPECT_TRUE(Eventually([&] { return CallsAt("b") - at_b == 50; })) << CallsAt("b") - at_b;
  EXPECT_EQ(CallsAt("a"), at_a);
  std::set<std::string> answering;
  EXPECT_TRUE(Eventually([&] {
    const auto status = client.admin().GetStatus({});
    if (status.ok()) answering.insert(status->instance());
    return answering.size() == 2;
  }));
  // It would have taken the calls.
  EXPECT_TRUE(Call(direct));
}

TEST_F(BalancingTest, KilledInstanceIsLeftAndFoundAgain) {
  const client::Client client = ConnectToAll();
  ASSERT_TRUE(Eventually([&] { return Call(client) && CallsAt("a") > 0 && CallsAt("b") > 0; }));

  servers_["a"]->Signal(SIGKILL);
  servers_["a"]->AwaitExit();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(client.workers().ListWorkers({}).ok());
  ASSERT_NO_FATAL_FAILURE(StartInstance("a"));

  EXPECT_TRUE(Eventually([&] { return Call(client) && CallsAt("a") > 0; }));
}

}  // namespace
}  // namespace aquifer::testing
