#include "tests/testing/test_database.h"

#include <absl/strings/str_cat.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <memory>

#include "repositories/migrations.h"
#include "server/database/migrator.h"
#include "tests/testing/temporary_directory.h"

namespace aquifer::testing {
namespace {

constexpr char kTemplate[] = "aquifer_template";

[[noreturn]] void Abort(const absl::Status& status) {
  std::cerr << "no PostgreSQL for tests: " << status << std::endl;
  std::abort();
}

std::string WithKyiv(const std::string& url) {
  return absl::StrCat(url, "&options=-c%20TimeZone%3DEurope%2FKyiv");
}

// The program's PostgreSQL with its migrated template.
class Instance {
 public:
  Instance() : log_(LogLevel::kError) {
    LocalPostgresOptions options;
    options.data_dir = directory_.path() + "/data";
    options.max_connections = 150;
    options.durability = Durability::kNone;
    // The server's own setting, so that the tests run on any version that it runs on.
    if (const char* bindir = std::getenv("AQUIFER_POSTGRES_BINDIR")) options.bindir = bindir;
    auto started = LocalPostgres::Start(options, log_);
    if (!started.ok()) Abort(started.status());
    postgres_ = *std::move(started);
    Administer(absl::StrCat("CREATE DATABASE ", kTemplate));
    ConnectionSettings settings;
    settings.url = postgres_->UrlOf(kTemplate);
    const auto migrated = Migrator(settings, Migrations()).Up();
    if (!migrated.ok()) Abort(migrated.status());
  }

  LocalPostgres& postgres() { return *postgres_; }

  void Administer(const std::string& sql) {
    pqxx::connection connection(postgres_->UrlOf("postgres"));
    pqxx::nontransaction(connection).exec(sql);
  }

  std::string NextName() { return absl::StrCat("test_", ++databases_); }

 private:
  Log log_;
  TemporaryDirectory directory_;
  std::unique_ptr<LocalPostgres> postgres_;
  std::atomic<int> databases_{0};
};

Instance& TheInstance() {
  static Instance instance;
  return instance;
}

}  // namespace

LocalPostgres& TestPostgres() { return TheInstance().postgres(); }

TestDatabase::TestDatabase(Schema schema) : name_(TheInstance().NextName()) {
  TheInstance().Administer(absl::StrCat("CREATE DATABASE ", name_, " TEMPLATE ",
                                        schema == Schema::kMigrated ? kTemplate : "template0"));
  url_ = WithKyiv(TestPostgres().UrlOf(name_));
}

TestDatabase::~TestDatabase() {
  connection_.reset();
  try {
    TheInstance().Administer(absl::StrCat("DROP DATABASE IF EXISTS ", name_, " WITH (FORCE)"));
  } catch (const std::exception& error) {
    // A test that stopped PostgreSQL on purpose; the directory goes with the program.
    std::cerr << "cannot drop " << name_ << ": " << error.what() << std::endl;
  }
}

pqxx::result TestDatabase::Execute(const std::string& sql) {
  if (!connection_ || !connection_->is_open()) {
    connection_ = std::make_unique<pqxx::connection>(url_);
  }
  return pqxx::nontransaction(*connection_).exec(sql);
}

}  // namespace aquifer::testing
