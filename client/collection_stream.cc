#include "aquifer/collection_stream.h"

#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "aquifer/v1/collection.grpc.pb.h"
#include "client/attempt.h"
#include "client/caller.h"
#include "client/methods.h"
#include "client/retry_schedule.h"

namespace aquifer::client {
namespace {

// No line is younger: the API takes years up to 2099.
constexpr std::int64_t kEndOfTime = 4102444800;

// The order of the stream.
auto PlaceOf(const v1::Collection& line) {
  return std::make_tuple(line.collected_at().seconds(), line.collected_at().nanos(), line.id());
}

// Makes `request` begin at `last`, so that what was read is skipped by its place alone.
void BeginAt(const v1::Collection& last, v1::StreamCollectionsRequest& request) {
  v1::CollectionFilter& filter = *request.mutable_filter();
  if (filter.has_days()) {
    *filter.mutable_days()->mutable_first() = last.day();
    return;
  }
  if (!filter.has_instants()) filter.mutable_instants()->mutable_end()->set_seconds(kEndOfTime);
  *filter.mutable_instants()->mutable_start() = last.collected_at();
}

}  // namespace

struct CollectionStream::Parts {
  Parts(const Caller& caller_of_all, v1::StreamCollectionsRequest what, const CallOptions& how)
      : caller(caller_of_all),
        stub(v1::CollectionRepository::NewStub(caller_of_all.channel())),
        request(std::move(what)),
        options(how),
        end(how.timeout ? absl::Now() + *how.timeout : absl::InfiniteFuture()) {
    Open();
  }

  // The reader must not be destroyed while its call is under way.
  ~Parts() {
    if (reader == nullptr) return;
    attempt->context().TryCancel();
    (void)Close();
  }

  void Open() {
    attempt.emplace(method.name, ++tries, end, options, caller.options());
    status = attempt->fitness();
    if (!status.ok()) return;
    reader = stub->StreamCollections(&attempt->context(), request);
  }

  absl::Status Close() {
    v1::StreamCollectionsResponse unread;
    while (reader->Read(&unread)) {
    }
    absl::Status result = attempt->End(reader->Finish());
    reader.reset();
    return result;
  }

  // Keeps the last line of a message that is done with.
  void NoteLast() {
    if (message.collections().empty()) return;
    v1::Collection& read = *message.mutable_collections()->rbegin();
    if (!last || PlaceOf(read) > PlaceOf(*last)) last = std::move(read);
    message.Clear();
    next = 0;
  }

  // Reads the next message, from a new call if the last one broke; false at the end.
  bool ReadMessage() {
    NoteLast();
    while (reader != nullptr) {
      if (reader->Read(&message)) {
        schedule.reset();
        return true;
      }
      status = Close();
      if (status.ok()) return false;
      const absl::Time now = absl::Now();
      if (!schedule) schedule.emplace(caller.RetriesOf(options), std::min(end, now + patience));
      const auto pause = schedule->PauseAfter(status, attempt->Pushback(), now);
      if (!pause) return false;
      caller.WaitFor(*pause);
      if (last) BeginAt(*last, request);
      Open();
    }
    return false;
  }

  const Caller& caller;
  const CalledMethod method = Called(*MethodOf(*v1::StreamCollectionsRequest::descriptor()));
  const std::unique_ptr<v1::CollectionRepository::Stub> stub;
  v1::StreamCollectionsRequest request;
  const CallOptions options;
  const absl::Time end;
  // How long after a break the stream is worth trying to go on with.
  const absl::Duration patience = absl::Milliseconds(method.policy.default_deadline_ms());
  int tries = 0;
  // Of the tries since the last message.
  std::optional<RetrySchedule> schedule;
  std::optional<Attempt> attempt;
  // Null once the last call has ended.
  std::unique_ptr<grpc::ClientReader<v1::StreamCollectionsResponse>> reader;
  v1::StreamCollectionsResponse message;
  // Of the message's lines, the one to give next.
  int next = 0;
  // The last line of the messages before.
  std::optional<v1::Collection> last;
  absl::Status status;
};

CollectionStream::CollectionStream(const Caller& caller,
                                   const v1::StreamCollectionsRequest& request,
                                   const CallOptions& options)
    : parts_(std::make_unique<Parts>(caller, request, options)) {}
CollectionStream::~CollectionStream() = default;
CollectionStream::CollectionStream(CollectionStream&&) noexcept = default;
CollectionStream& CollectionStream::operator=(CollectionStream&&) noexcept = default;

const v1::Collection* CollectionStream::Next() {
  Parts& parts = *parts_;
  for (;;) {
    while (parts.next == parts.message.collections_size()) {
      if (!parts.ReadMessage()) return nullptr;
    }
    const v1::Collection& line = parts.message.collections(parts.next++);
    // A new call begins where the broken one left off, and has some lines again.
    if (!parts.last || PlaceOf(line) > PlaceOf(*parts.last)) return &line;
  }
}

const absl::Status& CollectionStream::status() const { return parts_->status; }

}  // namespace aquifer::client
