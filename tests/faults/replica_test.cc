// Reads from a real streaming replica: where each kind of consistency goes, and what it sees, while
// the replica lags, dies and hangs.
#include <absl/strings/match.h>

#include <atomic>
#include <iostream>
#include <thread>

#include "aquifer/v1/maintenance.grpc.pb.h"
#include "tests/faults/faults_test.h"

namespace aquifer::testing {
namespace {

struct Read {
  grpc::Status status;
  bool from_replica = false;
};

std::string TrailerOf(const grpc::ClientContext& context, const char* key) {
  const auto found = context.GetServerTrailingMetadata().find(key);
  return found == context.GetServerTrailingMetadata().end()
             ? ""
             : std::string(found->second.data(), found->second.size());
}

class ReplicaTest : public FaultsTest {
 protected:
  void StartBoth(std::vector<std::string> flags = {}) {
    primary_ = std::make_unique<OwnPostgres>(std::vector<std::string>{"max_connections=60"});
    replica_ = std::make_unique<OwnPostgres>(*primary_);
    StartServer(OwnPostgres::UrlOf(absl::StrCat(primary_->host(), ",", replica_->host())),
                std::move(flags));
  }

  // Stores a line; its token.
  std::string Write(int second) {
    grpc::ClientContext context;
    context.AddMetadata("aquifer-want-token", "true");
    v1::RecordCollectionResponse response;
    const grpc::Status status =
        collections_->RecordCollection(&context, MakeLine("164", second), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return TrailerOf(context, "aquifer-token");
  }

  Read ReadAt(int second, const std::string& consistency) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(10)));
    if (!consistency.empty()) context.AddMetadata("aquifer-consistency", consistency);
    v1::GetCollectionRequest request;
    *request.mutable_key()->mutable_device_id() = "164";
    request.mutable_key()->mutable_collected_at()->set_seconds(1774648800 + second);
    v1::GetCollectionResponse response;
    Read read;
    read.status = collections_->GetCollection(&context, request, &response);
    read.from_replica = absl::StrContains(TrailerOf(context, "aquifer-receipt"), ",replica=1");
    return read;
  }
  bool FromReplica(int second, const std::string& consistency) {
    const Read read = ReadAt(second, consistency);
    EXPECT_TRUE(read.status.ok()) << consistency << ": " << read.status.error_message();
    return read.from_replica;
  }

  double Reads(const std::string& result) const {
    return Series(absl::StrCat("aquifer_replica_reads_total{result=\"", result, "\"}"));
  }

  std::unique_ptr<OwnPostgres> primary_;
  std::unique_ptr<OwnPostgres> replica_;
};

TEST_F(ReplicaTest, ReadWithATokenSeesItsWriteHoweverFarTheReplicaIs) {
  StartBoth();
  const std::string first = Write(0);
  ASSERT_NE(first, "");
  ASSERT_TRUE(Eventually([&] { return FromReplica(0, "at-least=" + first); }));

  replica_->Execute("SELECT pg_wal_replay_pause()");
  const std::string second = Write(1);
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(FromReplica(1, "at-least=" + second)) << "a replica that cannot have it";
    EXPECT_TRUE(FromReplica(0, "at-least=" + first)) << "a replica that has it";
  }
  EXPECT_EQ(ReadAt(1, "any").status.error_code(), grpc::StatusCode::NOT_FOUND);

  replica_->Execute("SELECT pg_wal_replay_resume()");
  EXPECT_TRUE(Eventually([&] { return FromReplica(1, "at-least=" + second); }));
}

TEST_F(ReplicaTest, ReadRightAfterItsWriteSeesItEachTime) {
  StartBoth();
  ASSERT_TRUE(Eventually([&] { return FromReplica(0, "at-least=" + Write(0)); }));
  int from_replica = 0;

  for (int second = 1; second <= 300; ++second) {
    from_replica += FromReplica(second, "at-least=" + Write(second)) ? 1 : 0;
  }

  std::cout << "300 reads right after their writes: " << from_replica << " from the replica\n";
  EXPECT_GT(from_replica, 0);
}

TEST_F(ReplicaTest, BoundedStalenessRefusesAReplicaThatIsTooOld) {
  StartBoth();
  Write(0);
  ASSERT_TRUE(Eventually([&] { return FromReplica(0, "stale=2"); }));

  replica_->Execute("SELECT pg_wal_replay_pause()");
  Write(1);
  EXPECT_TRUE(Eventually([&] { return !FromReplica(0, "stale=2"); }));
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(FromReplica(1, "stale=2"));
  EXPECT_TRUE(FromReplica(0, "stale=3600"));
  EXPECT_TRUE(FromReplica(0, "any"));
  EXPECT_GT(Series("aquifer_replica_lag_seconds{host=\"1\"}"), 1);

  replica_->Execute("SELECT pg_wal_replay_resume()");
  EXPECT_TRUE(Eventually([&] { return FromReplica(1, "stale=2"); }));
}

TEST_F(ReplicaTest, ReplicaWhoseLinkToThePrimaryBrokeIsTooOldThoughItLacksNothingItKnowsOf) {
  StartBoth();
  Write(0);
  ASSERT_TRUE(Eventually([&] { return FromReplica(0, "stale=1"); }));

  replica_->Execute("ALTER SYSTEM SET primary_conninfo = ''");
  replica_->Execute("SELECT pg_reload_conf()");
  ASSERT_TRUE(
      Eventually([&] { return replica_->Execute("SELECT 1 FROM pg_stat_wal_receiver").empty(); }));
  Write(1);

  EXPECT_TRUE(Eventually([&] { return !FromReplica(0, "stale=1"); }));
  EXPECT_FALSE(FromReplica(1, "stale=1"));
}

TEST_F(ReplicaTest, StrongReadNeverTouchesAReplica) {
  StartBoth();
  Write(0);
  ASSERT_TRUE(Eventually([&] { return FromReplica(0, "any"); }));
  const double served = Reads("served");
  const auto reads = [this] {
    return replica_
        ->Execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'aquifer/%' "
            "AND query LIKE '%aquifer.collections%' AND "
            "query_start > clock_timestamp() - interval '100 years'")[0][0]
        .as<int>();
  };
  EXPECT_GT(reads(), 0) << "the test looks at the wrong thing";
  replica_->Execute(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE "
      "'aquifer/%'");

  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(FromReplica(0, ""));
    EXPECT_FALSE(FromReplica(0, "strong"));
  }

  EXPECT_EQ(Reads("served"), served);
  EXPECT_EQ(reads(), 0);
}

TEST_F(ReplicaTest, ReadsGoOnAtThePrimaryWhenTheReplicaDiesAndComeBackWithIt) {
  StartBoth();
  Write(0);
  ASSERT_TRUE(Eventually([&] { return FromReplica(0, "any"); }));
  std::atomic<bool> stopping = false;
  std::atomic<int> made = 0;
  std::atomic<int> failed = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 6; ++caller) {
    callers.emplace_back([&] {
      while (!stopping && failed < 10) {
        failed += ReadAt(0, "any").status.ok() ? 0 : 1;
        ++made;
      }
    });
  }
  const auto more = [&](int calls) {
    const int before = made;
    EXPECT_TRUE(Eventually([&] { return made > before + calls; }));
  };
  more(200);

  replica_->Kill();
  more(200);
  replica_->Start();
  EXPECT_TRUE(Eventually([&] { return FromReplica(0, "any"); }));
  more(200);
  const absl::Time frozen = absl::Now();
  replica_->Freeze();
  EXPECT_TRUE(Eventually([&] { return Series("aquifer_replica_up{host=\"1\"}") == 0; }));
  more(200);
  const absl::Duration gone_on = absl::Now() - frozen;
  replica_->Thaw();
  EXPECT_TRUE(Eventually([&] { return FromReplica(0, "any"); }));
  stopping = true;
  for (std::thread& caller : callers) caller.join();

  EXPECT_EQ(failed, 0) << server_->Log();
  std::cout << "replica killed, started, frozen and thawed under " << made
            << " reads, none failed; " << gone_on << " after it froze all went on\n";
}

TEST_F(ReplicaTest, WithoutAReplicaEveryConsistencyIsThePrimarys) {
  primary_ = std::make_unique<OwnPostgres>();
  StartServer(primary_->Url());

  const std::string token = Write(0);

  EXPECT_NE(token, "");
  for (const std::string& consistency :
       {std::string("strong"), "at-least=" + token, std::string("stale=1"), std::string("any")}) {
    EXPECT_FALSE(FromReplica(0, consistency)) << consistency;
  }
}

TEST_F(ReplicaTest, EveryKindOfWriteTellsItsTokenWhereItIsAskedFor) {
  StartBoth();
  const auto maintenance = v1::MaintenanceRepository::NewStub(server_->Channel());
  v1::CreateTaskRequest request;
  request.set_request_id("6f1f4c1e-8a41-4d57-9f0e-2b6a4f0c9d11");
  request.mutable_details()->set_title("replace the filter");
  request.mutable_details()->set_type(v1::TASK_TYPE_FILTER_REPLACEMENT);
  const auto create = [&](const char* wanted) {
    grpc::ClientContext context;
    if (wanted != nullptr) context.AddMetadata("aquifer-want-token", wanted);
    v1::CreateTaskResponse response;
    const grpc::Status status = maintenance->CreateTask(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return TrailerOf(context, "aquifer-token");
  };

  EXPECT_NE(create("true"), "");
  EXPECT_NE(create("true"), "") << "of a repeat";
  EXPECT_EQ(create("false"), "");
  EXPECT_EQ(create(nullptr), "");
}

TEST_F(ReplicaTest, UnknownWishesAreRefused) {
  primary_ = std::make_unique<OwnPostgres>();
  StartServer(primary_->Url());

  const grpc::Status status = ReadAt(0, "stale=soon").status;

  EXPECT_EQ(ReasonIn(status), "INVALID_FIELDS");
  EXPECT_TRUE(absl::StrContains(status.error_message(), "aquifer-consistency must be strong"))
      << status.error_message();
}

}  // namespace
}  // namespace aquifer::testing
