#include "willitrun/embedding_tables.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "willitrun/suggest.hpp"
#include "willitrun/utf8.hpp"

namespace willitrun {
namespace {

struct TableTypeInfo {
  TableType type;
  std::string_view name;
  std::uint64_t bits;
  // Scale and bias of a quantised row. FBGEMM and PyTorch's embedding operators append two f32 to an int8 row
  // (INT8_EMB_ROW_DIM_OFFSET of FBGEMM's split_table_batched_embeddings_ops_training.py; columns + 8 in
  // embedding_bag_byte_prepack) and two f16 to an int4 row ("2-byte fp16 scale and 2-byte zero_offset",
  // qembeddingbag.cpp).
  std::uint64_t row_scale_bytes;
};
constexpr std::array table_types{
    TableTypeInfo{TableType::f64, "f64", 64, 0},  TableTypeInfo{TableType::f32, "f32", 32, 0},
    TableTypeInfo{TableType::f16, "f16", 16, 0},  TableTypeInfo{TableType::bf16, "bf16", 16, 0},
    TableTypeInfo{TableType::fp8, "fp8", 8, 0},   TableTypeInfo{TableType::int8, "int8", 8, 8},
    TableTypeInfo{TableType::int4, "int4", 4, 4},
};

// Optimizer state, always f32: per element, and per row (momentum1 and momentum2 of FBGEMM's
// codegen/genscript/optimizers.py; torchrec/optim/rowwise_adagrad.py).
struct OptimizerInfo {
  Optimizer optimizer;
  std::string_view name;
  std::uint64_t bytes_per_element, bytes_per_row;
};
constexpr std::array optimizers{
    OptimizerInfo{Optimizer::none, "none", 0, 0},
    OptimizerInfo{Optimizer::sgd, "sgd", 0, 0},
    OptimizerInfo{Optimizer::adagrad, "adagrad", 4, 0},
    OptimizerInfo{Optimizer::rowwise_adagrad, "rowwise_adagrad", 0, 4},
    OptimizerInfo{Optimizer::adam, "adam", 8, 0},
};

template <class T>
struct Spelling {
  std::string_view text;
  T value;
};
constexpr std::array type_spellings{
    Spelling<TableType>{"float64", TableType::f64}, Spelling<TableType>{"fp64", TableType::f64},
    Spelling<TableType>{"double", TableType::f64},  Spelling<TableType>{"float32", TableType::f32},
    Spelling<TableType>{"fp32", TableType::f32},    Spelling<TableType>{"float", TableType::f32},
    Spelling<TableType>{"float16", TableType::f16}, Spelling<TableType>{"fp16", TableType::f16},
    Spelling<TableType>{"half", TableType::f16},    Spelling<TableType>{"bfloat16", TableType::bf16},
    Spelling<TableType>{"f8", TableType::fp8},      Spelling<TableType>{"float8", TableType::fp8},
    Spelling<TableType>{"i8", TableType::int8},     Spelling<TableType>{"uint8", TableType::int8},
    Spelling<TableType>{"i4", TableType::int4},     Spelling<TableType>{"uint4", TableType::int4},
};
constexpr std::array optimizer_spellings{
    Spelling<Optimizer>{"row_wise_adagrad", Optimizer::rowwise_adagrad},
    Spelling<Optimizer>{"exact_rowwise_adagrad", Optimizer::rowwise_adagrad},
    Spelling<Optimizer>{"exact_adagrad", Optimizer::adagrad},
    Spelling<Optimizer>{"exact_sgd", Optimizer::sgd},
    Spelling<Optimizer>{"adamw", Optimizer::adam},
};

const TableTypeInfo& info(TableType type) { return table_types[static_cast<std::size_t>(type)]; }

// A product of factors, or nothing once it leaves 64 bits.
std::optional<std::uint64_t> product(std::initializer_list<std::uint64_t> factors) {
  std::optional<std::uint64_t> out = 1;
  for (const auto factor : factors)
    if (out) out = checked_mul(*out, factor);
  return out;
}

Error bad_table(const EmbeddingTable& table, std::string_view message) {
  return Error{"bad_table", fmt::format("table {}: {}", in_quotes(table.name), message)};
}

// Lower case with '_' for '-' and spaces.
std::string normalized(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 64))
    out += c == '-' || c == ' ' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

template <class T, class Infos, class Spellings, class Value>
Result<T> find_named(std::string_view text, std::string_view noun, const Infos& infos, const Spellings& spellings,
                     Value value) {
  const auto wanted = normalized(text);
  std::vector<std::string_view> names;
  for (const auto& row : infos) {
    if (wanted == row.name) return row.*value;
    names.push_back(row.name);
  }
  for (const auto& spelling : spellings)
    if (wanted == spelling.text) return spelling.value;
  const auto near = nearest(text, names);
  return Error{
      "unknown_name",
      fmt::format("{} {} is not known ({}){}", noun, in_quotes(text), fmt::join(names, ", "), did_you_mean(near)),
      near};
}

constexpr std::string_view table_form = "expected NAME:ROWS:DIM[:DTYPE], such as users:10M:100:f32";

std::vector<std::string_view> split_fields(std::string_view text) {
  std::vector<std::string_view> fields;
  for (auto colon = text.find(':'); colon != std::string_view::npos; colon = text.find(':')) {
    fields.push_back(text.substr(0, colon));
    text.remove_prefix(colon + 1);
  }
  fields.push_back(text);
  return fields;
}

// What may follow NAME:ROWS:DIM: a dtype, scales, buckets=N, replicas=N.
std::optional<Error> apply_field(EmbeddingTable& table, std::string_view field, bool first) {
  if (field == "scales") {
    table.row_scales = true;
    return std::nullopt;
  }
  if (field.starts_with("buckets=")) {
    const auto buckets = parse_count(field.substr(8), "buckets");
    if (!buckets) return buckets.error();
    table.buckets = *buckets;
    return std::nullopt;
  }
  if (field.starts_with("replicas=")) {
    const auto replicas = parse_count(field.substr(9), "replicas");
    if (!replicas) return replicas.error();
    if (*replicas > UINT32_MAX) return Error{"bad_value", fmt::format("replicas {}: is too large", in_quotes(field))};
    table.replicas = static_cast<std::uint32_t>(*replicas);
    return std::nullopt;
  }
  if (!first) return Error{"bad_value", fmt::format("{}: expected scales, buckets=N or replicas=N", in_quotes(field))};
  const auto type = find_table_type(field);
  if (!type) return type.error();
  table.dtype = *type;
  return std::nullopt;
}

}  // namespace

std::optional<Error> check_table(const EmbeddingTable& table) {
  if (table.rows == 0) return bad_table(table, "rows must be at least 1");
  if (table.dim == 0) return bad_table(table, "dim must be at least 1");
  if (table.buckets == 0U) return bad_table(table, "buckets must be at least 1");
  if (table.replicas == 0) return bad_table(table, "replicas must be at least 1");
  if (table.row_scales && info(table.dtype).row_scale_bytes == 0)
    return bad_table(table, fmt::format("row scales belong to int8 and int4 rows, not to {}", name_of(table.dtype)));
  return std::nullopt;
}

Result<TableBytes> table_bytes(const EmbeddingTable& table, Optimizer optimizer) {
  if (auto error = check_table(table)) return *error;
  const auto& type = info(table.dtype);
  const auto& state = optimizers[static_cast<std::size_t>(optimizer)];
  const auto rows = product({std::min(table.rows, table.buckets.value_or(table.rows)), table.replicas});
  const auto row_bits = product({table.dim, type.bits});
  const auto row_state = product({table.dim, state.bytes_per_element});
  const auto too_large = [&] { return bad_table(table, "takes more than 2^64 bytes"); };
  if (!rows || !row_bits || !row_state) return too_large();
  const auto row_bytes = *row_bits / 8 + (*row_bits % 8 != 0 ? 1 : 0);  // int4 rows fill whole bytes
  const auto weights = product({*rows, row_bytes});
  const auto scales = product({*rows, table.row_scales ? type.row_scale_bytes : 0});
  const auto state_bytes = product({*rows, checked_add(*row_state, state.bytes_per_row).value_or(UINT64_MAX)});
  if (!weights || !scales || !state_bytes) return too_large();
  const TableBytes bytes{*weights, *scales, *state_bytes};
  const auto sum = checked_add(*weights, *scales);
  if (!sum || !checked_add(*sum, *state_bytes)) return too_large();
  return bytes;
}

Result<TableBytes> dense_bytes(const Recommender& model) {
  if (model.dense_parameters == 0) return TableBytes{};
  // One row; an optimizer that keeps one number a row keeps one a parameter elsewhere.
  const auto optimizer = model.optimizer == Optimizer::rowwise_adagrad ? Optimizer::adagrad : model.optimizer;
  EmbeddingTable dense;
  dense.name = "dense part";
  dense.rows = 1;
  dense.dim = model.dense_parameters;
  dense.dtype = model.dense_dtype;
  return table_bytes(dense, optimizer);
}

Result<EmbeddingTable> parse_table(std::string_view text) {
  const auto fields = split_fields(text);
  const auto bad = [&](std::string_view message) {
    return Error{"bad_table", fmt::format("table {}: {}", in_quotes(text), message)};
  };
  if (fields.size() < 3 || fields[0].empty() || !is_valid_utf8(text)) return bad(table_form);
  EmbeddingTable table;
  table.name = fields[0];
  const auto rows = parse_count(fields[1], "rows");
  if (!rows) return bad(rows.error().message);
  const auto dim = parse_count(fields[2], "dim");
  if (!dim) return bad(dim.error().message);
  table.rows = *rows;
  table.dim = *dim;
  for (std::size_t i = 3; i < fields.size(); ++i)
    if (const auto error = apply_field(table, fields[i], i == 3)) {
      auto named = bad(error->message);
      named.suggestions = error->suggestions;
      return named;
    }
  if (auto error = check_table(table)) return *error;
  return table;
}

Result<TableType> find_table_type(std::string_view text) {
  return find_named<TableType>(text, "dtype", table_types, type_spellings, &TableTypeInfo::type);
}

Result<Optimizer> find_optimizer(std::string_view text) {
  return find_named<Optimizer>(text, "optimizer", optimizers, optimizer_spellings, &OptimizerInfo::optimizer);
}

std::string_view name_of(TableType type) { return info(type).name; }

std::string_view name_of(Optimizer optimizer) { return optimizers[static_cast<std::size_t>(optimizer)].name; }

}  // namespace willitrun
