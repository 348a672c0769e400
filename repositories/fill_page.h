// A page from the rows of a statement that was asked for one more than the page may have.
#pragma once

#include <google/protobuf/repeated_field.h>

#include <cstddef>
#include <cstdint>
#include <pqxx/pqxx>

#include "repositories/page.h"
#include "repositories/row.h"

namespace aquifer {

// Adds up to `size` elements to `page` with from(row, element), fewer where they are long; answers
// whether more follow. Then the next page begins after the last element of `page`.
template <typename Element, typename From>
bool FillPage(const pqxx::result& rows, std::int32_t size,
              google::protobuf::RepeatedPtrField<Element>& page, From from) {
  std::size_t bytes = 0;
  for (const auto& fields : rows) {
    if (page.size() == size || bytes >= kMostPageBytes) return true;
    Element& element = *page.Add();
    from(Row(fields), element);
    bytes += element.ByteSizeLong();
  }
  return false;
}

}  // namespace aquifer
