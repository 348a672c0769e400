#include "server/rpc/call.h"

#include <absl/hash/hash.h>
#include <absl/random/random.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <grpcpp/impl/codegen/proto_buffer_reader.h>
#include <grpcpp/impl/codegen/proto_buffer_writer.h>

#include <algorithm>
#include <utility>

#include "repositories/errors.h"
#include "repositories/field_rules.h"
#include "repositories/retry_advice.h"
#include "server/rpc/request_key.h"
#include "server/rpc/status_details.h"

namespace aquifer {
namespace {

constexpr char kRequestIdKey[] = "x-request-id";
constexpr char kReceiptKey[] = "aquifer-receipt";
constexpr char kPriorityKey[] = "aquifer-priority";
constexpr char kCallerKey[] = "aquifer-caller";
constexpr char kConsistencyKey[] = "aquifer-consistency";
constexpr char kWantTokenKey[] = "aquifer-want-token";
constexpr char kTokenKey[] = "aquifer-token";
constexpr char kReplayedKey[] = "aquifer-replayed";
constexpr char kPushbackKey[] = "grpc-retry-pushback-ms";
constexpr std::size_t kMostRequestIdBytes = 128;

// From here on the lists of a request are counted before it is parsed: a smaller one cannot grow to
// more than a few megabytes.
constexpr std::size_t kLargeRequestBytes = std::size_t{64} * 1024;

// The least delay to advise: below it the advice costs more than it spares.
constexpr absl::Duration kLeastRetryDelay = absl::Milliseconds(10);

// Where whoever refused the call knows no better.
constexpr absl::Duration kUsualRetryDelay = absl::Milliseconds(100);

// A client whose deadline passes resets its call, and we hear of that some time before or after the
// same deadline passes here.
constexpr absl::Duration kDeadlineSpread = absl::Milliseconds(100);

constexpr absl::Duration kDelayUntilAStreamEnds = absl::Seconds(1);

// Long enough for a balancer to have noticed.
constexpr absl::Duration kDelayUntilAnotherInstance = absl::Seconds(1);

constexpr char kTooLong[] = "calls wait longer than this one has time";
constexpr char kTooMany[] = "too many calls are waiting, or too many of this caller";

bool IsPrintable(const grpc::string_ref& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

std::string NewRequestId() {
  thread_local absl::InsecureBitGen random;
  return absl::StrCat(absl::Hex(absl::Uniform<std::uint64_t>(random), absl::kZeroPad16),
                      absl::Hex(absl::Uniform<std::uint64_t>(random), absl::kZeroPad16));
}

// The caller's own id if it is one that can stand in a log line and a header, else a new one.
std::string RequestIdOf(const grpc::ServerContextBase& context) {
  const auto found = context.client_metadata().find(kRequestIdKey);
  if (found == context.client_metadata().end()) return NewRequestId();
  const grpc::string_ref id = found->second;
  if (id.empty() || id.size() > kMostRequestIdBytes || !IsPrintable(id)) return NewRequestId();
  return std::string(id.data(), id.size());
}

// The text that the caller sent under `key`; empty if none.
absl::string_view MetadataOf(const grpc::ServerContextBase& context, const char* key) {
  const auto found = context.client_metadata().find(key);
  if (found == context.client_metadata().end()) return "";
  return {found->second.data(), found->second.size()};
}

// Bulk work by the method's policy, or because the caller says so of this call.
Lane LaneOf(const Method& method, const grpc::ServerContextBase& context) {
  return method.policy.priority() == v1::PRIORITY_BATCH ||
                 MetadataOf(context, kPriorityKey) == "batch"
             ? Lane::kBatch
             : Lane::kInteractive;
}

// Who takes turns with others: the address the call came from, without its port, and the name that
// callers behind one address may tell themselves apart by. Whoever comes over the Unix socket has
// the address "unix".
std::uint64_t CallerOf(const grpc::ServerContextBase& context, absl::string_view peer) {
  const absl::string_view address = peer.substr(0, peer.rfind(':'));
  return absl::HashOf(address, MetadataOf(context, kCallerKey));
}

absl::Time CallerDeadline(const grpc::ServerContextBase& context) {
  return absl::FromChrono(context.deadline());
}

}  // namespace

Call::Call(RpcRunner& rpc, const Method& method, grpc::ServerContextBase& context)
    : rpc_(rpc),
      method_(method),
      context_(context),
      lane_(LaneOf(method, context)),
      began_(absl::Now()),
      peer_(context.peer()),
      request_id_(RequestIdOf(context)) {
  deadline_ = StepDeadline();
}

Call::~Call() {
  if (context_.IsCancelled() && (status_.ok() || absl::IsCancelled(status_))) {
    status_ = CallerLeft();
  }
  const absl::Duration total = absl::Now() - began_;
  WriteLogLine(total);
  rpc_.metrics_.RpcDone(method_.name, status_.code(),
                        {.total = total,
                         .queue = receipt_.queue,
                         .acquire = receipt_.acquire,
                         .sql = receipt_.sql,
                         .commit = receipt_.commit});
  if (holds_stream_) --rpc_.open_streams_;
}

void Call::Cancel() {
  left_at_ = absl::Now();
  cancellation_.Cancel();
}

absl::Status Call::CallerLeft() const {
  return left_at_ + kDeadlineSpread < CallerDeadline(context_)
             ? MakeError(Reason::kCancelled, "the caller left before the answer")
             : MakeError(Reason::kDeadlineExceeded, "the caller's deadline passed");
}

absl::Status Call::OpenStream() {
  holds_stream_ = true;
  if (++rpc_.open_streams_ <= rpc_.limits_.max_streams) return absl::OkStatus();
  return Refuse(Reason::kTooManyStreams, "too many streams are open", kDelayUntilAStreamEnds);
}

absl::Status Call::CallerTooSlow() const {
  return MakeError(Reason::kDeadlineExceeded,
                   absl::StrCat("the caller neither sent nor took anything for ",
                                absl::FormatDuration(rpc_.limits_.stream_patience)));
}

absl::Time Call::StepDeadline() const {
  return std::min(CallerDeadline(context_),
                  absl::Now() + absl::Milliseconds(method_.policy.default_deadline_ms()));
}

absl::StatusOr<const Message*> Call::Read(const grpc::ByteBuffer& bytes) {
  claim_.bytes = bytes.Length();
  if (bytes.Length() > static_cast<std::size_t>(rpc_.limits_.max_message_bytes)) {
    return MakeError(Reason::kMessageTooLarge,
                     absl::StrCat("the request has ", bytes.Length(), " bytes; at most ",
                                  rpc_.limits_.max_message_bytes, " are taken"));
  }
  if (bytes.Length() >= kLargeRequestBytes) {
    grpc::ByteBuffer buffer(bytes);
    grpc::ProtoBufferReader reader(&buffer);
    const auto violations = CheckListLengths(reader, *method_.request.GetDescriptor());
    if (!violations.empty()) return InvalidFields(violations);
  }
  Message* message = method_.request.New(&arena_);
  grpc::ByteBuffer buffer(bytes);
  grpc::ProtoBufferReader reader(&buffer);
  // A text that is not UTF-8 fails here as well: proto3 checks it while parsing.
  if (!message->ParseFromZeroCopyStream(&reader) || !reader.status().ok()) {
    return MakeError(Reason::kMessageUnreadable,
                     absl::StrCat("the request is not a ", message->GetTypeName(),
                                  ", or has a text that is not UTF-8"));
  }
  auto violations = CheckFieldRules(*message);
  CheckRequestId(method_, *message, violations);
  ReadWishes(violations);
  if (!violations.empty()) return InvalidFields(violations);
  return message;
}

void Call::ReadWishes(std::vector<FieldViolation>& violations) {
  if (const absl::string_view text = MetadataOf(context_, kConsistencyKey); !text.empty()) {
    const auto wanted = ParseConsistency(text);
    if (!wanted) violations.push_back({kConsistencyKey, kConsistencies});
    consistency_ = wanted.value_or(Consistency());
  }
  if (const absl::string_view text = MetadataOf(context_, kWantTokenKey); !text.empty()) {
    wants_position_ = text == "true";
    if (!wants_position_ && text != "false") {
      violations.push_back({kWantTokenKey, "must be true or false"});
    }
  }
}

absl::Status Call::CheckMayQueue() {
  queued_at_ = absl::Now();
  if (queued_at_ >= deadline_) {
    return MakeError(Reason::kDeadlineExceeded, "the deadline passed before the call arrived");
  }
  if (rpc_.refusing_) {
    absl::Status status = MakeError(Reason::kShuttingDown, "the server is stopping");
    SetRetryDelay(status, kDelayUntilAnotherInstance);
    return status;
  }
  claim_.caller = CallerOf(context_, peer_);
  claim_.until = std::min(deadline_, queued_at_ + rpc_.limits_.queue_patience);
  return absl::OkStatus();
}

absl::Status Call::Refuse(Reason reason, absl::string_view message, absl::Duration wait) {
  refused_ = true;
  absl::Status status = MakeError(reason, message);
  SetRetryDelay(status, std::max(wait, kLeastRetryDelay));
  return status;
}

Executor& Call::executor() const {
  return method_.policy.priority() == v1::PRIORITY_RESERVED ? rpc_.reserve_ : rpc_.workers_;
}

bool Call::Withdraw(Executor::Job& job) { return executor().Withdraw(job, lane_, claim_); }

bool Call::Withdraw(Joiner& joiner, Joiner::Waiting& waiting) { return joiner.Withdraw(waiting); }

absl::Status Call::Admit(Executor::Job& job) {
  if (absl::Status status = CheckMayQueue(); !status.ok()) return status;
  const absl::Duration wait = executor().EstimatedWait(lane_, claim_.caller);
  if (queued_at_ + wait >= deadline_) return Refuse(Reason::kQueueTooLong, kTooLong, wait);
  if (!executor().TrySubmit(job, lane_, claim_)) return Refuse(Reason::kQueueFull, kTooMany, wait);
  return absl::OkStatus();
}

absl::Status Call::Admit(Joiner& joiner, Joiner::Waiting& waiting) {
  if (absl::Status status = CheckMayQueue(); !status.ok()) return status;
  const absl::Duration wait = joiner.EstimatedWait(lane_, claim_.caller);
  if (queued_at_ + wait >= deadline_) return Refuse(Reason::kQueueTooLong, kTooLong, wait);
  if (!joiner.TryAdd(waiting)) return Refuse(Reason::kQueueFull, kTooMany, wait);
  return absl::OkStatus();
}

void Call::Continue(Executor::Job& job) {
  queued_at_ = absl::Now();
  deadline_ = StepDeadline();
  claim_.until = deadline_;
  rpc_.workers_.Continue(job, lane_, claim_);
}

absl::Status Call::CheckStillWanted() {
  const absl::Time now = absl::Now();
  receipt_.queue += now - queued_at_;
  if (cancellation_.cancelled()) return MakeError(Reason::kCancelled, "the caller left");
  if (now >= deadline_) {
    return MakeError(Reason::kDeadlineExceeded, "the deadline passed while the call waited");
  }
  if (now >= claim_.until) {
    return MakeError(
        Reason::kQueueTooLong,
        absl::StrCat("the call waited ", absl::FormatDuration(rpc_.limits_.queue_patience),
                     " for a thread"));
  }
  return absl::OkStatus();
}

absl::Status Call::Execute(absl::FunctionRef<absl::Status(Session&)> body) {
  if (absl::Status status = CheckStillWanted(); !status.ok()) return status;
  return Transact(body);
}

absl::Status Call::Transact(absl::FunctionRef<absl::Status(Session&)> body) {
  const TransactionCall call = {
      .method = method_.name,
      .request_id = request_id_,
      .mode = ModeOf(method_),
      .repeat = method_.policy.idempotence() == v1::IDEMPOTENCE_BY_KEY ? Repeat::kSafe : repeat_,
      .consistency = consistency_,
      .wants_position = wants_position_,
      .deadline = deadline_,
      .cancellation = &cancellation_,
  };
  return rpc_.transactions_.Run(call, body, receipt_);
}

Answer Call::AnswerTo(const Message& request) {
  if (method_.handler.local) return method_.handler.local(request);
  Answer answer;
  const absl::Status status = Transact([&](Session& session) {
    answer = method_.handler.transact(session, request);
    return answer.status();
  });
  return status.ok() ? std::move(answer) : status;
}

void Call::AddReceipt(const Receipt& of_set) {
  receipt_.acquire += of_set.acquire;
  receipt_.sql += of_set.sql;
  receipt_.commit += of_set.commit;
  receipt_.attempts += of_set.attempts;
  receipt_.rows = of_set.rows;
  receipt_.joined = of_set.joined;
}

absl::Status Call::ExecuteOnce(const RequestKey& key, absl::FunctionRef<Answer(Session&)> body,
                               std::string& answer) {
  repeat_ = Repeat::kSafe;
  absl::Status status = Execute([&](Session& session) -> absl::Status {
    RequestLedger ledger(session);
    auto first = ledger.Claim(key);
    if (!first.ok()) return first.status();
    receipt_.replayed = first->has_value();
    if (receipt_.replayed) {
      answer = **std::move(first);
      return absl::OkStatus();
    }
    const Answer result = body(session);
    if (!result.ok()) return result.status();
    answer = (*result)->SerializeAsString();
    return ledger.Keep(key, answer);
  });
  receipt_.replayed = receipt_.replayed && status.ok();
  rpc_.repeats_.Count(status, receipt_.replayed);
  return status;
}

grpc::Status Call::Close(const absl::Status& status) {
  status_ = status;
  if (!status_.ok()) {
    AdviseRetry(status_,
                std::max(rpc_.workers_.EstimatedWait(lane_, claim_.caller), kUsualRetryDelay));
  }
  SetTrailers();
  if (refused_) rpc_.metrics_.RpcRefused(absl::Now() - began_);
  return ToGrpcStatus(status_, request_id_);
}

void Call::SetTrailers() const {
  context_.AddTrailingMetadata(kRequestIdKey, request_id_);
  context_.AddTrailingMetadata(
      kReceiptKey,
      absl::StrCat("queue=", absl::ToInt64Microseconds(receipt_.queue),
                   ",acquire=", absl::ToInt64Microseconds(receipt_.acquire),
                   ",sql=", absl::ToInt64Microseconds(receipt_.sql),
                   ",commit=", absl::ToInt64Microseconds(receipt_.commit),
                   ",attempts=", receipt_.attempts, receipt_.from_replica ? ",replica=1" : ""));
  if (receipt_.position != 0) {
    context_.AddTrailingMetadata(kTokenKey, TextOf(receipt_.position));
  }
  if (receipt_.replayed) context_.AddTrailingMetadata(kReplayedKey, "true");
  if (const auto delay = RetryDelayOf(status_)) {
    context_.AddTrailingMetadata(kPushbackKey, absl::StrCat(absl::ToInt64Milliseconds(*delay)));
  }
}

void Call::WriteLogLine(absl::Duration total) const {
  const LogLevel level =
      status_.code() == absl::StatusCode::kInternal || status_.code() == absl::StatusCode::kUnknown
          ? LogLevel::kError
          : LogLevel::kInfo;
  if (!rpc_.log_.Enabled(level)) return;
  LogLine line(level, "rpc");
  line.Add("method", method_.name)
      .Add("code", absl::StatusCodeToString(status_.code()))
      .Add("reason", ReasonOf(status_))
      .Add("request_id", request_id_)
      .Add("peer", peer_)
      .Add("total_us", absl::ToInt64Microseconds(total))
      .Add("queue_us", absl::ToInt64Microseconds(receipt_.queue))
      .Add("acquire_us", absl::ToInt64Microseconds(receipt_.acquire))
      .Add("sql_us", absl::ToInt64Microseconds(receipt_.sql))
      .Add("commit_us", absl::ToInt64Microseconds(receipt_.commit))
      .Add("attempts", receipt_.attempts)
      .Add("rows", receipt_.rows);
  if (receipt_.joined > 0) line.Add("joined", receipt_.joined);
  if (receipt_.from_replica) line.Add("replica", true);
  if (receipt_.replayed) line.Add("replayed", true);
  rpc_.log_.Write(line);
}

TransactionMode ModeOf(const Method& method) {
  const bool writes = method.policy.transaction() == v1::TRANSACTION_READ_WRITE;
  if (method.policy.implicit_transaction()) {
    return writes ? TransactionMode::kWriteImplicitly : TransactionMode::kReadImplicitly;
  }
  return writes ? TransactionMode::kReadWrite : TransactionMode::kReadOnly;
}

grpc::ByteBuffer BufferOf(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

grpc::ByteBuffer Serialize(const Message& message) {
  grpc::ByteBuffer buffer;
  const std::size_t size = message.ByteSizeLong();
  grpc::ProtoBufferWriter writer(&buffer, grpc::kProtoBufferWriterMaxBufferLength,
                                 static_cast<int>(size));
  message.SerializeToZeroCopyStream(&writer);
  return buffer;
}

}  // namespace aquifer
