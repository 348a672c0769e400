// What the README of the client shows beside the quickstart, as a program that runs.
#include <aquifer/client.h>

#include <fstream>
#include <iostream>
#include <iterator>

using aquifer::client::AtLeast;
using aquifer::client::CallReport;
using aquifer::client::Client;
using aquifer::client::Connect;
using aquifer::client::Pages;
namespace v1 = aquifer::v1;

void Call(const Client& client) {
  v1::CreateTaskRequest request;
  request.mutable_details()->set_title("replace the filter");
  request.mutable_details()->set_type(v1::TASK_TYPE_FILTER_REPLACEMENT);
  CallReport report;
  const auto task = client.maintenance().CreateTask(
      request, {.timeout = absl::Seconds(20), .call_id = "bot-4711", .report = &report});
  std::cout << task.ok() << ", tries " << report.tries << ", cost " << report.receipt << "\n";
}

void ReadWhatWasWritten(const Client& client) {
  v1::RegisterWorkerRequest request;
  request.set_chat_id(4711);
  request.mutable_worker()->set_name("Olena");
  CallReport report;
  const auto written =
      client.workers().RegisterWorker(request, {.want_token = true, .report = &report});
  const auto seen = client.workers().ListWorkers({}, {.consistency = AtLeast(report.token)});
  std::cout << "written " << written.ok() << ", seen " << seen.ok() << "\n";
}

void ReadError(const absl::Status& status) {
  const auto error = aquifer::client::DetailsOf(status);
  std::cerr << status.code() << " " << error.reason << ": " << status.message() << "\n";
  for (const auto& field : error.fields) std::cerr << field.field << " " << field.description;
  if (error.retry_after) std::cerr << "again in " << *error.retry_after << "\n";
  std::cerr << "see " << error.call_id << " in the server's log\n";
}

absl::Status ListAndStream(const Client& client) {
  Pages pages(client.workers().ListWorkers, {});
  for (const v1::ListWorkersResponse& page : pages) {
    for (const v1::Worker& worker : page.workers()) std::cout << worker.name() << "\n";
  }
  if (!pages.status().ok()) return pages.status();

  auto lines = client.collections().StreamCollections({});
  for (const v1::Collection& line : lines) std::cout << line.total_minor() << "\n";
  return lines.status();
}

absl::Status Write(const Client& client, const std::vector<v1::CollectionLine>& lines) {
  auto writer = client.collections().WriteCollections([](const auto& outcome) {
    if (outcome.result.has_rejection()) std::cerr << "line " << outcome.number << " is bad\n";
  });
  for (const v1::CollectionLine& line : lines) {
    if (absl::Status status = writer.Add(line); !status.ok()) return status;
  }
  const auto counts = writer.Finish();
  if (counts.ok()) std::cout << counts->inserted() << " new, " << counts->unchanged() << " known\n";
  return counts.status();
}

absl::StatusOr<Client> ConnectSafely(const std::string& authority, const std::string& token_file) {
  return Connect({.endpoints = {"10.0.0.1:50051", "10.0.0.2:50051"},
                  .tls = {{.root_certificates = authority, .server_name = "aquifer.internal"}},
                  .token = [token_file]() -> absl::StatusOr<std::string> {
                    std::ifstream file(token_file);
                    return std::string(std::istreambuf_iterator<char>(file), {});
                  }});
}

// Prints a line for every try; one for OpenTelemetry makes a span and adds `traceparent`.
class PrintingTracer final : public aquifer::client::CallTracer {
 public:
  std::unique_ptr<aquifer::client::CallSpan> Begin(const aquifer::client::CallTry& call,
                                                   aquifer::client::Metadata& metadata) override {
    metadata.emplace_back("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    return std::make_unique<Span>(std::string(call.method));
  }

 private:
  class Span final : public aquifer::client::CallSpan {
   public:
    explicit Span(std::string method) : method_(std::move(method)) {}
    void End(const absl::Status& status) override {
      std::cout << method_ << ": " << status.code() << "\n";
    }

   private:
    const std::string method_;
  };
};

int main(int count, char** arguments) {
  const std::string endpoint = count > 1 ? arguments[1] : "127.0.0.1:50051";
  const auto client =
      Connect({.endpoints = {endpoint}, .tracer = std::make_shared<PrintingTracer>()});
  if (!client.ok() || !ConnectSafely("", "/dev/null").ok()) return 1;
  Call(*client);
  ReadWhatWasWritten(*client);
  v1::CollectionLine line;
  line.set_device_id("165");
  line.set_wall_time("2026-03-28 14:05:09");
  line.set_coins_text("14.50");
  for (const absl::Status& status :
       {Write(*client, {line, v1::CollectionLine()}), ListAndStream(*client)}) {
    if (!status.ok()) return ReadError(status), 1;
  }
  ReadError(client->workers().GetWorker({}).status());
}
