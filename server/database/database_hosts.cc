#include "server/database/database_hosts.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>
#include <libpq-fe.h>

#include <algorithm>
#include <map>
#include <memory>

namespace aquifer {
namespace {

std::map<std::string, std::string> SettingsOf(const std::string& url) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed(
      PQconninfoParse(url.c_str(), nullptr), &PQconninfoFree);
  std::map<std::string, std::string> settings;
  for (const auto* option = parsed.get(); option && option->keyword; ++option) {
    if (option->val) settings[option->keyword] = option->val;
  }
  return settings;
}

std::string TextOf(const std::map<std::string, std::string>& settings) {
  std::string text;
  for (const auto& [keyword, value] : settings) {
    absl::StrAppend(&text, text.empty() ? "" : " ", keyword, "='",
                    absl::StrReplaceAll(value, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
  }
  return text;
}

// The part of a list that belongs to host number `index`: one value stands for all.
std::string PartOf(const std::string& list, std::size_t index) {
  const std::vector<std::string> parts = absl::StrSplit(list, ',');
  return parts.size() == 1 ? parts[0] : index < parts.size() ? parts[index] : "";
}

}  // namespace

std::vector<std::string> UrlsByHost(const std::string& url, WantedHost wanted) {
  std::map<std::string, std::string> settings = SettingsOf(url);
  const auto commas = [&](const char* keyword) {
    const auto found = settings.find(keyword);
    return found == settings.end() ? 0
                                   : std::count(found->second.begin(), found->second.end(), ',');
  };
  const auto hosts = static_cast<std::size_t>(1 + std::max(commas("host"), commas("hostaddr")));
  if (hosts == 1) return {url};
  settings.try_emplace("target_session_attrs", "read-write");
  if (wanted == WantedHost::kAny) settings["target_session_attrs"] = "any";
  std::vector<std::string> urls;
  for (std::size_t index = 0; index < hosts; ++index) {
    auto one = settings;
    for (const char* keyword : {"host", "hostaddr", "port"}) {
      if (const auto found = one.find(keyword); found != one.end()) {
        found->second = PartOf(found->second, index);
      }
    }
    urls.push_back(TextOf(one));
  }
  return urls;
}

}  // namespace aquifer
