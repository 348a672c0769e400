// A disk that fills up, under a server over its embedded PostgreSQL. Needs root, to mount a small
// one.
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>

#include "tests/end_to_end/end_to_end_test.h"
#include "tests/testing/eventually.h"
#include "tests/testing/small_disk.h"
#include "tests/testing/temporary_directory.h"

namespace aquifer::testing {
namespace {

using ::testing::HasSubstr;

class FullDiskTest : public ::testing::Test {
 protected:
  std::string DataDirectory() const { return directory_.path() + "/data"; }

  // A thousand lines of one device, each with a long text, so that they need room.
  static grpc::Status RecordMany(ServerProcess& server, const std::string& device) {
    v1::RecordCollectionsRequest request;
    for (int second = 0; second < 1000; ++second) {
      v1::CollectionLine& line = *request.add_lines();
      line.set_device_id(device);
      line.mutable_collected_at()->set_seconds(1774648800 + second);
      line.set_banknotes_minor(100);
      line.set_collector(std::string(200, 'x'));
    }
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
    v1::RecordCollectionsResponse response;
    return v1::CollectionRepository::NewStub(server.Channel())
        ->RecordCollections(&context, request, &response);
  }

  TemporaryDirectory directory_;
};

TEST_F(FullDiskTest, StartSaysWhereSpaceIsNeeded) {
  const SmallDisk disk(directory_.path(), 24);
  if (!disk.mounted()) GTEST_SKIP() << disk.why_not();

  ServerProcess server({"--data-dir", DataDirectory()});

  EXPECT_EQ(server.AwaitExit(), 1);
  EXPECT_THAT(server.Log(),
              HasSubstr(absl::StrCat("aquifer-server: no space left in ", DataDirectory(), " (")));
  EXPECT_THAT(server.Log(), HasSubstr("free some"));
}

TEST_F(FullDiskTest, WritesAreRefusedAsDatabaseFullAndWorkAgainOnceThereIsSpace) {
  const SmallDisk disk(directory_.path(), 160);
  if (!disk.mounted()) GTEST_SKIP() << disk.why_not();
  ServerProcess server({"--data-dir", DataDirectory()});
  ASSERT_TRUE(server.AwaitServing()) << server.Output() << server.Log();
  ASSERT_TRUE(RecordMany(server, "before").ok());

  disk.FillUpTo(0);
  grpc::Status status;
  for (int i = 0; i < 100 && status.ok(); ++i) status = RecordMany(server, absl::StrCat("d", i));
  disk.FreeAgain();

  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  ASSERT_TRUE(DetailOf<google::rpc::ErrorInfo>(status));
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status)->reason(), "DATABASE_FULL");
  EXPECT_TRUE(Eventually([&] { return RecordMany(server, "after").ok(); })) << server.Log();
}

}  // namespace
}  // namespace aquifer::testing
