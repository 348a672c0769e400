#include "tests/load/caller/operations.h"

#include <absl/strings/str_cat.h>
#include <absl/time/time.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/slice.h>

#include <algorithm>
#include <atomic>

#include "aquifer/v1/collection.pb.h"
#include "aquifer/v1/job.pb.h"

namespace aquifer::load {
namespace {

constexpr int kRangeLines = 100;
constexpr char kUnreadable[] = "the answer cannot be read";

grpc::ByteBuffer Serialized(const google::protobuf::MessageLite& message) {
  const grpc::Slice slice = [&] {
    const std::size_t size = message.ByteSizeLong();
    grpc_slice raw = grpc_slice_malloc(size);
    message.SerializeWithCachedSizesToArray(GRPC_SLICE_START_PTR(raw));
    return grpc::Slice(raw, grpc::Slice::STEAL_REF);
  }();
  return grpc::ByteBuffer(&slice, 1);
}

template <typename Message>
bool Parse(grpc::ByteBuffer& bytes, Message& message) {
  grpc::ProtoBufferReader reader(&bytes);
  return reader.status().ok() && message.ParseFromZeroCopyStream(&reader);
}

std::string WrongLine(const v1::Collection& line, const Expected& expected) {
  if (line.device_id() == expected.device_id && line.collected_at().seconds() == expected.second) {
    return "";
  }
  return absl::StrCat("asked for device ", expected.device_id, " at ", expected.second,
                      ", answered with ", line.device_id(), " at ", line.collected_at().seconds());
}

grpc::ByteBuffer MakeRead(const History& history, absl::BitGenRef random, Expected& expected) {
  const auto n = absl::Uniform<std::int64_t>(absl::IntervalClosed, random, 1, history.lines);
  expected = {history.DeviceOf(n), history.SecondOf(n), History::BanknotesMinorOf(n)};
  v1::GetCollectionRequest request;
  request.mutable_key()->set_device_id(expected.device_id);
  request.mutable_key()->mutable_collected_at()->set_seconds(expected.second);
  return Serialized(request);
}

std::string CheckRead(grpc::ByteBuffer& answer, const Expected& expected) {
  v1::GetCollectionResponse response;
  if (!Parse(answer, response)) return kUnreadable;
  const v1::Collection& line = response.collection();
  if (line.banknotes_minor() != expected.banknotes_minor) return "the line has another amount";
  return WrongLine(line, expected);
}

grpc::ByteBuffer MakeSaveOf(Expected& expected, std::int64_t coins_minor) {
  v1::RecordCollectionRequest request;
  v1::CollectionLine& line = *request.mutable_line();
  line.set_device_id(expected.device_id);
  line.mutable_collected_at()->set_seconds(expected.second);
  line.set_banknotes_minor(expected.banknotes_minor);
  line.set_coins_minor(coins_minor);
  line.set_collector("collector 7");
  line.set_card_id("0004711");
  line.set_note("notes and coins, taken by hand");
  line.set_machine("Central market, entrance 3");
  return Serialized(request);
}

grpc::ByteBuffer MakeSave(const History& history, absl::BitGenRef random, Expected& expected) {
  expected.device_id = absl::StrCat(absl::Uniform<std::int64_t>(random, 0, history.devices));
  expected.second =
      history.FirstSavedSecond() + absl::Uniform<std::int64_t>(random, 0, History::kDaySeconds);
  expected.banknotes_minor = absl::Uniform<std::int64_t>(random, 1, 500000);
  return MakeSaveOf(expected, absl::Uniform<std::int64_t>(random, 0, 30000));
}

// Always the same line, and always a greater amount, so that each call has something to write.
grpc::ByteBuffer MakeHotSave(const History& history, absl::BitGenRef /*random*/,
                             Expected& expected) {
  static std::atomic<std::int64_t> amount{0};
  expected = {"0", history.FirstSavedSecond(), ++amount};
  return MakeSaveOf(expected, 0);
}

std::string CheckSave(grpc::ByteBuffer& answer, const Expected& expected) {
  v1::RecordCollectionResponse response;
  if (!Parse(answer, response)) return kUnreadable;
  const v1::Collection& line = response.collection();
  if (line.banknotes_minor() < expected.banknotes_minor) return "the line has a lower amount";
  if (line.id() < 1 || line.version() < 1) return "the line was not stored";
  return WrongLine(line, expected);
}

// A hundred lines that follow each other in time, at a random place of the history.
grpc::ByteBuffer MakeRange(const History& history, absl::BitGenRef random, Expected& expected) {
  const auto last = std::max<std::int64_t>(history.lines - kRangeLines + 1, 1);
  const auto n = absl::Uniform<std::int64_t>(absl::IntervalClosed, random, 1, last);
  expected.lines = std::min<std::int64_t>(kRangeLines, history.lines);
  expected.second = history.SecondOf(n + expected.lines - 1);
  v1::ListCollectionsRequest request;
  v1::InstantRange& instants = *request.mutable_filter()->mutable_instants();
  instants.mutable_start()->set_seconds(history.SecondOf(n));
  instants.mutable_end()->set_seconds(expected.second + 1);
  request.set_page_size(kRangeLines);
  return Serialized(request);
}

std::string CheckRange(grpc::ByteBuffer& answer, const Expected& expected) {
  v1::ListCollectionsResponse response;
  if (!Parse(answer, response)) return kUnreadable;
  if (response.collections_size() != expected.lines) {
    return absl::StrCat(response.collections_size(), " lines came");
  }
  // Newest first.
  if (response.collections(0).collected_at().seconds() != expected.second)
    return "other lines came";
  return "";
}

// How many lines of the history lie before this second.
std::int64_t LinesBefore(const History& history, std::int64_t second) {
  const std::int64_t since = second - 1 - History::kFirstSecond;
  return std::clamp<std::int64_t>(since / History::kStepSeconds, 0, history.lines);
}

const absl::TimeZone& Zone() {
  static const absl::TimeZone zone = [] {
    absl::TimeZone kyiv;
    return absl::LoadTimeZone("Europe/Kiev", &kyiv) ? kyiv : absl::UTCTimeZone();
  }();
  return zone;
}

std::int64_t FirstSecondOf(absl::CivilDay day) {
  return absl::ToUnixSeconds(absl::FromCivil(day, Zone()));
}

absl::CivilDay DayAt(std::int64_t second) {
  return absl::ToCivilDay(absl::FromUnixSeconds(second), Zone());
}

void SetDay(absl::CivilDay civil, v1::Day& day) {
  day.set_year(static_cast<int>(civil.year()));
  day.set_month(civil.month());
  day.set_day(civil.day());
}

void SelectDays(absl::CivilDay first, absl::CivilDay last,
                v1::SummarizeCollectionsRequest& request) {
  v1::DayRange& days = *request.mutable_filter()->mutable_days();
  SetDay(first, *days.mutable_first());
  SetDay(last, *days.mutable_last());
}

// Sums of one civil day, a collector a group.
grpc::ByteBuffer MakeSummary(const History& history, absl::BitGenRef random, Expected& expected) {
  const std::int64_t days = history.lines * History::kStepSeconds / History::kDaySeconds;
  // Not the last day, which the saves of other runs may be on.
  const auto day = absl::Uniform<std::int64_t>(random, 0, std::max<std::int64_t>(days - 1, 1));
  const absl::CivilDay civil = absl::CivilDay(2025, 6, 1) + day;
  expected.lines =
      LinesBefore(history, FirstSecondOf(civil + 1)) - LinesBefore(history, FirstSecondOf(civil));
  v1::SummarizeCollectionsRequest request;
  SelectDays(civil, civil, request);
  request.add_group_by(v1::GROUPING_COLLECTOR);
  return Serialized(request);
}

// Sums of the whole history, a day a group.
grpc::ByteBuffer MakeHistory(const History& history, absl::BitGenRef /*random*/,
                             Expected& expected) {
  expected.lines = history.lines;
  v1::SummarizeCollectionsRequest request;
  SelectDays(DayAt(History::kFirstSecond), DayAt(history.SecondOf(history.lines)), request);
  request.add_group_by(v1::GROUPING_DAY);
  request.set_limit(10000);
  return Serialized(request);
}

std::string CheckSummary(grpc::ByteBuffer& answer, const Expected& expected) {
  v1::SummarizeCollectionsResponse response;
  if (!Parse(answer, response)) return kUnreadable;
  std::int64_t lines = 0;
  for (const auto& group : response.groups()) lines += group.lines();
  if (lines != response.total().lines()) return "the groups do not add up to the total";
  if (lines != expected.lines) {
    return absl::StrCat(lines, " lines were summed, not ", expected.lines);
  }
  return "";
}

// A message that was sent to a new chat, by the lease that harness/history.py begins.
grpc::ByteBuffer MakeDelivery(const History& /*history*/, absl::BitGenRef random,
                              Expected& expected) {
  expected.chat_id = absl::Uniform<std::int64_t>(absl::IntervalClosed, random, 1, 100'000'000);
  v1::RecordDeliveryRequest request;
  request.set_job("broadcast");
  request.set_key("load");
  request.set_lease_token("load");
  request.set_chat_id(expected.chat_id);
  request.set_state(v1::DELIVERY_STATE_SENT);
  return Serialized(request);
}

std::string CheckDelivery(grpc::ByteBuffer& answer, const Expected& expected) {
  v1::RecordDeliveryResponse response;
  if (!Parse(answer, response)) return kUnreadable;
  if (response.delivery().chat_id() != expected.chat_id) return "another chat's record came";
  return response.delivery().state() == v1::DELIVERY_STATE_SENT ? "" : "it was not recorded";
}

// How the fetch of one device and day ended.
grpc::ByteBuffer MakeOutcome(const History& history, absl::BitGenRef random,
                             Expected& /*expected*/) {
  const absl::CivilDay day =
      absl::CivilDay(2026, 1, 1) + absl::Uniform<std::int64_t>(random, 0, 10'000);
  v1::RecordFetchOutcomesRequest request;
  v1::FetchOutcome& outcome = *request.add_outcomes();
  outcome.set_device_id(absl::StrCat(absl::Uniform<std::int64_t>(random, 0, history.devices)));
  outcome.mutable_day()->set_year(static_cast<int>(day.year()));
  outcome.mutable_day()->set_month(day.month());
  outcome.mutable_day()->set_day(day.day());
  outcome.set_state(v1::FETCH_STATE_OK);
  outcome.set_lines(2);
  return Serialized(request);
}

std::string CheckOutcome(grpc::ByteBuffer& answer, const Expected& /*expected*/) {
  v1::RecordFetchOutcomesResponse response;
  if (!Parse(answer, response)) return kUnreadable;
  if (response.results_size() != 1) return "another number of results came";
  return response.results(0).state() == v1::FETCH_STATE_OK ? "" : "it was not noted";
}

constexpr char kGet[] = "/aquifer.v1.CollectionRepository/GetCollection";
constexpr char kRecord[] = "/aquifer.v1.CollectionRepository/RecordCollection";
constexpr char kList[] = "/aquifer.v1.CollectionRepository/ListCollections";
constexpr char kSummarize[] = "/aquifer.v1.CollectionRepository/SummarizeCollections";
constexpr char kDeliver[] = "/aquifer.v1.JobRepository/RecordDelivery";
constexpr char kNote[] = "/aquifer.v1.CollectionRepository/RecordFetchOutcomes";

constexpr Operation kReads = {kGet, MakeRead, CheckRead};
constexpr Operation kSaves = {kRecord, MakeSave, CheckSave};
constexpr Operation kHotSaves = {kRecord, MakeHotSave, CheckSave};
constexpr Operation kRanges = {kList, MakeRange, CheckRange};
constexpr Operation kSummaries = {kSummarize, MakeSummary, CheckSummary};
constexpr Operation kHistories = {kSummarize, MakeHistory, CheckSummary};
constexpr Operation kDeliveries = {kDeliver, MakeDelivery, CheckDelivery};
constexpr Operation kOutcomes = {kNote, MakeOutcome, CheckOutcome};

}  // namespace

const Operation& Workload::Pick(absl::BitGenRef random) const {
  if (parts.size() == 1) return *parts.front().operation;
  int draw = absl::Uniform(random, 0, 100);
  for (const Part& part : parts) {
    if (draw < part.percent) return *part.operation;
    draw -= part.percent;
  }
  return *parts.back().operation;
}

std::optional<Workload> WorkloadNamed(const std::string& name) {
  if (name == "reads") return Workload{{{&kReads, 100}}};
  if (name == "saves") return Workload{{{&kSaves, 100}}};
  if (name == "mixed") return Workload{{{&kReads, 80}, {&kSaves, 20}}};
  if (name == "hot") return Workload{{{&kHotSaves, 100}}};
  if (name == "ranges") return Workload{{{&kRanges, 100}}};
  if (name == "summary") return Workload{{{&kSummaries, 100}}};
  if (name == "history") return Workload{{{&kHistories, 100}}};
  if (name == "deliveries") return Workload{{{&kDeliveries, 100}}};
  if (name == "outcomes") return Workload{{{&kOutcomes, 100}}};
  return std::nullopt;
}

}  // namespace aquifer::load
