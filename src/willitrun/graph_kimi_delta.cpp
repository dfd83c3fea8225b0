// Gated delta attention with three convolutions: src/models/kimi-linear.cpp, bailingmoe3.cpp.
#include "graph_model.hpp"

namespace willitrun::graph {

Id ModelGraph::kimi_delta(Id x) {
  const std::uint32_t dim = spec_.head_dim_kda, n_head = spec_.n_head.max(), d_inner = dim * n_head;
  const std::uint32_t d_conv = spec_.ssm_d_conv, per_seq = n_tokens_ / n_seqs_, state_size = dim * d_inner;
  const Extent heads{dim, n_head, per_seq, n_seqs_};
  const bool full_decay = !layer_->has(Role::ssm_f_b);  // Ling 3's decay is one matrix, and a sigmoid
  if (!full_decay) g_.expand(x);
  Id conv_cache = none, cache = none;
  const Id conv_state = state_rows(3 * (d_conv - 1) * d_inner, conv_cache);
  const auto joined = [&](Role projection) {
    const Id columns = g_.view(g_.mul_mat(weight(projection), x), {per_seq, d_inner, n_seqs_, 1}, false);
    return convolve(columns, d_inner, d_conv, conv_cache, conv_state);
  };
  const Id q_in = joined(Role::attn_q), k_in = joined(Role::attn_k), v_in = joined(Role::attn_v);
  const Id state = state_rows(state_size, cache);
  const auto convolved = [&](Id in, Role kernel) {
    const Id taps = g_.view(weight(kernel), {d_conv, d_inner, 1, 1});
    const Id out = g_.compute({d_inner, per_seq, n_seqs_, 1}, {in, taps});
    return g_.view(g_.inplace(g_.view(out, {d_inner, n_tokens_, 1, 1})), heads);
  };
  const auto scaled = [&](Id t) { return g_.inplace(g_.inplace(t)); };
  const Id q = scaled(convolved(q_in, Role::ssm_conv_q)), k = scaled(convolved(k_in, Role::ssm_conv_k));
  const Id v = convolved(v_in, Role::ssm_conv_v);
  const auto low_rank = [&](Role a, Role b) {
    const Id first = g_.mul_mat(weight(a), x);
    return layer_->has(b) ? g_.mul_mat(weight(b), first) : first;
  };
  Id decay = add(low_rank(Role::ssm_f_a, Role::ssm_f_b), weight(layer_->bias(Role::ssm_dt)));
  if (!full_decay) decay = g_.inplace(decay);
  Id decay_of_heads =
      g_.inplace(g_.view(decay, {dim, n_head, n_tokens_, 1}), g_.view(weight(Role::ssm_a), {1, n_head, 1, 1}));
  if (full_decay) decay_of_heads = g_.inplace(g_.inplace(decay_of_heads));
  const Id beta = g_.inplace(g_.view(g_.mul_mat(weight(Role::ssm_beta), x), {1, n_head, per_seq, n_seqs_}));
  const Id y = g_.compute({d_inner, n_tokens_ + dim * n_seqs_, 1, 1},
                          {q, k, v, g_.view(decay_of_heads, heads), beta, g_.view(state, {dim, dim, n_head, n_seqs_})});
  g_.expand(g_.store(g_.view(cache, {state_size, n_seqs_, 1, 1}), {g_.view(y, {dim, dim, n_head, n_seqs_})}));
  const Extent tokens{dim, n_head, n_tokens_, 1};
  const Id normed = norm(g_.view(g_.compute(heads, {g_.view(y, heads)}), tokens), Role::ssm_norm);
  // Kimi K3's gate is one matrix.
  const Id product = layer_->has(Role::ssm_g) ? g_.mul_mat(weight(Role::ssm_g), g_.view(x, g_.ne(x)))
                                              : low_rank(Role::ssm_g_a, Role::ssm_g_b);
  const Id gate = g_.inplace(g_.view(product, tokens));
  const Id gated = g_.compute({d_inner, n_tokens_, 1, 1}, {g_.inplace(normed, gate)});
  return g_.mul_mat(weight(Role::attn_output), gated);
}

}  // namespace willitrun::graph
