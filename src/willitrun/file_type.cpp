#include "willitrun/file_type.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

namespace willitrun {
namespace {

struct FileType {
  std::uint64_t id;
  std::string_view name;
};

// enum llama_ftype (include/llama.h of llama.cpp 0.7.0).
constexpr std::array file_types{
    FileType{0, "F32"},        FileType{1, "F16"},     FileType{2, "Q4_0"},    FileType{3, "Q4_1"},
    FileType{7, "Q8_0"},       FileType{8, "Q5_0"},    FileType{9, "Q5_1"},    FileType{10, "Q2_K"},
    FileType{11, "Q3_K_S"},    FileType{12, "Q3_K_M"}, FileType{13, "Q3_K_L"}, FileType{14, "Q4_K_S"},
    FileType{15, "Q4_K_M"},    FileType{16, "Q5_K_S"}, FileType{17, "Q5_K_M"}, FileType{18, "Q6_K"},
    FileType{19, "IQ2_XXS"},   FileType{20, "IQ2_XS"}, FileType{21, "Q2_K_S"}, FileType{22, "IQ3_XS"},
    FileType{23, "IQ3_XXS"},   FileType{24, "IQ1_S"},  FileType{25, "IQ4_NL"}, FileType{26, "IQ3_S"},
    FileType{27, "IQ3_M"},     FileType{28, "IQ2_S"},  FileType{29, "IQ2_M"},  FileType{30, "IQ4_XS"},
    FileType{31, "IQ1_M"},     FileType{32, "BF16"},   FileType{36, "TQ1_0"},  FileType{37, "TQ2_0"},
    FileType{38, "MXFP4_MOE"}, FileType{39, "NVFP4"},  FileType{40, "Q1_0"},   FileType{41, "Q2_0"},
};

}  // namespace

std::string type_mix(const Metadata& metadata, const std::vector<TensorInfo>& tensors) {
  const auto id = metadata.count("general.file_type");
  const auto known = std::find_if(file_types.begin(), file_types.end(), [&](const FileType& t) { return id == t.id; });
  if (known != file_types.end()) return std::string(known->name);
  std::map<TensorType, Bytes> bytes;
  for (const auto& tensor : tensors) bytes[tensor.type] += tensor.bytes();
  const auto most =
      std::max_element(bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == bytes.end()) return {};
  std::string name(info(most->first).name);
  for (auto& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name + " mix";
}

}  // namespace willitrun
