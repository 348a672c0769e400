// A TCP proxy between a client and its PostgreSQL that breaks the link where a test says.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/strings/string_view.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>

namespace aquifer::testing {

// One message of a client in PostgreSQL's protocol: its type ('Q' a query, 'P' a statement to
// prepare, 'B' its parameters, 'S' the end of a step, 0 the first of a link) and what follows its
// length.
struct ClientMessage {
  char type;
  absl::string_view body;
};

// What a test waits for on the way to the database. Called by the proxy's thread.
using MessageMatcher = std::function<bool(const ClientMessage&)>;

// A plain query with just this text, such as COMMIT.
MessageMatcher QueryIs(std::string sql);
// The first COMMIT after a message that holds this text.
MessageMatcher CommitAfter(std::string text);
// Any message that holds this text: part of a query, or a prepared statement's name.
MessageMatcher MessageHolds(std::string text);

// The step number `number`, from 1, over all links: a link's first message, a query, or the end of
// a prepared statement's messages. Each is answered before the next is sent.
MessageMatcher StepNumber(int number);

// What happens to a link at the message waited for.
enum class Fault {
  // None: it goes through.
  kNone,
  // Cut: the message never reaches the database.
  kCutBefore,
  // Cut as soon as the message has left: the database acts on it or not, as it happens.
  kCutAtOnce,
  // Cut once the database answered: it acted on it, and the client never hears of it.
  kCutBeforeAnswer,
  // The answer is held back and the link stays open, until the client or the proxy goes.
  kHoldAnswer,
};

// Forwards bytes both ways, each link by a thread of its own. Links are plain (neither TLS nor
// GSS), which UrlOf asks for. Thread-safe.
class FaultProxy {
 public:
  // Listens on a port of 127.0.0.1; `database_socket` is PostgreSQL's Unix socket.
  explicit FaultProxy(std::string database_socket);
  // Cuts every link.
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  // A libpq URL through the proxy, whose sessions have the TimeZone Europe/Kyiv.
  std::string UrlOf(const std::string& database, const std::string& user) const;

  // Does `fault` to the next `times` links on which a message matches, then forwards again.
  void Arm(MessageMatcher matcher, Fault fault, int times = 1);
  // How many faults were done so far.
  int faults() const;
  // Waits until there were so many; false if `timeout` passes before.
  bool AwaitFaults(int count, absl::Duration timeout = absl::Seconds(20));

  // From now on new links whose first message holds `text` are only forwarded: no fault, no cut.
  void Spare(std::string text);

  // Cuts every link there is.
  void CutAll();
  // From now on no byte goes through, on links old and new, until Thaw.
  void Freeze();
  void Thaw();
  // From now on new links are cut as soon as they are made, until Accept.
  void Refuse();
  void Accept();

  int links() const;

 private:
  class Link;

  void AcceptLinks();
  // The fault that is armed for a message.
  Fault FaultAt(const ClientMessage& message);
  void NoteFault();
  bool Frozen() const;
  bool Spares(absl::string_view start) const;
  void RemoveEndedLinks() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string database_socket_;
  int listener_ = -1;
  int port_ = 0;

  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool frozen_ ABSL_GUARDED_BY(mutex_) = false;
  bool refusing_ ABSL_GUARDED_BY(mutex_) = false;
  std::string spared_ ABSL_GUARDED_BY(mutex_);
  MessageMatcher matcher_ ABSL_GUARDED_BY(mutex_);
  Fault fault_ ABSL_GUARDED_BY(mutex_) = Fault::kCutBefore;
  int armed_ ABSL_GUARDED_BY(mutex_) = 0;
  int faults_ ABSL_GUARDED_BY(mutex_) = 0;
  std::list<std::unique_ptr<Link>> links_ ABSL_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace aquifer::testing
