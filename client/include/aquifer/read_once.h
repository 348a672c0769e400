// Ranges that are read once.
#pragma once

#include <cstddef>
#include <iterator>

namespace aquifer::client {

// Goes over what `Source::Next()` gives, a `const Element*`, until it gives null.
template <typename Source, typename Element>
class ReadOnceIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = Element;
  using difference_type = std::ptrdiff_t;
  using pointer = const Element*;
  using reference = const Element&;

  // Reads the first.
  explicit ReadOnceIterator(Source& source) : source_(&source), element_(source.Next()) {}

  reference operator*() const { return *element_; }
  pointer operator->() const { return element_; }
  ReadOnceIterator& operator++() {
    element_ = source_->Next();
    return *this;
  }
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const { return element_ == nullptr; }

 private:
  Source* source_;
  const Element* element_;
};

}  // namespace aquifer::client
