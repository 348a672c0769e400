#include "client/cli/method_command.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "client/cli/csv.h"
#include "client/cli/exit_code.h"
#include "client/cli/message_text.h"
#include "client/methods.h"

namespace aquifer::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr int kLargestPage = 1000;

std::unique_ptr<Message> NewMessage(const google::protobuf::Descriptor& type) {
  return std::unique_ptr<Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
}

std::unique_ptr<Message> NewAnswer(const Message& request) {
  return NewMessage(*client::MethodOf(*request.GetDescriptor())->output_type());
}

TableColumn Headed(const Message& record, const Column& column) {
  const FieldDescriptor* field = FieldAt(*record.GetDescriptor(), column.field);
  const bool is_number = field->cpp_type() == FieldDescriptor::CPPTYPE_INT64 ||
                         field->cpp_type() == FieldDescriptor::CPPTYPE_INT32;
  return {column.header, is_number ? Align::kRight : Align::kLeft};
}

// One call of a command, page after page.
class Run {
 public:
  Run(const MethodCommand& command, Session& session, std::unique_ptr<Message> request,
      std::int64_t limit)
      : command_(command), session_(session), request_(std::move(request)), limit_(limit) {}

  absl::StatusOr<int> Do() {
    if (absl::Status status = ReadVersion(); !status.ok()) return status;
    if (!command_.question.empty()) {
      if (absl::Status status = session_.Confirm(Question()); !status.ok()) return status;
    }
    answer_ = NewAnswer(*request_);
    do {
      NextPage();
      answer_->Clear();
      if (absl::Status status = session_.Call(*request_, *answer_); !status.ok()) return status;
      if (absl::Status status = Take(); !status.ok()) return status;
    } while (HasMore() && shown_ < limit_);
    if (session_.options().output == Output::kTable) PrintTable();
    return kExitOk;
  }

 private:
  const FieldDescriptor* AnswerField(const std::string& name) const {
    return answer_->GetDescriptor()->FindFieldByName(name);
  }

  // "{id}" stands for what the request names.
  std::string Question() const {
    return absl::StrReplaceAll(command_.question, {{"{id}", TextOf(*request_, "id")}});
  }

  absl::Status ReadVersion() {
    if (command_.read == nullptr) return absl::OkStatus();
    const std::unique_ptr<Message> read(command_.read->New());
    if (absl::Status status = SetField(*read, "id", {TextOf(*request_, "id")}); !status.ok()) {
      return status;
    }
    const std::unique_ptr<Message> answer = NewAnswer(*read);
    if (absl::Status status = session_.Call(*read, *answer); !status.ok()) return status;
    const std::string record = answer->GetDescriptor()->field(0)->name();
    return SetField(*request_, "version", {TextOf(*answer, record + ".version")});
  }

  bool HasMore() const {
    return AnswerField("next_page_token") != nullptr &&
           !TextOf(*answer_, "next_page_token").empty();
  }

  void NextPage() {
    if (FieldAt(*request_->GetDescriptor(), "page_size") == nullptr) return;
    const auto size = std::min<std::int64_t>(kLargestPage, limit_ - shown_);
    const std::string token = shown_ == 0 ? "" : TextOf(*answer_, "next_page_token");
    SetField(*request_, "page_size", {absl::StrCat(size)}).IgnoreError();
    SetField(*request_, "page_token", {token}).IgnoreError();
  }

  // Keeps or prints what the answer holds.
  absl::Status Take() {
    const FieldDescriptor* field =
        command_.records.empty() ? nullptr : AnswerField(command_.records);
    if (field == nullptr || !field->is_repeated()) {
      ++shown_;
      if (session_.options().output == Output::kJson) {
        return session_.PrintJson(*answer_, Session::Layout::kLine);
      }
      Keep(field == nullptr ? *answer_ : answer_->GetReflection()->GetMessage(*answer_, field));
      return absl::OkStatus();
    }
    const auto& reflection = *answer_->GetReflection();
    is_list_ = true;
    record_type_ = field->message_type();
    for (int i = 0; i < reflection.FieldSize(*answer_, field); ++i, ++shown_) {
      const Message& record = reflection.GetRepeatedMessage(*answer_, field, i);
      if (session_.options().output == Output::kTable) {
        Keep(record);
      } else if (absl::Status status = session_.PrintJson(record, Session::Layout::kLine);
                 !status.ok()) {
        return status;
      }
    }
    return absl::OkStatus();
  }

  void Keep(const Message& record) {
    record_type_ = record.GetDescriptor();
    std::vector<std::string> row;
    for (const Column& column : command_.columns) row.push_back(TextOf(record, column.field));
    rows_.push_back(std::move(row));
  }

  bool IsUsed(std::size_t column) const {
    return !command_.columns[column].where_used ||
           std::any_of(rows_.begin(), rows_.end(),
                       [&](const auto& row) { return !row[column].empty(); });
  }

  void PrintTable() {
    if (command_.columns.empty()) {
      session_.out() << "done\n";
      return;
    }
    const bool has_rows = !rows_.empty();
    std::vector<std::size_t> used;
    for (std::size_t i = 0; i < command_.columns.size(); ++i) {
      if (IsUsed(i)) used.push_back(i);
    }
    if (!command_.total.empty() && has_rows) {
      Keep(answer_->GetReflection()->GetMessage(*answer_, AnswerField(command_.total)));
      rows_.back()[used.front()] = "total";
    }
    const std::unique_ptr<Message> record = NewMessage(*record_type_);
    std::vector<TableColumn> columns;
    columns.reserve(used.size());
    for (const std::size_t i : used) columns.push_back(Headed(*record, command_.columns[i]));
    std::vector<std::vector<std::string>> rows;
    for (const auto& row : rows_) {
      rows.emplace_back();
      for (const std::size_t i : used) rows.back().push_back(row[i]);
    }
    session_.out() << (is_list_ ? RenderTable(columns, rows) : RenderRecord(columns, rows.front()));
    if (HasMore()) {
      session_.err() << "aquifer: " << shown_
                     << " shown, and there are more; --limit N shows more\n";
    }
  }

  const MethodCommand& command_;
  Session& session_;
  const std::unique_ptr<Message> request_;
  const std::int64_t limit_;
  std::unique_ptr<Message> answer_;
  std::int64_t shown_ = 0;
  bool is_list_ = false;
  const google::protobuf::Descriptor* record_type_ = nullptr;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace

Fill AddArguments(CLI::App& app, const Message& request, const std::vector<Argument>& arguments) {
  // What was given, by field; the options point into it.
  auto given = std::make_shared<std::map<std::string, std::vector<std::string>>>();
  auto names = std::make_shared<std::map<std::string, std::string>>();
  for (const Argument& argument : arguments) {
    const FieldDescriptor* field = FieldAt(*request.GetDescriptor(), argument.field);
    (*names)[argument.field] = argument.name;
    CLI::Option* option = app.add_option(argument.name, (*given)[argument.field], argument.help)
                              ->type_name(PlaceholderOf(*field))
                              ->required(argument.need == Need::kRequired)
                              ->expected(1)
                              ->allow_extra_args(false);
    option->multi_option_policy(field->is_repeated() ? CLI::MultiOptionPolicy::TakeAll
                                                     : CLI::MultiOptionPolicy::Throw);
  }
  return [given, names](Message& filled) -> absl::Status {
    for (const auto& [field, texts] : *given) {
      if (texts.empty()) continue;
      if (!std::all_of(texts.begin(), texts.end(), [](const auto& text) { return IsUtf8(text); })) {
        return absl::InvalidArgumentError(absl::StrCat((*names)[field], " is not UTF-8"));
      }
      if (absl::Status status = SetField(filled, field, texts); !status.ok()) {
        return absl::InvalidArgumentError(
            absl::StrCat((*names)[field], ": ", std::string(status.message())));
      }
    }
    return absl::OkStatus();
  };
}

CLI::App& AddMethodCommand(const CommandTree& tree, CLI::App& parent,
                           const MethodCommand& command) {
  auto shared = std::make_shared<MethodCommand>(command);
  auto limit = std::make_shared<std::int64_t>(100);
  auto fill = std::make_shared<Fill>();
  const Action action = [shared, limit, fill](Session& session) -> absl::StatusOr<int> {
    std::unique_ptr<Message> request(shared->request.New());
    if (absl::Status status = (*fill)(*request); !status.ok()) return status;
    return Run(*shared, session, std::move(request), *limit).Do();
  };
  CLI::App& app = tree.AddCommand(parent, command.name, command.summary, command.examples, action);
  *fill = AddArguments(app, command.request, command.arguments);
  if (FieldAt(*command.request.GetDescriptor(), "page_size") != nullptr) {
    app.add_option("--limit", *limit, "How many to show at most (100).")
        ->type_name("N")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}).description(""));
  }
  return app;
}

}  // namespace aquifer::cli
