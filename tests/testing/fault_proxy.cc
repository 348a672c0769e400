#include "tests/testing/fault_proxy.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace aquifer::testing {
namespace {

// The codes a client may begin with instead of a protocol version.
constexpr std::uint32_t kSslRequest = 80877103;
constexpr std::uint32_t kGssRequest = 80877104;
constexpr std::uint32_t kCancelRequest = 80877102;

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::abort();
}

std::uint32_t NumberAt(absl::string_view bytes) {
  std::uint32_t number = 0;
  std::memcpy(&number, bytes.data(), sizeof number);
  return ntohl(number);
}

int ConnectTo(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) Die("socket");
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s", path.c_str());
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

// False if the other side is gone.
bool SendAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Adds what has come; false at the end of the stream.
bool Receive(int fd, std::string& bytes) {
  char buffer[16384];
  const ssize_t size = recv(fd, buffer, sizeof buffer, 0);
  if (size < 0 && errno == EINTR) return true;
  if (size <= 0) return false;
  bytes.append(buffer, static_cast<std::size_t>(size));
  return true;
}

// The size of the whole message that `bytes` begin with; 0 while it is not all there.
std::size_t WholeMessage(absl::string_view bytes, std::size_t type_bytes) {
  if (bytes.size() < type_bytes + 4) return 0;
  const std::size_t size = type_bytes + NumberAt(bytes.substr(type_bytes));
  return bytes.size() < size ? 0 : size;
}

void Wake(int event) {
  const std::uint64_t one = 1;
  if (write(event, &one, sizeof one) < 0) Die("eventfd");
}

void ClearWake(int event) {
  std::uint64_t count = 0;
  if (read(event, &count, sizeof count) < 0 && errno != EAGAIN) Die("eventfd");
}

}  // namespace

MessageMatcher QueryIs(std::string sql) {
  // Its text ends with a NUL.
  return [sql = std::move(sql)](const ClientMessage& message) {
    return message.type == 'Q' && message.body == absl::string_view(sql.c_str(), sql.size() + 1);
  };
}

MessageMatcher MessageHolds(std::string text) {
  return [text = std::move(text)](const ClientMessage& message) {
    return absl::StrContains(message.body, text);
  };
}

MessageMatcher CommitAfter(std::string text) {
  return [seen = false, holds = MessageHolds(std::move(text)),
          is_commit = QueryIs("COMMIT")](const ClientMessage& message) mutable {
    seen = seen || holds(message);
    return seen && is_commit(message);
  };
}

MessageMatcher StepNumber(int number) {
  return [left = number](const ClientMessage& message) mutable {
    const bool step = message.type == 0 || message.type == 'Q' || message.type == 'S';
    return step && --left == 0;
  };
}

// One client and its connection to the database.
class FaultProxy::Link {
 public:
  Link(FaultProxy& proxy, int client)
      : proxy_(proxy), client_(client), event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (event_ < 0) Die("eventfd");
    thread_ = std::thread([this] { Run(); });
  }
  // Cuts it.
  ~Link() {
    Cut();
    thread_.join();
    close(event_);
  }

  void Cut() {
    cut_ = true;
    Look();
  }
  // Has it see that the proxy's state changed.
  void Look() { Wake(event_); }
  bool ended() const { return ended_; }
  bool spared() const { return spared_; }

 private:
  // What a link does with the next bytes.
  enum class State { kForwarding, kAwaitingAnswer, kHolding };

  void Run() {
    server_ = ConnectTo(proxy_.database_socket_);
    while (server_ >= 0 && Step()) {
    }
    if (server_ >= 0) close(server_);
    // Reset, not closed: what a cable that breaks looks like at best.
    const linger reset = {1, 0};
    setsockopt(client_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(client_);
    ended_ = true;
  }

  // Waits for something and deals with it; false when the link is over.
  bool Step() {
    const bool silent = proxy_.Frozen();
    pollfd fds[] = {{event_, POLLIN, 0},
                    {silent ? -1 : client_, POLLIN, 0},
                    {silent || state_ == State::kHolding ? -1 : server_, POLLIN, 0}};
    if (poll(fds, 3, -1) < 0 && errno != EINTR) Die("poll");
    if (fds[0].revents != 0) ClearWake(event_);
    if (cut_) return false;
    if (fds[1].revents != 0) {
      if (!Receive(client_, from_client_) || !ForwardMessages()) return false;
    }
    if (fds[2].revents != 0) {
      if (!Receive(server_, from_server_) || !ForwardAnswers()) return false;
    }
    return true;
  }

  bool ForwardMessages() {
    while (true) {
      const std::size_t type_bytes = started_ ? 1 : 0;
      const std::size_t size = WholeMessage(from_client_, type_bytes);
      if (size == 0) return true;
      const std::string message = from_client_.substr(0, size);
      from_client_.erase(0, size);
      if (!started_) {
        if (!ForwardStart(message)) return false;
      } else if (!ForwardMessage(message)) {
        return false;
      }
    }
    return true;
  }

  // A client may first ask for encryption, which is refused for the database.
  bool ForwardStart(const std::string& message) {
    const std::uint32_t code = NumberAt(absl::string_view(message).substr(4));
    if (code == kSslRequest || code == kGssRequest) return SendAll(client_, "N");
    started_ = true;
    spared_ = proxy_.Spares(message);
    if (code == kCancelRequest) return SendAll(server_, message);
    return Forward(message, {0, absl::string_view(message).substr(4)});
  }

  bool ForwardMessage(const std::string& message) {
    return Forward(message, {message[0], absl::string_view(message).substr(5)});
  }

  bool Forward(const std::string& message, const ClientMessage& parts) {
    const Fault fault =
        state_ == State::kForwarding && !spared_ ? proxy_.FaultAt(parts) : Fault::kNone;
    if (fault == Fault::kCutBefore) {
      proxy_.NoteFault();
      return false;
    }
    if (!SendAll(server_, message)) return false;
    if (fault == Fault::kCutAtOnce) {
      proxy_.NoteFault();
      return false;
    }
    if (fault != Fault::kNone) {
      state_ = State::kAwaitingAnswer;
      holds_ = fault == Fault::kHoldAnswer;
    }
    return true;
  }

  bool ForwardAnswers() {
    if (state_ == State::kForwarding) {
      const bool sent = SendAll(client_, from_server_);
      from_server_.clear();
      return sent;
    }
    // Kept from the client until the database is ready again: then it did what it was told.
    while (const std::size_t size = WholeMessage(from_server_, 1)) {
      const bool ready = from_server_[0] == 'Z';
      from_server_.erase(0, size);
      if (!ready) continue;
      proxy_.NoteFault();
      if (!holds_) return false;
      state_ = State::kHolding;
      return true;
    }
    return true;
  }

  FaultProxy& proxy_;
  const int client_;
  const int event_;
  int server_ = -1;
  std::atomic<bool> cut_ = false;
  std::atomic<bool> ended_ = false;
  std::atomic<bool> spared_ = false;
  State state_ = State::kForwarding;
  bool started_ = false;
  bool holds_ = false;
  std::string from_client_;
  std::string from_server_;
  std::thread thread_;
};

FaultProxy::FaultProxy(std::string database_socket) : database_socket_(std::move(database_socket)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener_ < 0) Die("socket");
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, SOMAXCONN) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    Die("listen");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { AcceptLinks(); });
}

FaultProxy::~FaultProxy() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  // Ends the acceptor's poll.
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  close(listener_);
  // Ends their threads without the lock, which they may want.
  std::list<std::unique_ptr<Link>> links;
  {
    absl::MutexLock lock(&mutex_);
    links.swap(links_);
  }
}

std::string FaultProxy::UrlOf(const std::string& database, const std::string& user) const {
  return absl::StrCat("postgresql://", user, "@127.0.0.1:", port_, "/", database,
                      "?sslmode=disable&gssencmode=disable"
                      "&options=-c%20TimeZone%3DEurope%2FKyiv");
}

void FaultProxy::Arm(MessageMatcher matcher, Fault fault, int times) {
  absl::MutexLock lock(&mutex_);
  matcher_ = std::move(matcher);
  fault_ = fault;
  armed_ = times;
}

int FaultProxy::faults() const {
  absl::MutexLock lock(&mutex_);
  return faults_;
}

bool FaultProxy::AwaitFaults(int count, absl::Duration timeout) {
  const auto there = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return faults_ >= count; };
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&there), timeout);
}

void FaultProxy::CutAll() {
  absl::MutexLock lock(&mutex_);
  for (const auto& link : links_) {
    if (!link->spared()) link->Cut();
  }
}

void FaultProxy::Spare(std::string text) {
  absl::MutexLock lock(&mutex_);
  spared_ = std::move(text);
}

void FaultProxy::Freeze() {
  absl::MutexLock lock(&mutex_);
  frozen_ = true;
  for (const auto& link : links_) link->Look();
}

void FaultProxy::Thaw() {
  absl::MutexLock lock(&mutex_);
  frozen_ = false;
  for (const auto& link : links_) link->Look();
}

void FaultProxy::Refuse() {
  absl::MutexLock lock(&mutex_);
  refusing_ = true;
}

void FaultProxy::Accept() {
  absl::MutexLock lock(&mutex_);
  refusing_ = false;
}

int FaultProxy::links() const {
  absl::MutexLock lock(&mutex_);
  int open = 0;
  for (const auto& link : links_) open += !link->ended();
  return open;
}

bool FaultProxy::Frozen() const {
  absl::MutexLock lock(&mutex_);
  return frozen_;
}

bool FaultProxy::Spares(absl::string_view start) const {
  absl::MutexLock lock(&mutex_);
  return !spared_.empty() && absl::StrContains(start, spared_);
}

void FaultProxy::AcceptLinks() {
  while (true) {
    pollfd listening = {listener_, POLLIN, 0};
    if (poll(&listening, 1, -1) < 0 && errno != EINTR) Die("poll");
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    absl::MutexLock lock(&mutex_);
    RemoveEndedLinks();
    if (stopping_ || refusing_) {
      if (client >= 0) close(client);
      if (stopping_) return;
      continue;
    }
    if (client < 0) continue;
    const int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    links_.push_back(std::make_unique<Link>(*this, client));
  }
}

void FaultProxy::RemoveEndedLinks() {
  links_.remove_if([](const std::unique_ptr<Link>& link) { return link->ended(); });
}

Fault FaultProxy::FaultAt(const ClientMessage& message) {
  absl::MutexLock lock(&mutex_);
  if (armed_ == 0 || !matcher_(message)) return Fault::kNone;
  --armed_;
  return fault_;
}

void FaultProxy::NoteFault() {
  absl::MutexLock lock(&mutex_);
  ++faults_;
}

}  // namespace aquifer::testing
