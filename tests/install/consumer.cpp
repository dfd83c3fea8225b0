#include <cstdio>
#include <willitrun/catalog.hpp>
#include <willitrun/quant.hpp>
#include <willitrun/weights.hpp>

int main() {
  const auto found = willitrun::find_model("llama3.1-8b");
  const auto preset = willitrun::find_quant("q4_k_m");
  if (!found || !preset) return 1;
  auto model = willitrun::model_from_entry(found->entry);
  if (!model) return 1;
  willitrun::apply_quant(*preset, model->spec, model->tensors);
  const auto bytes = willitrun::weigh(*model).file_bytes;
  std::printf("%llu\n", static_cast<unsigned long long>(bytes));
  return bytes == 4912898304 ? 0 : 1;
}
