// Reading a file by position: what arrives is the file's, and what is not there is an error.
#include "core/file.h"

#include <cstring>
#include <memory>
#include <system_error>

#include "content_file.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cuda_shutdown::File;
  constexpr std::size_t longest = 64 * 1024;
  FuzzedDataProvider input(data, size);
  const ContentFile& chosen = ContentFile::chosen_by(input);
  const std::string& content = chosen.content();
  const File file(chosen.descriptor());
  while (input.remaining_bytes() > 0) {
    const bool bulk = input.ConsumeBool();
    // Near the content, or anywhere at all.
    std::uint64_t offset = input.ConsumeBool()
                               ? input.ConsumeIntegralInRange<std::uint64_t>(0, content.size() + 10)
                               : input.ConsumeIntegral<std::uint64_t>();
    if (bulk) offset -= offset % File::alignment;
    const auto length = input.ConsumeIntegralInRange<std::size_t>(0, longest);
    // For the bulk rounded up, as the contract says, and never a byte more.
    const auto room = static_cast<std::size_t>((length + File::alignment - 1) / File::alignment) *
                      File::alignment;
    const std::unique_ptr<void, decltype(&std::free)> memory(
        bulk ? std::aligned_alloc(File::alignment, room) : std::malloc(length), &std::free);
    const bool there = offset <= content.size() && length <= content.size() - offset;
    try {
      if (bulk) {
        file.read_bulk(memory.get(), length, offset);
      } else {
        file.read(memory.get(), length, offset);
      }
      expect(there || length == 0, "an error for what is not there");
      expect(length == 0 || std::memcmp(memory.get(), content.data() + offset, length) == 0,
             "what the file holds");
    } catch (const cuda_shutdown::TruncatedFile&) {
      expect(!there, "what is there to be read");
    } catch (const std::system_error&) {
      expect(!there, "what is there to be read");
    }
  }
  return 0;
}
