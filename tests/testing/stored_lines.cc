#include "tests/testing/stored_lines.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

namespace aquifer::testing {
namespace {

std::string Money(std::int64_t minor) { return absl::StrCat(minor, " / 100.0"); }

}  // namespace

std::int64_t InsertLine(TestDatabase& database, const TestLine& line) {
  const pqxx::result rows = database.Execute(absl::StrCat(
      "INSERT INTO aquifer.collections (device_id, collected_at, banknotes, coins, collector, "
      "card_id, note, machine) VALUES (",
      Quoted(line.device_id), ", ", Quoted(line.collected_at), ", ", Money(line.banknotes_minor),
      ", ", Money(line.coins_minor), ", ", Quoted(line.collector), ", ", Quoted(line.card_id), ", ",
      Quoted(line.note), ", ", Quoted(line.machine), ") RETURNING id"));
  return rows[0][0].as<std::int64_t>();
}

void InsertLines(TestDatabase& database, const TestLines& lines) {
  database.Execute(absl::StrCat(
      "INSERT INTO aquifer.collections (device_id, collected_at, banknotes, coins, collector) "
      "SELECT 'device-' || (n * 7919 % ",
      lines.devices, "), timestamptz ", Quoted(lines.start), " + n * interval ", Quoted(lines.step),
      ", n % 5000, n % 300 / 100.0, 'collector ' || (n % ", lines.collectors,
      ") FROM generate_series(1::bigint, ", lines.lines, ") AS n"));
}

std::int64_t InsertWorker(TestDatabase& database, const std::string& name) {
  return database
      .Execute(absl::StrCat("INSERT INTO aquifer.workers (name) VALUES (", Quoted(name),
                            ") RETURNING id"))[0][0]
      .as<std::int64_t>();
}

void InsertAlias(TestDatabase& database, const std::string& collector, std::int64_t worker_id) {
  database.Execute(
      absl::StrCat("INSERT INTO aquifer.collector_aliases (collector, worker_id) VALUES (",
                   Quoted(collector), ", ", worker_id, ")"));
}

std::string Quoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "''"}}), "'");
}

DaySummer::DaySummer(const TestDatabase& database) : connection_(database.url()) {}

void DaySummer::Run() {
  Step([](CollectionRollup& rollup) { rollup.Claim(absl::ZeroDuration()); });
  Step([](CollectionRollup& rollup) { rollup.Fence(); });
  for (int summed = 1; summed > 0;) {
    Step([&summed](CollectionRollup& rollup) { summed = rollup.Sum(); });
  }
}

void DaySummer::Step(absl::FunctionRef<void(CollectionRollup&)> step) {
  pqxx::work work(connection_);
  Session session(work, prepared_);
  CollectionRollup rollup(session);
  step(rollup);
  work.commit();
}

void SumDays(const TestDatabase& database) { DaySummer(database).Run(); }

}  // namespace aquifer::testing
