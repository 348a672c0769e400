// One client over several instances: who gets the calls.
#include <absl/strings/str_cat.h>
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
  // How many calls each instance got.
  struct Split {
    int a = 0;
    int b = 0;
  };

  void SetUp() override {
    // A long notice, so that an instance stays NOT_SERVING, and would take calls, for the test.
    ASSERT_NO_FATAL_FAILURE(StartInstance("a", {"--shutdown-notice-ms", "60000"}));
    ASSERT_NO_FATAL_FAILURE(StartInstance("b"));
  }

  // Makes so many calls, each once, and looks who got them. One that fails is none's.
  Split Call(const client::Client& client, int calls) {
    const std::string round = absl::StrCat("round-", ++rounds_, "-");
    int answered = 0;
    for (int i = 0; i < calls; ++i) {
      answered +=
          client.workers()
              .ListWorkers({}, {.retries = Retries::kNone, .call_id = absl::StrCat(round, i)})
              .ok();
    }
    Split split;
    EXPECT_TRUE(Eventually([&] {
      split = {.a = Mentions("a", round), .b = Mentions("b", round)};
      return split.a + split.b == answered;
    }));
    return split;
  }

  // Waits until both get calls: one may be connected a moment before the other.
  void AwaitBoth(const client::Client& client) {
    ASSERT_TRUE(Eventually([&] {
      const Split split = Call(client, 4);
      return split.a == 2 && split.b == 2;
    }));
  }

 private:
  // How often the log of the instance has this text.
  int Mentions(const std::string& instance, const std::string& text) {
    const std::vector<std::string> parts = absl::StrSplit(servers_[instance]->Log(), text);
    return static_cast<int>(parts.size()) - 1;
  }

  int rounds_ = 0;
};

TEST_F(BalancingTest, InstancesTakeTurns) {
  const client::Client client = ConnectToAll();
  ASSERT_NO_FATAL_FAILURE(AwaitBoth(client));

  const Split split = Call(client, 50);

  EXPECT_EQ(split.a, 25);
  EXPECT_EQ(split.b, 25);
}

TEST_F(BalancingTest, InstanceThatIsStoppingGetsNoCallsAndStillAnswersAdmin) {
  const client::Client client = ConnectToAll();
  ASSERT_NO_FATAL_FAILURE(AwaitBoth(client));
  servers_["a"]->Signal(SIGTERM);
  const client::Client direct = ConnectTo("a");
  ASSERT_TRUE(Eventually([&] {
    const auto serving = direct.health().Check();
    return serving.ok() && *serving == Serving::kNo;
  }));
  // The client hears of it by a watch of its own.
  ASSERT_TRUE(Eventually([&] { return Call(client, 4).b == 4; }));

  const Split split = Call(client, 50);

  EXPECT_EQ(split.b, 50);
  EXPECT_EQ(Call(direct, 1).a, 1) << "it takes no calls at all";
  std::set<std::string> answering;
  EXPECT_TRUE(Eventually([&] {
    const auto status = client.admin().GetStatus({});
    if (status.ok()) answering.insert(status->instance());
    return answering.size() == 2;
  }));
}

TEST_F(BalancingTest, KilledInstanceIsLeftAndFoundAgain) {
  const client::Client client = ConnectToAll();
  ASSERT_NO_FATAL_FAILURE(AwaitBoth(client));

  servers_["a"]->Signal(SIGKILL);
  servers_["a"]->AwaitExit();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(client.workers().ListWorkers({}).ok());
  ASSERT_NO_FATAL_FAILURE(StartInstance("a"));

  ASSERT_NO_FATAL_FAILURE(AwaitBoth(client));
}

// It hangs, with connections that look as before: what was sent to it is tried again elsewhere.
TEST_F(BalancingTest, CallAtAFrozenInstanceIsMadeAtTheOther) {
  const client::Client client = ConnectToAll();
  client::CallReport report;
  // The shortest deadline is that of GetStatus.
  const auto call = [&] {
    const auto status =
        client.admin().GetStatus({}, {.timeout = absl::Minutes(1), .report = &report});
    EXPECT_TRUE(status.ok()) << status.status();
    return status.ok() ? status->instance() : "";
  };
  ASSERT_TRUE(Eventually([&] { return call() == "b" && call() == "a"; }));
  servers_["a"]->Signal(SIGSTOP);

  // In turn, so that one of a few meets it.
  EXPECT_TRUE(Eventually([&] {
    EXPECT_EQ(call(), "b");
    return report.tries > 1;
  }));
}

}  // namespace
}  // namespace aquifer::testing
