#include "willitrun/embedding_tables.hpp"

#include "support/catch.hpp"

using namespace willitrun;

namespace {

Bytes weights(std::string_view table) { return table_bytes(*parse_table(table))->weights; }

std::string message(std::string_view table) {
  const auto parsed = parse_table(table);
  return parsed ? "" : parsed.error().message;
}

}  // namespace

TEST_CASE("tables are rows x dim x dtype") {
  CHECK(weights("users:10M:100:f32") == 4'000'000'000);
  CHECK(weights("users:10M:100") == 4'000'000'000);
  CHECK(weights("items:1M:128:f16") == 256'000'000);
  CHECK(weights("items:100M:128:fp16") == 25'600'000'000);
  CHECK(weights("users:100k:64:f32") == 25'600'000);
  CHECK(weights("items:50k:64:f32") == 12'800'000);
  CHECK(weights("a:10:3:f64") == 240);
  CHECK(weights("a:10:3:bf16") == 60);
  CHECK(weights("a:10:3:fp8") == 30);
  CHECK(weights("a:10:3:int8") == 30);
}

TEST_CASE("int4 rows fill whole bytes") {
  CHECK(weights("a:10:3:int4") == 20);
  CHECK(weights("a:10:4:int4") == 20);
}

TEST_CASE("row scales are two f32 for int8 and two f16 for int4") {
  CHECK(table_bytes(*parse_table("a:1000:64:int8:scales"))->scales == 8000);
  CHECK(table_bytes(*parse_table("a:1000:64:int4:scales"))->scales == 4000);
  CHECK(message("a:1000:64:f16:scales") == "table 'a': row scales belong to int8 and int4 rows, not to f16");
}

TEST_CASE("hashing bounds the rows, replicas multiply them") {
  CHECK(weights("a:10M:100:f32:buckets=1M") == 400'000'000);
  CHECK(weights("a:10:100:f32:buckets=1M") == 4'000);
  CHECK(weights("a:10:100:f32:replicas=3") == 12'000);
  const auto bytes = table_bytes(*parse_table("a:10:4:int8:scales:buckets=5:replicas=2"), Optimizer::adagrad);
  CHECK(bytes->weights == 40);
  CHECK(bytes->scales == 80);
  CHECK(bytes->optimizer == 160);
  CHECK(bytes->total() == 280);
}

TEST_CASE("optimizers keep their state in f32") {
  const auto table = *parse_table("a:1M:64:f16");
  CHECK(table_bytes(table, Optimizer::sgd)->optimizer == 0);
  CHECK(table_bytes(table, Optimizer::adagrad)->optimizer == 256'000'000);
  CHECK(table_bytes(table, Optimizer::rowwise_adagrad)->optimizer == 4'000'000);
  CHECK(table_bytes(table, Optimizer::adam)->optimizer == 512'000'000);
}

TEST_CASE("the dense part has state as well, one number a parameter under row-wise Adagrad") {
  Recommender model;
  model.dense_parameters = 1000;
  model.dense_dtype = TableType::f16;
  model.optimizer = Optimizer::rowwise_adagrad;
  CHECK(dense_bytes(model)->weights == 2000);
  CHECK(dense_bytes(model)->optimizer == 4000);
  model.dense_parameters = 0;
  CHECK(dense_bytes(model)->total() == 0);
}

TEST_CASE("a malformed table says what is expected") {
  CHECK(message("users:10M") == "table 'users:10M': expected NAME:ROWS:DIM[:DTYPE], such as users:10M:100:f32");
  CHECK(message("") == "table '': expected NAME:ROWS:DIM[:DTYPE], such as users:10M:100:f32");
  CHECK(message(":1:1") == "table ':1:1': expected NAME:ROWS:DIM[:DTYPE], such as users:10M:100:f32");
  CHECK(message("u:many:1") ==
        "table 'u:many:1': rows 'many': needs a whole number, such as 150000, 100k, 10M or 1.5B");
  CHECK(message("u:1:-1") == "table 'u:1:-1': dim '-1': needs a whole number, such as 150000, 100k, 10M or 1.5B");
  CHECK(message("u:0:1") == "table 'u': rows must be at least 1");
  CHECK(message("u:1:0") == "table 'u': dim must be at least 1");
  CHECK(message("u:1:1:f31") ==
        "table 'u:1:1:f31': dtype 'f31' is not known (f64, f32, f16, bf16, fp8, int8, int4); did you mean f32, f16 or "
        "f64?");
  CHECK(parse_table("u:1:1:f31").error().suggestions.size() == 3);
  CHECK(message("u:1:1:f32:twice") == "table 'u:1:1:f32:twice': 'twice': expected scales, buckets=N or replicas=N");
  CHECK(message("u:1:1:buckets=0") == "table 'u': buckets must be at least 1");
  CHECK(message("u:1:1:replicas=0") == "table 'u': replicas must be at least 1");
}

TEST_CASE("products beyond 64 bits are refused") {
  EmbeddingTable table;
  table.name = "big";
  table.rows = table.dim = UINT64_MAX;
  CHECK(table_bytes(table).error().message == "table 'big': takes more than 2^64 bytes");
  table.dim = 1;
  CHECK_FALSE(table_bytes(table));
  table.dtype = TableType::int8;
  table.rows = 1ULL << 61;
  CHECK(table_bytes(table));
  CHECK_FALSE(table_bytes(table, Optimizer::adam));
  table.rows = 1ULL << 60;
  table.dim = 8;
  table.row_scales = true;
  CHECK_FALSE(table_bytes(table));
}

TEST_CASE("dtypes and optimizers go by their usual spellings") {
  CHECK(*find_table_type("Float16") == TableType::f16);
  CHECK(name_of(*find_table_type("half")) == "f16");
  CHECK(*find_optimizer("row-wise adagrad") == Optimizer::rowwise_adagrad);
  CHECK(find_optimizer("adum").error().message ==
        "optimizer 'adum' is not known (none, sgd, adagrad, rowwise_adagrad, adam); did you mean adam?");
}
