// Certificates and a token from files.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "aquifer/connect_options.h"

namespace aquifer::cli {

// Paths; empty for none. Any of the first three means TLS.
struct CredentialFiles {
  std::string authorities;
  std::string certificate;
  std::string private_key;
  std::string token;
};

// Reads the files into `options`. The token's is read anew at every try, so that one that is
// renewed while the program runs is used, unless it is a pipe. INVALID_ARGUMENT names the flag and
// the file that cannot be read or does not hold what it should.
absl::Status AddCredentials(const CredentialFiles& files, client::ConnectOptions& options);

}  // namespace aquifer::cli
