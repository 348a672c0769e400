// direct_load: callers that each have a thread and a connection of their own, libpqxx and prepared
// statements: what a careful program does without a service. Prints a line of JSON as aquifer_load.
#include <absl/random/random.h>
#include <absl/time/clock.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <list>
#include <memory>
#include <sstream>
#include <thread>

#include "tests/load/caller/tally.h"
#include "tests/load/caller/warm_up.h"
#include "tests/load/direct/named_parameters.h"
#include "tests/load/direct/queries.h"

namespace aquifer::load {
namespace {

struct DirectPlan {
  std::string url;
  std::string sql_directory;
  std::string workload = "reads";
  int callers = 1;
  double warm_seconds = 0;
  double seconds = 3;
  History history;
};

std::string FileText(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// One caller with its connection, its statements prepared.
class DirectCaller {
 public:
  DirectCaller(const DirectPlan& plan, const QueryMix& mix)
      : plan_(plan), mix_(mix), connection_(plan.url) {
    for (const QueryMix::Part& part : mix.parts) {
      const std::string file = part.query->file;
      const auto statement = Numbered(FileText(plan.sql_directory + "/" + file + ".sql"));
      connection_.prepare(file, statement.sql);
      names_.push_back(statement.names);
    }
  }

  // Until the end; what is answered counts from `begin` on.
  void Run(absl::Time begin, absl::Time end) {
    for (absl::Time now = absl::Now(); now < end;) {
      const std::size_t part = Pick();
      const Query& query = *mix_.parts[part].query;
      const Values values = query.draw(plan_.history, random_);
      std::vector<std::string> parameters;
      for (const std::string& name : names_[part]) parameters.push_back(values.at(name));
      const std::string wrong = Ask(query, parameters, values);
      const absl::Time done = absl::Now();
      if (!wrong.empty()) {
        tally_.Failed(wrong);
      } else if (done >= begin) {
        tally_.Succeeded(done - now);
      }
      now = done;
    }
  }

  const Tally& tally() const { return tally_; }

 private:
  std::size_t Pick() {
    int draw = absl::Uniform(random_, 0, 100);
    for (std::size_t i = 0; i < mix_.parts.size(); ++i) {
      if (draw < mix_.parts[i].percent) return i;
      draw -= mix_.parts[i].percent;
    }
    return mix_.parts.size() - 1;
  }

  std::string Ask(const Query& query, const std::vector<std::string>& parameters,
                  const Values& values) {
    try {
      // A transaction of one statement: no BEGIN and no COMMIT to wait for.
      pqxx::nontransaction transaction(connection_);
      while (true) {
        const pqxx::result rows =
            transaction.exec_prepared(query.file, pqxx::prepare::make_dynamic_params(parameters));
        // Another caller stored the same line meanwhile; asked again, the statement sees it.
        const bool met_another = !rows.empty() && rows[0][0].is_null();
        if (!met_another) return query.check(rows, values);
      }
    } catch (const std::exception& error) {
      return error.what();
    }
  }

  const DirectPlan& plan_;
  const QueryMix& mix_;
  absl::InsecureBitGen random_;
  pqxx::connection connection_;
  // Of each part, what its parameters are called.
  std::vector<std::vector<std::string>> names_;
  Tally tally_;
};

int Run(const DirectPlan& plan, const QueryMix& mix) {
  std::list<DirectCaller> callers;
  for (int i = 0; i < plan.callers; ++i) callers.emplace_back(plan, mix);
  const absl::Duration warm_up = absl::Seconds(plan.warm_seconds);
  const absl::Time begin = absl::Now() + warm_up;
  const absl::Time end = begin + absl::Seconds(plan.seconds);
  std::vector<std::thread> threads;
  threads.push_back(TellWhenWarm(warm_up));
  for (DirectCaller& caller : callers) {
    threads.emplace_back([&caller, begin, end] { caller.Run(begin, end); });
  }
  for (std::thread& thread : threads) thread.join();
  const absl::Duration elapsed = absl::Now() - begin;

  Tally tally;
  for (const DirectCaller& caller : callers) tally.Add(caller.tally());
  tally.Print(elapsed, std::cout);
  return 0;
}

int Main(int argc, char** argv) {
  DirectPlan plan;
  CLI::App app("Calls PostgreSQL with a thread and a connection a caller; prints JSON.");
  app.add_option("--url", plan.url, "The database.")->required();
  app.add_option("--sql", plan.sql_directory, "Where the statements are.")->required();
  app.add_option("--workload", plan.workload,
                 "reads, saves, mixed, hot, ranges, summary or history");
  app.add_option("--callers", plan.callers, "Threads.")->check(CLI::PositiveNumber);
  app.add_option("--seconds", plan.seconds, "How long.")->check(CLI::PositiveNumber);
  app.add_option("--warm-seconds", plan.warm_seconds, "How long before it counts.")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--lines", plan.history.lines, "Lines of the history.")
      ->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  const auto mix = QueriesOf(plan.workload);
  if (!mix) {
    std::cerr << "direct_load: no workload " << plan.workload << std::endl;
    return 2;
  }
  return Run(plan, *mix);
}

}  // namespace
}  // namespace aquifer::load

int main(int argc, char** argv) {
  try {
    return aquifer::load::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "direct_load: " << error.what() << std::endl;
    return 1;
  }
}
