// Records a line, reads all lines back, and shows what an error says.
#include <aquifer/client.h>

#include <iostream>

namespace v1 = aquifer::v1;

int main(int count, char** arguments) {
  const std::string endpoint = count > 1 ? arguments[1] : "127.0.0.1:50051";
  const auto client = aquifer::client::Connect({.endpoints = {endpoint}});
  if (!client.ok()) return std::cerr << client.status() << "\n", 1;

  v1::RecordCollectionRequest request;
  request.mutable_line()->set_device_id("164");
  request.mutable_line()->set_wall_time("2026-03-28 14:05:09");
  request.mutable_line()->set_banknotes_text("1520");
  const auto recorded = client->collections().RecordCollection(request);
  if (!recorded.ok()) return std::cerr << recorded.status() << "\n", 1;
  std::cout << "line " << recorded->collection().id() << ": "
            << v1::RecordOutcome_Name(recorded->outcome()) << "\n";

  auto lines = client->collections().StreamCollections({});
  for (const v1::Collection& line : lines) {
    std::cout << line.device_id() << ": " << line.total_minor() << " kopiykas\n";
  }
  if (!lines.status().ok()) return std::cerr << lines.status() << "\n", 1;

  request.mutable_line()->clear_device_id();
  const auto refused = client->collections().RecordCollection(request);
  const auto error = aquifer::client::DetailsOf(refused.status());
  std::cout << error.reason << ": " << error.fields[0].field << " " << error.fields[0].description
            << "\n";
}
