// Embedding tables of recommenders and vector indexes: rows x dim x dtype, and what training adds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/result.hpp"
#include "willitrun/tensor_type.hpp"
#include "willitrun/units.hpp"

namespace willitrun {

enum class Optimizer : std::uint8_t { none, sgd, adagrad, rowwise_adagrad, adam };

enum class TableType : std::uint8_t { f64, f32, f16, bf16, fp8, int8, int4 };

struct EmbeddingTable {
  std::string name;
  std::uint64_t rows = 0;
  std::uint64_t dim = 0;
  TableType dtype = TableType::f32;
  bool row_scales = false;               ///< scale and bias with each row: two f32 for int8, two f16 for int4
  std::optional<std::uint64_t> buckets;  ///< rows hashed to this many
  std::uint32_t replicas = 1;
};

struct TableBytes {
  Bytes weights = 0;  ///< rows x dim x dtype, over all replicas
  Bytes scales = 0;
  Bytes optimizer = 0;
  [[nodiscard]] Bytes total() const { return weights + scales + optimizer; }
};

/// A recommender: tables, optional dense part, and the optimizer when it is being trained.
struct Recommender {
  std::string id, name;
  std::vector<EmbeddingTable> tables;
  std::uint64_t dense_parameters = 0;
  TableType dense_dtype = TableType::f32;
  Optimizer optimizer = Optimizer::none;
};

/// Bytes of one table; overflow of 64 bits is an error that names it.
[[nodiscard]] Result<TableBytes> table_bytes(const EmbeddingTable& table, Optimizer optimizer = Optimizer::none);
/// Bytes of the dense part with its optimizer state.
[[nodiscard]] Result<TableBytes> dense_bytes(const Recommender& model);
/// What cannot be: no rows, no elements, row scales on a type that has none. Nothing: the table is sound.
[[nodiscard]] std::optional<Error> check_table(const EmbeddingTable& table);
/// "users:10M:100:f32"; the dtype defaults to f32. More fields may follow: "scales", "buckets=1M", "replicas=2".
[[nodiscard]] Result<EmbeddingTable> parse_table(std::string_view text);
/// A JSON spec {"kind":"recommender","tables":[{"name","rows","dim","dtype"}...],...}; `what` names it in errors.
[[nodiscard]] Result<Recommender> parse_recommender(std::string_view json, std::string_view what);
[[nodiscard]] Result<TableType> find_table_type(std::string_view text);
[[nodiscard]] Result<Optimizer> find_optimizer(std::string_view text);
[[nodiscard]] std::string_view name_of(TableType type);
[[nodiscard]] std::string_view name_of(Optimizer optimizer);

}  // namespace willitrun
