// Checks a message against the rules its proto states (aquifer/v1/options.proto).
//
// The RPC path checks every request with it before anything else happens; a repository checks the
// lines of a batch with it one by one, so that a bad line is rejected alone.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/zero_copy_stream.h>
#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "repositories/errors.h"

namespace aquifer {

// Every violation in `message`, fields within named below `path` ("" or such as "lines[3]").
// Elements marked ELEMENTS_ALONE are not looked into. Also holds what no option need say: a text
// has no NUL byte, an enum value is declared, a Timestamp is in years 1 to 9999, a Day exists, a
// DayRange and an InstantRange are in order, a double is finite. Of a message under an update mask
// only what the mask names is checked (update_mask.h). Descriptions say what is allowed, never the
// value.
std::vector<FieldViolation> CheckFieldRules(const google::protobuf::Message& message,
                                            const std::string& path = "");

// Violations by lists with too many elements in a message that is still unparsed, those of its
// parts and of their elements included. An empty element takes two bytes here and a hundred
// or more once parsed, so a large message is looked at with this first. Nothing for bytes that are
// not such a message: parsing finds out.
std::vector<FieldViolation> CheckListLengths(google::protobuf::io::ZeroCopyInputStream& bytes,
                                             const google::protobuf::Descriptor& descriptor);

}  // namespace aquifer
