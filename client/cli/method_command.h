// Commands that are a method of the API: flags fill the request, columns show the answer.
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "client/cli/command.h"
#include "client/cli/table.h"

namespace aquifer::cli {

enum class Need { kOptional, kRequired };

struct Argument {
  // "--device", or "id" for one without a flag. Given several times if the field is repeated.
  std::string name;
  // The path of the request's field that it fills.
  std::string field;
  std::string help;
  Need need = Need::kOptional;
};

struct Column {
  std::string header;
  // The path in a record.
  std::string field;
  // Left out where no record has anything there.
  bool where_used = false;
};

struct MethodCommand {
  std::string name;
  std::string summary;
  std::string examples;
  // An empty request: tells the method.
  const google::protobuf::Message& request;
  std::vector<Argument> arguments;
  // The answer's field with the record or the records; nothing if the answer is the record.
  std::string records;
  std::vector<Column> columns;
  // The answer's field with a last row of sums.
  std::string total;
  // Asked first, with the same fields, for the version that the request must name.
  const google::protobuf::Message* read = nullptr;
  // For what destroys: asked before it is done.
  std::string question;
};

CLI::App& AddMethodCommand(const CommandTree& tree, CLI::App& parent, const MethodCommand& command);

// Adds arguments to a command of another kind; the function fills a request by what was given.
using Fill = std::function<absl::Status(google::protobuf::Message& request)>;
Fill AddArguments(CLI::App& app, const google::protobuf::Message& request,
                  const std::vector<Argument>& arguments);

}  // namespace aquifer::cli
