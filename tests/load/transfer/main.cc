// aquifer_transfer: exports the whole history by StreamCollections, or imports lines of a new day
// by ImportCollections, and prints how long that took as a line of JSON.
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <grpcpp/create_channel.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>

#include "aquifer/v1/collection.grpc.pb.h"
#include "tests/load/caller/history.h"

namespace aquifer::load {
namespace {

constexpr std::int64_t kLinesAMessage = 1000;

using Stub = v1::CollectionRepository::Stub;

// Empty if every line of the history came, in order.
std::string Export(Stub& stub, const History& history) {
  grpc::ClientContext context;
  v1::StreamCollectionsRequest request;
  v1::InstantRange& range = *request.mutable_filter()->mutable_instants();
  range.mutable_start()->set_seconds(History::kFirstSecond);
  range.mutable_end()->set_seconds(history.SecondOf(history.lines) + 1);
  const auto reader = stub.StreamCollections(&context, request);
  v1::StreamCollectionsResponse response;
  std::int64_t n = 0;
  while (reader->Read(&response)) {
    for (const v1::Collection& line : response.collections()) {
      ++n;
      if (line.collected_at().seconds() != history.SecondOf(n) ||
          line.banknotes_minor() != History::BanknotesMinorOf(n)) {
        return absl::StrCat("another line came as number ", n);
      }
    }
  }
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return status.error_message();
  return n == history.lines ? "" : absl::StrCat(n, " lines came");
}

// Empty if every line was stored as a new one.
std::string Import(Stub& stub, const History& history, std::int64_t lines) {
  grpc::ClientContext context;
  v1::ImportCollectionsResponse response;
  const auto writer = stub.ImportCollections(&context, &response);
  for (std::int64_t n = 1; n <= lines;) {
    v1::ImportCollectionsRequest part;
    for (const std::int64_t end = std::min(n + kLinesAMessage - 1, lines); n <= end; ++n) {
      v1::CollectionLine& line = *part.add_lines();
      line.set_device_id(history.DeviceOf(n));
      line.mutable_collected_at()->set_seconds(history.FirstSavedSecond() + n);
      line.set_banknotes_minor(n % 500000 + 1);
      line.set_coins_minor(n % 30000);
      line.set_collector("collector 7");
      line.set_card_id("0004711");
      line.set_note("notes and coins, taken by hand");
      line.set_machine("Central market, entrance 3");
    }
    if (!writer->Write(part)) break;
  }
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  if (!status.ok()) return status.error_message();
  const std::int64_t stored = response.counts().inserted();
  return stored == lines ? "" : absl::StrCat(stored, " lines were stored");
}

int Main(int argc, char** argv) {
  std::string target, direction;
  History history;
  std::int64_t lines = 0;
  CLI::App app("Exports the history or imports lines, and prints how long it took as JSON.");
  app.add_option("direction", direction, "export or import")
      ->required()
      ->check(CLI::IsMember({"export", "import"}));
  app.add_option("--target", target, "host:port or unix:/path")->required();
  app.add_option("--lines", history.lines, "Lines of the history.")->check(CLI::PositiveNumber);
  app.add_option("--import-lines", lines, "Lines to import.");
  CLI11_PARSE(app, argc, argv);

  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  const auto channel =
      grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
  const auto stub = v1::CollectionRepository::NewStub(channel);
  channel->WaitForConnected(absl::ToChronoTime(absl::Now() + absl::Seconds(10)));
  const absl::Time begin = absl::Now();
  const bool exports = direction == "export";
  const std::string wrong = exports ? Export(*stub, history) : Import(*stub, history, lines);
  const absl::Duration elapsed = absl::Now() - begin;
  if (!wrong.empty()) {
    std::cerr << "aquifer_transfer: " << wrong << std::endl;
    return 1;
  }
  std::cout << "{\"rows\": " << (exports ? history.lines : lines)
            << ", \"seconds\": " << absl::ToDoubleSeconds(elapsed) << "}" << std::endl;
  return 0;
}

}  // namespace
}  // namespace aquifer::load

int main(int argc, char** argv) { return aquifer::load::Main(argc, argv); }
