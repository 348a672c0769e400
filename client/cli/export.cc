// Writes the lines that a filter selects to a file.
#include <absl/strings/str_cat.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <ostream>

#include "client/cli/collection_commands.h"
#include "client/cli/collection_filter.h"
#include "client/cli/exit_code.h"
#include "client/cli/line_file.h"
#include "client/cli/method_command.h"
#include "client/cli/progress_line.h"

namespace aquifer::cli {
namespace {

constexpr char kExamples[] =
    "Oldest first, in the form that import reads. A file is there when it is whole.\n"
    "\n"
    "Examples:\n"
    "  aquifer collections export march.csv --days 2026-03-01..2026-03-31\n"
    "  aquifer collections export --format jsonl --device 164 | gzip >164.jsonl.gz";

struct ExportArguments {
  std::string file = "-";
  std::string format;
  Fill fill;
};

absl::StatusOr<std::int64_t> Write(Session& session, const v1::StreamCollectionsRequest& request,
                                   Format format, std::ostream& out) {
  const auto client = session.Reach();
  if (!client.ok()) return client.status();
  client::CallOptions options = session.CallOptions();
  options.urgency = client::Urgency::kBulk;
  ProgressLine progress(session.streams().err_is_terminal ? &session.err() : nullptr);
  std::int64_t count = 0;
  out << HeaderOf(format);
  auto lines = (*client)->collections().StreamCollections(request, options);
  for (const v1::Collection& line : lines) {
    const auto text = TextOfLine(format, line);
    if (!text.ok()) return text.status();
    if (!(out << *text)) return absl::UnknownError("the export could not be written");
    progress.Show(++count, 0, 0);
  }
  if (!lines.status().ok()) return lines.status();
  if (!out.flush()) return absl::UnknownError("the export could not be written");
  return count;
}

absl::StatusOr<int> Export(Session& session, const ExportArguments& arguments) {
  const auto format = FormatOf(arguments.format, arguments.file);
  if (!format.ok()) return format.status();
  v1::StreamCollectionsRequest request;
  if (absl::Status status = arguments.fill(request); !status.ok()) return status;
  if (arguments.file == "-") {
    const auto count = Write(session, request, *format, session.out());
    return count.ok() ? absl::StatusOr<int>(kExitOk) : count.status();
  }
  const std::string part = arguments.file + ".part";
  std::ofstream file(part, std::ios::trunc | std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(part, " cannot be written"));
  const auto count = Write(session, request, *format, file);
  file.close();
  if (!count.ok() || std::rename(part.c_str(), arguments.file.c_str()) != 0) {
    std::remove(part.c_str());
    return count.ok() ? absl::UnknownError(absl::StrCat(arguments.file, " cannot be written"))
                      : count.status();
  }
  session.err() << *count << " lines written to " << arguments.file << "\n";
  return kExitOk;
}

}  // namespace

void AddExport(const CommandTree& tree, CLI::App& collections) {
  auto arguments = std::make_shared<ExportArguments>();
  CLI::App& app = tree.AddCommand(
      collections, "export", "Write lines to a file, or to standard output.", kExamples,
      [arguments](Session& session) { return Export(session, *arguments); });
  app.add_option("file", arguments->file, "The file; standard output without it.")
      ->type_name("FILE");
  app.add_option("--format", arguments->format, "By the file's name without it.")
      ->type_name("csv|jsonl");
  arguments->fill =
      AddArguments(app, v1::StreamCollectionsRequest::default_instance(), WithFilter());
}

}  // namespace aquifer::cli
