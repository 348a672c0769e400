// A look at what a server offers over HTTP.
#pragma once

#include <string>

namespace aquifer::testing {

// The answer of an HTTP server at "host:port", headers and all; empty if there is none.
std::string Get(const std::string& address, const std::string& path);

// One series of a Prometheus text, by its name with its labels as they stand there; -1 if it is not
// in it.
double SeriesIn(const std::string& text, const std::string& series);

}  // namespace aquifer::testing
