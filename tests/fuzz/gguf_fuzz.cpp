// Any bytes as a GGUF file: an error or a model, never a crash.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "willitrun/gguf.hpp"

using namespace willitrun;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto header = read_gguf(read_at_from_memory(std::as_bytes(std::span(data, size))), "fuzz.gguf");
  if (!header) {
    if (header.error().message.empty()) std::abort();
    return 0;
  }
  // A sound header's sums fit: nothing was allowed that later arithmetic would wrap on.
  Bytes sum = 0;
  for (const auto& tensor : header->tensors) {
    if (!element_count(tensor.shape)) std::abort();
    sum += tensor.bytes();
  }
  if (sum > header->data_bytes) std::abort();
  std::vector<GgufHeader> shards;
  shards.push_back(*std::move(header));
  const auto model = model_from_gguf(std::move(shards), "fuzz.gguf");
  if (!model && model.error().message.empty()) std::abort();
  return 0;
}
