// Stores the lines of a file.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <ostream>
#include <utility>

#include "client/cli/collection_commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/line_file.h"
#include "client/cli/progress_line.h"
#include "client/cli/resume_file.h"
#include "client/cli/table.h"

namespace aquifer::cli {
namespace {

constexpr char kExamples[] =
    "FILE is CSV with a header, or JSON lines; \"-\" is standard input. Columns: device_id,\n"
    "collected_at (2026-03-28T12:05:09Z) or wall_time (2026-03-28 14:05:09), banknotes and\n"
    "coins (1520.50) or banknotes_minor and coins_minor (152050), collector, card_id, note,\n"
    "machine. JSON lines are aquifer.v1.CollectionLine, as export writes them.\n"
    "\n"
    "A line is stored once by its device and time, so an import may be started again. It\n"
    "goes on where it was by itself (FILE.aquifer-resume tells), as long as the file begins\n"
    "as it did. Rejected lines are told with their number and do not stop it: exit code 5.\n"
    "\n"
    "Examples:\n"
    "  aquifer collections import march.csv\n"
    "  aquifer collections import march.csv --from-line 1\n"
    "  aquifer collections import march.csv --rejects rejected.txt\n"
    "  zcat march.jsonl.gz | aquifer collections import - --format jsonl";

// How many rejected lines are told on standard error.
constexpr std::int64_t kToldRejections = 100;

struct ImportArguments {
  std::string file;
  std::string format;
  std::int64_t from_line = 0;
  std::string rejects;
};

class Import {
 public:
  Import(Session& session, const ImportArguments& arguments)
      : session_(session),
        arguments_(arguments),
        is_file_(arguments.file != "-" && std::filesystem::is_regular_file(arguments.file)),
        resume_(arguments.file, session.options().address),
        progress_(session.streams().err_is_terminal ? &session.err() : nullptr) {}

  absl::StatusOr<int> Do() {
    absl::Status status = Open();
    if (status.ok()) status = GoToStart();
    if (status.ok()) status = OpenRejects();
    if (!status.ok()) return status;
    const auto client = session_.Reach();
    if (!client.ok()) return client.status();
    client::CallOptions options = session_.CallOptions();
    options.urgency = client::Urgency::kBulk;
    auto writer = (*client)->collections().WriteCollections(
        [this](const auto& outcome) { OnOutcome(outcome); }, options);
    status = Send(writer);
    if (!status.ok()) return Interrupted(status);
    const auto counts = writer.Finish();
    if (!counts.ok()) return Interrupted(counts.status());
    if (is_file_) resume_.Remove();
    return Finish(*counts);
  }

 private:
  // A line under way.
  struct Sent {
    std::int64_t number;
    // Where the file goes on behind it.
    ImportPlace after;
  };

  absl::Status Open() {
    const auto format = FormatOf(arguments_.format, arguments_.file);
    if (!format.ok()) return format.status();
    if (arguments_.file != "-") {
      file_.close();
      file_.open(arguments_.file, std::ios::binary);
      if (!file_) return absl::NotFoundError(absl::StrCat(arguments_.file, " cannot be read"));
    }
    if (is_file_) size_ = static_cast<std::int64_t>(std::filesystem::file_size(arguments_.file));
    auto reader = ReadLines(*format, arguments_.file == "-" ? session_.streams().in : file_);
    if (!reader.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(arguments_.file, ": ", std::string(reader.status().message())));
    }
    reader_ = *std::move(reader);
    return absl::OkStatus();
  }

  // Keeps what an earlier start of the same import told.
  absl::Status OpenRejects() {
    if (arguments_.rejects.empty()) return absl::OkStatus();
    rejects_.open(arguments_.rejects, place_.line > 1 ? std::ios::app : std::ios::trunc);
    if (rejects_) return absl::OkStatus();
    return absl::NotFoundError(absl::StrCat(arguments_.rejects, " cannot be written"));
  }

  // Passes over what is not to be sent.
  absl::Status GoToStart() {
    if (arguments_.from_line > 0) {
      from_line_ = arguments_.from_line;
      return absl::OkStatus();
    }
    const auto place = is_file_ ? resume_.Read() : std::nullopt;
    if (!place) return absl::OkStatus();
    FileLine line;
    while (reader_->input().line() <= place->line) {
      if (reader_->input().checksum() == place->checksum) {
        place_ = *place;
        session_.err() << "aquifer: going on at line " << place->line << ", as " << resume_.path()
                       << " tells; --from-line 1 begins anew\n";
        return absl::OkStatus();
      }
      if (!reader_->Next(line)) break;
    }
    session_.err() << "aquifer: " << arguments_.file << " has changed; beginning anew\n";
    return Open();
  }

  absl::Status Send(client::CollectionWriter& writer) {
    FileLine line;
    std::int64_t saved = 0;
    while (reader_->Next(line)) {
      if (line.number < from_line_) continue;
      ++lines_;
      if (!line.status.ok()) {
        Reject(line.number, std::string(line.status.message()));
        continue;
      }
      sent_.push_back({line.number, {reader_->input().line(), reader_->input().checksum()}});
      absl::Status status = writer.Add(std::move(line.line));
      if (writer.acknowledged() != saved) {
        saved = writer.acknowledged();
        Save();
      }
      if (!status.ok()) return status;
      progress_.Show(lines_, reader_->input().bytes(), size_);
    }
    return absl::OkStatus();
  }

  void OnOutcome(const client::CollectionWriter::Outcome& outcome) {
    if (outcome.result.has_rejection()) {
      const auto& problems = outcome.result.rejection().problems();
      Reject(sent_.front().number,
             absl::StrJoin(problems, "; ", [](std::string* text, const v1::FieldProblem& problem) {
               // Within "lines[3]." of the call it went with, which is not the file's.
               const std::string& field = problem.field();
               absl::StrAppend(text, field.substr(field.find('.') + 1), " ", problem.description());
             }));
    }
    place_ = sent_.front().after;
    sent_.pop_front();
  }

  void Reject(std::int64_t number, const std::string& reason) {
    ++rejected_;
    const std::string text =
        absl::StrCat(arguments_.file, ":", number, ": ", Harmless(reason), "\n");
    if (rejects_.is_open()) rejects_ << text;
    if (rejected_ <= kToldRejections) session_.err() << text;
    if (rejected_ == kToldRejections + 1) {
      session_.err() << "aquifer: further rejected lines are counted; --rejects FILE keeps all\n";
    }
  }

  void Save() {
    if (!is_file_ || !keeps_place_) return;
    // What is told of lines before the place is told once, so it must outlive a kill, too.
    rejects_.flush();
    const absl::Status status = resume_.Write(place_);
    keeps_place_ = status.ok();
    if (!status.ok()) {
      session_.err() << "aquifer: " << status.message()
                     << "; if this is interrupted, it begins anew\n";
    }
  }

  absl::Status Interrupted(const absl::Status& status) {
    if (place_.line > 1) {
      Save();
      session_.err() << "aquifer: interrupted at line " << place_.line
                     << "; start it again to go on there\n";
    }
    return status;
  }

  absl::StatusOr<int> Finish(const v1::RecordCounts& counts) {
    if (rejects_.is_open() && !rejects_.flush()) {
      return absl::UnknownError(absl::StrCat(arguments_.rejects, " could not be written"));
    }
    v1::RecordCounts all = counts;
    all.set_rejected(rejected_);
    if (session_.options().output == Output::kJson) {
      absl::Status status = session_.PrintJson(all, Session::Layout::kLine);
      if (!status.ok()) return status;
    } else {
      session_.out() << lines_ << " lines: " << all.inserted() << " inserted, " << all.updated()
                     << " updated, " << all.unchanged() << " unchanged, " << all.skipped()
                     << " skipped, " << all.rejected() << " rejected\n";
    }
    return rejected_ == 0 ? kExitOk : kExitRejectedLines;
  }

  Session& session_;
  const ImportArguments& arguments_;
  const bool is_file_;
  const ResumeFile resume_;
  ProgressLine progress_;
  std::ifstream file_;
  std::int64_t size_ = 0;
  std::unique_ptr<LineReader> reader_;
  std::ofstream rejects_;
  std::int64_t from_line_ = 0;
  std::deque<Sent> sent_;
  // Behind the last line that has an outcome.
  ImportPlace place_;
  bool keeps_place_ = true;
  std::int64_t lines_ = 0;
  std::int64_t rejected_ = 0;
};

}  // namespace

void AddImport(const CommandTree& tree, CLI::App& collections) {
  auto arguments = std::make_shared<ImportArguments>();
  CLI::App& app = tree.AddCommand(
      collections, "import", "Store the lines of a file; safe to start again.", kExamples,
      [arguments](Session& session) { return Import(session, *arguments).Do(); });
  app.add_option("file", arguments->file, "The file.")->type_name("FILE")->required();
  app.add_option("--format", arguments->format, "By the file's name without it.")
      ->type_name("csv|jsonl");
  app.add_option("--from-line", arguments->from_line, "Begin on this line of the file.")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  app.add_option("--rejects", arguments->rejects, "Write every rejected line's reason there.")
      ->type_name("FILE");
}

}  // namespace aquifer::cli
