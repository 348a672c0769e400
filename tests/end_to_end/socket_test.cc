// The Unix socket beside TCP: the same calls, and whose its file is.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "aquifer/v1/transaction.grpc.pb.h"
#include "tests/end_to_end/end_to_end_test.h"
#include "tests/testing/eventually.h"
#include "tests/testing/temporary_directory.h"

namespace aquifer::testing {
namespace {

using ::testing::HasSubstr;

class SocketTest : public EndToEndTest {
 protected:
  void SetUp() override { StartServer({"--socket", path_}); }

  std::shared_ptr<grpc::Channel> SocketChannel() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel("unix:" + path_, grpc::InsecureChannelCredentials(),
                                     arguments);
  }

  bool AnswersOnTheSocket() const {
    grpc::ClientContext context;
    v1::GetStatusResponse status;
    return v1::Admin::NewStub(SocketChannel())->GetStatus(&context, {}, &status).ok();
  }

  // What a second server says that is to listen at `path`.
  std::string RefusalOf(const std::string& path) {
    ServerProcess second({"--database-url", database_.url(), "--socket", path});
    EXPECT_EQ(second.AwaitExit(), 1) << second.Output();
    return second.Log();
  }

  // The permissions of the socket's file.
  unsigned Mode() const {
    struct stat file = {};
    return stat(path_.c_str(), &file) == 0 ? file.st_mode & 0777 : 0;
  }

  const TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/aquifer.sock";
};

// A program that listens and never answers.
class Listener {
 public:
  explicit Listener(const std::string& path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(socket_, 8), 0);
  }
  ~Listener() { close(socket_); }

 private:
  const int socket_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

TEST_F(SocketTest, LineThatIsRecordedOverTcpIsReadOverTheSocket) {
  EXPECT_THAT(server_->Output(),
              HasSubstr(absl::StrCat("(plaintext)\nserving on unix:", path_, "\n")));
  grpc::ClientContext over_tcp;
  v1::RecordCollectionRequest line;
  *line.mutable_line() = MakeLine("164", 0, 152000);
  v1::RecordCollectionResponse recorded;
  ASSERT_TRUE(collections_->RecordCollection(&over_tcp, line, &recorded).ok());

  grpc::ClientContext over_socket;
  over_socket.AddMetadata("x-request-id", "over-the-socket");
  v1::GetCollectionRequest request;
  request.set_id(recorded.collection().id());
  v1::GetCollectionResponse read;
  const grpc::Status status = v1::CollectionRepository::NewStub(SocketChannel())
                                  ->GetCollection(&over_socket, request, &read);

  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(read.collection().banknotes_minor(), 152000);
  EXPECT_TRUE(server_->AwaitLog("\"request_id\":\"over-the-socket\",\"peer\":\"unix:"))
      << server_->Log();
}

TEST_F(SocketTest, StopRemovesTheSocketAndItsLock) {
  ASSERT_TRUE(AnswersOnTheSocket());

  server_->Signal(SIGTERM);

  EXPECT_EQ(server_->AwaitExit(), 0);
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(SocketTest, SocketOfAKilledServerIsTakenOver) {
  server_->Signal(SIGKILL);
  server_->AwaitExit();
  ASSERT_TRUE(std::filesystem::is_socket(path_));

  StartServer({"--socket", path_});

  EXPECT_TRUE(AnswersOnTheSocket());
}

TEST_F(SocketTest, SecondServerOnThePathIsRefusedAndTheFirstGoesOn) {
  EXPECT_THAT(RefusalOf(path_), HasSubstr(absl::StrCat("aquifer-server: socket ", path_,
                                                       ": another server is listening there\n")));
  EXPECT_TRUE(AnswersOnTheSocket());
}

TEST_F(SocketTest, StoppingServerKeepsThePathUntilItIsGone) {
  StartServer({"--socket", path_, "--shutdown-notice-ms", "300000"});
  server_->Signal(SIGTERM);
  ASSERT_TRUE(server_->AwaitLog("\"event\":\"stopping\""));

  EXPECT_THAT(RefusalOf(path_), HasSubstr("another server is listening there"));
  EXPECT_TRUE(AnswersOnTheSocket());
}

TEST_F(SocketTest, PathWhereAnotherProgramAnswersIsRefusedAndLeftAlone) {
  const std::string path = directory_.path() + "/other";
  const Listener other(path);

  EXPECT_THAT(RefusalOf(path), HasSubstr(absl::StrCat("aquifer-server: socket ", path,
                                                      ": another program answers there\n")));
  EXPECT_TRUE(std::filesystem::is_socket(path));
}

TEST_F(SocketTest, FileThatIsNoSocketIsRefusedAndLeftAlone) {
  const std::string path = directory_.path() + "/diary";
  std::ofstream(path) << "dear diary";

  EXPECT_THAT(RefusalOf(path), HasSubstr(absl::StrCat("aquifer-server: socket ", path,
                                                      ": what is there is no socket\n")));
  EXPECT_EQ(std::filesystem::file_size(path), 10u);
  EXPECT_FALSE(std::filesystem::exists(path + ".lock"));
}

TEST_F(SocketTest, DirectoryThatIsNotThereIsNamed) {
  const std::string path = directory_.path() + "/nowhere/socket";

  EXPECT_THAT(RefusalOf(path),
              HasSubstr(absl::StrCat("aquifer-server: socket ", path,
                                     ": its directory must exist and let the server make ", path,
                                     ".lock: No such file or directory\n")));
}

TEST_F(SocketTest, OwnerAndGroupMayConnectUnlessTheModeSaysOtherwise) {
  EXPECT_EQ(Mode(), 0660u);

  StartServer({"--socket", path_, "--socket-mode", "0606"});

  EXPECT_EQ(Mode(), 0606u);
}

// A caller may fill half of the queue, which is one of its two places.
TEST_F(SocketTest, CallersOnTheSocketAreOneUnlessTheyNameThemselves) {
  StartServer({"--socket", path_, "--pool-min", "1", "--pool-max", "1", "--queue-capacity", "2"});
  const auto channel = SocketChannel();
  const auto call = [&](const std::string& caller, const std::string& device) {
    grpc::ClientContext context;
    if (!caller.empty()) context.AddMetadata("aquifer-caller", caller);
    v1::ExecuteRequest request;
    *request.add_writes()->mutable_record_collection()->mutable_line() = MakeLine(device, 0, 100);
    v1::ExecuteResponse response;
    return v1::TransactionService::NewStub(channel)->Execute(&context, request, &response);
  };
  const auto queued = [&] {
    grpc::ClientContext context;
    v1::GetStatusResponse status;
    return admin_->GetStatus(&context, {}, &status).ok() ? status.queue().queued() : -1;
  };
  pqxx::connection stranger(database_.url());
  pqxx::work lock(stranger);
  lock.exec("LOCK TABLE aquifer.collections IN ACCESS EXCLUSIVE MODE");
  auto running = std::async(std::launch::async, call, "", "1");
  ASSERT_TRUE(Eventually(
      [&] { return !database_.Execute("SELECT pid FROM pg_locks WHERE NOT granted").empty(); }));
  auto waiting = std::async(std::launch::async, call, "", "2");
  ASSERT_TRUE(Eventually([&] { return queued() == 1; }));

  const grpc::Status same = call("", "3");
  auto other = std::async(std::launch::async, call, "other", "4");
  EXPECT_TRUE(Eventually([&] { return queued() == 2; }));
  lock.abort();

  EXPECT_EQ(same.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << same.error_message();
  for (auto* each : {&running, &waiting, &other}) EXPECT_TRUE(each->get().ok());
}

}  // namespace
}  // namespace aquifer::testing
