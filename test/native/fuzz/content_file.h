// Files of known content on disk, as O_DIRECT wants them, for the targets that read. Process
// lifetime.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "fuzz.h"

class ContentFile {
 public:
  explicit ContentFile(std::size_t length) : content_(length, '\0') {
    unsigned value = 1;
    std::generate(content_.begin(), content_.end(), [&] {
      value = value * 1'664'525U + 1'013'904'223U;
      return static_cast<char>(value >> 24U);
    });
    std::string path = "fuzzed-XXXXXX";
    descriptor_ = mkostemp(path.data(), 0);
    expect(descriptor_ >= 0 && unlink(path.c_str()) == 0, "a temporary file");
    expect(write(descriptor_, content_.data(), length) == static_cast<ssize_t>(length),
           "its content");
  }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] const std::string& content() const { return content_; }

  // Nothing, part of a page, and more than two of the loader's chunks.
  static const ContentFile& chosen_by(FuzzedDataProvider& input) {
    static const ContentFile files[] = {ContentFile(0), ContentFile(5000),
                                        ContentFile((5U << 20U) + 17)};
    return files[input.ConsumeIntegralInRange<std::size_t>(0, 2)];
  }

 private:
  std::string content_;
  int descriptor_ = -1;
};
