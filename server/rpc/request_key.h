// How a request says that it may be a repeat, told from its method's descriptor.
#pragma once

#include <google/protobuf/message.h>

#include <optional>
#include <vector>

#include "repositories/errors.h"
#include "repositories/request_ledger.h"
#include "server/rpc/method.h"

namespace aquifer {

// Adds a violation if the request has a request_id that is not one.
void CheckRequestId(const Method& method, const Message& request,
                    std::vector<FieldViolation>& violations);

// The key of a checked request; nothing if it has no request_id, or changes nothing (`dry_run`).
std::optional<RequestKey> RequestKeyOf(const Method& method, const Message& request);

}  // namespace aquifer
