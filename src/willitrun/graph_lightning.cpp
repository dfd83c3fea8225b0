// Lightning attention: src/models/minimax-01.cpp.
#include "graph_model.hpp"

namespace willitrun::graph {

/// How fast each head forgets, by distance: inputs that all layers share.
const ModelGraph::DecayInputs& ModelGraph::decay_inputs() {
  if (decay_.slopes != none) return decay_;
  const std::uint32_t n_head = spec_.n_head.at(il_), per_seq = n_tokens_ / n_seqs_;
  decay_.slopes = g_.input({n_head, 1, 1, 1}, 4);
  decay_.query = g_.input({1, n_head, per_seq, n_seqs_}, 4);
  decay_.key = g_.input({1, n_head, per_seq, n_seqs_}, 4);
  decay_.diagonal = g_.input({per_seq, per_seq, n_head, n_seqs_}, 4);
  return decay_;
}

Id ModelGraph::lightning_attention(Id x) {
  const std::uint32_t dim = spec_.head_dim_v, n = spec_.n_head.at(il_), per_seq = n_tokens_ / n_seqs_;
  const Extent by_token{dim, n, per_seq, n_seqs_}, by_head{dim, per_seq, n, n_seqs_};
  const DecayInputs& decay = decay_inputs();
  Id no_columns = none, cache = none;
  state_rows(0, no_columns);
  const Id in = g_.view(x, {spec_.n_embd, per_seq, 1, n_seqs_});
  const Id qkv = g_.view(g_.inplace(g_.mul_mat(weight(Role::attn_qkv), in)), {3 * dim, n, per_seq, n_seqs_});
  const auto part = [&] { return g_.slice(qkv, by_token, dim); };
  const auto heads_first = [&](Id t) { return g_.view(t, by_head, false, g_.at(t).bytes); };
  const auto columns = [&](Id t) { return g_.compute({per_seq, dim, n, n_seqs_}, {g_.view(t, by_head, false)}); };
  const auto decayed = [&](Id exponents) { return g_.inplace(g_.inplace(exponents)); };
  const Id q = part(), k = part(), v = part();
  const Id state = g_.view(state_rows(dim * dim * n, cache), {dim, dim, n, n_seqs_});

  const Id earlier = g_.mul_mat(state, heads_first(g_.inplace(q, decayed(decay.query))));
  const Id scores = g_.inplace(g_.mul_mat(heads_first(k), heads_first(q)), decayed(decay.diagonal));
  const Id v_columns = columns(v);
  const Id sum = add(earlier, g_.mul_mat(v_columns, scores));
  g_.expand(sum);

  const Id forgotten = g_.view(g_.inplace(decayed(decay.slopes)), {1, 1, n, 1});
  const Id k_columns = columns(g_.inplace(k, decayed(decay.key)));
  const Id kept = add(g_.inplace(state, forgotten), g_.mul_mat(k_columns, v_columns));
  g_.expand(g_.store(g_.view(cache, {dim * dim * n, n_seqs_, 1, 1}), {kept}));

  const Id packed = g_.compute(by_token, {g_.view(sum, by_token, false)});
  const Id normed = norm(g_.view(packed, {dim * n, per_seq, 1, n_seqs_}), Role::attn_norm_2);
  const Id gate = g_.inplace(g_.mul_mat(weight(Role::attn_gate), in));
  return g_.view(linear(Role::attn_output, g_.inplace(gate, normed)), {spec_.n_embd, n_tokens_, 1, 1});
}

}  // namespace willitrun::graph
