// Recurrent layers: src/models/mamba-base.cpp, lfm2.cpp, delta-net-base.cpp, and llama-graph.cpp, build_rs.
#include "graph_model.hpp"

namespace willitrun::graph {

Id ModelGraph::recurrent(Id x) {
  if (is_lightning()) return lightning_attention(x);
  if (layer_->has(Role::shortconv_in)) return short_convolution(x);
  if (layer_->has(Role::ssm_f_a)) return kimi_delta(x);
  if (layer_->has(Role::ssm_x)) return (*layer_)[Role::ssm_a].ne[1] == 1 ? plamo2_mamba(x) : mamba(x);
  if (layer_->has(Role::ssm_in)) return mamba2(x);
  if (layer_->has(Role::ssm_conv)) return delta_net(x);
  return none;
}

Id ModelGraph::state_copy() {
  if (state_copy_ == none) {
    state_copy_ = g_.input({n_seqs_, 1, 1, 1}, 4);
  }
  return state_copy_;
}

namespace {

Id cleared(Graph& g, Id cache, std::uint32_t width) {
  const Id one = g.view(cache, {width, 1, 1, 1});
  g.expand(g.store(one, {one}));
  return cache;
}

}  // namespace

/// The rows of a state cache that this batch's sequences use, gathered out of it.
Id ModelGraph::state_rows(std::uint32_t width, Id& cache) {
  cache = g_.state(Bytes{4} * width * n_seqs_, cache_backend());
  cleared(g_, cache, width);
  const Id rows = g_.get_rows(g_.view(cache, {width, n_seqs_, 1, 1}), state_copy());
  g_.expand(rows);
  const Id unused = g_.view(rows, {width, 0, 1, 1});
  g_.expand(g_.store(g_.view(cache, {width, 0, 1, 1}), {unused}));
  return g_.view(rows, {width, n_seqs_, 1, 1});
}

/// Joins the kept columns with the new ones, keeps the last for the next batch, and convolves.
Id ModelGraph::convolve(Id x_columns, std::uint32_t width, std::uint32_t d_conv, Id cache, Id state) {
  const std::uint32_t per_seq = n_tokens_ / n_seqs_;
  const Id kept = g_.view(state, {d_conv - 1, width, n_seqs_, 1});
  const Id joined = g_.compute({d_conv - 1 + per_seq, width, n_seqs_, 1}, {kept, x_columns});
  const Id last = g_.view(joined, {d_conv - 1, width, n_seqs_, 1}, false, g_.at(joined).bytes - Bytes{4} * per_seq);
  g_.expand(g_.store(g_.view(cache, {(d_conv - 1) * width, n_seqs_, 1, 1}), {last}));
  return joined;
}

Id ModelGraph::short_convolution(Id x) {
  const std::uint32_t n_embd = spec_.n_embd, d_conv = spec_.shortconv_l_cache, per_seq = n_tokens_ / n_seqs_;
  Id cache = none;
  const Id state = state_rows(n_embd * (d_conv - 1), cache);
  const Id all = g_.mul_mat(weight(Role::shortconv_in), x);
  const auto part = [&] { return g_.slice(all, {n_embd, per_seq, n_seqs_, 1}, n_embd); };
  const Id columns = g_.view(g_.inplace(part(), part()), {per_seq, n_embd, n_seqs_, 1}, false);
  const Id joined = convolve(columns, n_embd, d_conv, cache, state);
  const Id conv = g_.compute({n_embd, per_seq, n_seqs_, 1}, {joined, weight(Role::shortconv_conv)});
  const Id gated = g_.inplace(part(), conv);
  return g_.view(g_.mul_mat(weight(Role::shortconv_out), g_.view(gated, {n_embd, n_tokens_, 1, 1})),
                 {n_embd, n_tokens_, 1, 1});
}

/// State-space scan: an output per token and channel, then the states it leaves, which are kept for the next batch.
Id ModelGraph::scan(const Extent& state, Id x, Id dt, Id b, Id c) {
  const std::uint32_t d_inner = state[1] * state[2], size = state[0] * d_inner;
  const Id cache = g_.state(Bytes{4} * size * n_seqs_, cache_backend());
  cleared(g_, cache, size);
  const Id states = g_.view(cache, {size, n_seqs_, 1, 1});
  if (state_copy_main_ == none) {
    state_copy_main_ = g_.view(state_copy(), {n_seqs_, 1, 1, 1});
    state_copy_extra_ = g_.view(state_copy(), {n_seqs_ - 1, 1, 1, 1});
  }
  const Id y = g_.compute({d_inner * n_tokens_ + size * n_seqs_, 1, 1, 1},
                          {g_.view(states, state), x, dt, weight(Role::ssm_a), b, c, state_copy_main_});
  g_.expand(y);
  const Id extra = g_.get_rows(states, state_copy_extra_);
  g_.expand(g_.store(g_.view(cache, {size, 0, 1, 1}), {g_.view(extra, {size, 0, 1, 1})}));
  g_.expand(g_.store(g_.view(cache, {size, n_seqs_, 1, 1}), {g_.view(y, {size, n_seqs_, 1, 1})}));
  return y;
}

Id ModelGraph::mamba2(Id x) {
  const std::uint32_t d_inner = spec_.ssm_d_inner, d_state = spec_.ssm_d_state, n_head = spec_.ssm_dt_rank;
  const std::uint32_t n_group = spec_.ssm_n_group, width = d_inner + 2 * n_group * d_state, dim = d_inner / n_head;
  const std::uint32_t per_seq = n_tokens_ / n_seqs_;
  Id conv_cache = none;
  const Id conv_state = state_rows((spec_.ssm_d_conv - 1) * width, conv_cache);
  const Id all = g_.mul_mat(weight(Role::ssm_in), x);
  const auto part = [&](std::uint32_t elements, const Extent& ne) { return g_.slice(all, ne, elements); };
  const Id columns = g_.view(part(width, {width, per_seq, n_seqs_, 1}), {per_seq, width, n_seqs_, 1}, false);
  const Id joined = convolve(columns, width, spec_.ssm_d_conv, conv_cache, conv_state);
  Id conv = g_.compute({width, per_seq, n_seqs_, 1}, {joined, weight(Role::ssm_conv)});
  if (layer_->bias(Role::ssm_conv).present()) conv = add(conv, weight(layer_->bias(Role::ssm_conv)));
  conv = g_.inplace(conv);
  const auto conv_part = [&](std::uint32_t n, std::uint32_t size) {
    return g_.slice(conv, {size, n, per_seq, n_seqs_}, n * size);
  };
  const Id xs = conv_part(n_head, dim);
  const Id dt = add(g_.compute({n_head, per_seq, n_seqs_, 1}, {part(n_head, {n_head, per_seq, n_seqs_, 1})}),
                    weight(layer_->bias(Role::ssm_dt)));
  const Id b = conv_part(n_group, d_state), c = conv_part(n_group, d_state);
  const Id y = scan({d_state, dim, n_head, n_seqs_}, xs, dt, b, c);
  const Extent head{dim, n_head, per_seq, n_seqs_};
  const Id z = g_.compute(head, {part(d_inner, head)});
  const Id sum = add(g_.view(y, head), g_.inplace(xs, weight(Role::ssm_d)));
  Id out = g_.compute(head, {z, sum});
  if (layer_->has(Role::ssm_norm)) {
    out = norm(g_.view(out, {d_inner / n_group, n_group, per_seq, n_seqs_}), Role::ssm_norm);
  }
  return g_.mul_mat(weight(Role::ssm_out), g_.view(out, {d_inner, n_tokens_, 1, 1}));
}

Id ModelGraph::mamba(Id x) {
  const std::uint32_t d_inner = spec_.ssm_d_inner, d_state = spec_.ssm_d_state, rank = spec_.ssm_dt_rank;
  const std::uint32_t per_seq = n_tokens_ / n_seqs_;
  Id conv_cache = none;
  const Id conv_state = state_rows((spec_.ssm_d_conv - 1) * d_inner, conv_cache);
  const Id all = g_.mul_mat(weight(Role::ssm_in), x);
  const auto half = [&] { return g_.slice(all, {d_inner, per_seq, n_seqs_, 1}, d_inner); };
  const Id joined = convolve(g_.view(half(), {per_seq, d_inner, n_seqs_, 1}, false), d_inner, spec_.ssm_d_conv,
                             conv_cache, conv_state);
  Id conv = g_.compute({d_inner, per_seq, n_seqs_, 1}, {joined, weight(Role::ssm_conv)});
  conv = g_.inplace(add(conv, weight(layer_->bias(Role::ssm_conv))));
  const Id db = g_.mul_mat(weight(Role::ssm_x), conv);
  const auto part = [&](std::uint32_t n) { return g_.slice(db, {n, per_seq, n_seqs_, 1}, n); };
  const bool normed = layer_->has(Role::ssm_dt_norm);
  const auto dt_in =
      normed ? norm(part(rank), Role::ssm_dt_norm) : g_.compute({rank, per_seq, n_seqs_, 1}, {part(rank)});
  const Id b = normed ? norm(part(d_state), Role::ssm_b_norm) : part(d_state);
  const Id c = normed ? norm(part(d_state), Role::ssm_c_norm) : part(d_state);
  const Id dt = linear(Role::ssm_dt, dt_in);
  const Id y = scan({d_state, 1, d_inner, n_seqs_}, g_.view(conv, {1, d_inner, per_seq, n_seqs_}), dt, b, c);
  const Extent row{d_inner, per_seq, n_seqs_, 1};
  const Id z = g_.compute(row, {half()});
  const Id sum = add(g_.view(y, row), g_.inplace(conv, weight(Role::ssm_d)));
  const Id out = g_.mul_mat(weight(Role::ssm_out), g_.compute(row, {z, sum}));
  return g_.view(out, {spec_.n_embd, n_tokens_, 1, 1});
}

/// One decay per head, as in Mamba 2, with steps and scan inputs projected from what was convolved (plamo2.cpp).
Id ModelGraph::plamo2_mamba(Id x) {
  const std::uint32_t d_inner = spec_.ssm_d_inner, d_state = spec_.ssm_d_state, n_head = spec_.ssm_dt_rank;
  const std::uint32_t dim = d_inner / n_head, per_seq = n_tokens_ / n_seqs_;
  Id conv_cache = none;
  const Id conv_state = state_rows((spec_.ssm_d_conv - 1) * d_inner, conv_cache);
  const Id both = g_.mul_mat(weight(Role::ssm_in), g_.view(x, {spec_.n_embd, per_seq, n_seqs_, 1}));
  const Extent head{dim, n_head, per_seq, n_seqs_};
  const Id by_head = g_.compute({2 * dim, n_head, per_seq, n_seqs_}, {g_.view(both, g_.ne(both), false)});
  const Id columns = g_.compute({d_inner, per_seq, n_seqs_, 1}, {g_.slice(by_head, head, dim)});
  const Id gate = g_.slice(by_head, head, dim);
  const Id joined = convolve(g_.view(columns, {per_seq, d_inner, n_seqs_, 1}, false), d_inner, spec_.ssm_d_conv,
                             conv_cache, conv_state);
  const Id conv = g_.inplace(g_.compute({d_inner, per_seq, n_seqs_, 1}, {joined, weight(Role::ssm_conv)}));
  const Id projected = g_.mul_mat(weight(Role::ssm_x), conv);
  const auto part = [&](std::uint32_t n) { return g_.slice(projected, {n, per_seq, n_seqs_, 1}, n); };
  const Id b = norm(part(d_state), Role::ssm_b_norm), c = norm(part(d_state), Role::ssm_c_norm);
  const Id dt = linear(Role::ssm_dt, norm(part((*layer_)[Role::ssm_dt].ne[0]), Role::ssm_dt_norm));
  const Id xs = g_.view(conv, head);
  const Id y = scan({d_state, dim, n_head, n_seqs_}, xs, dt, b, c);
  const Id sum = add(g_.view(y, head), g_.inplace(xs, weight(Role::ssm_d)));
  const Id gated = g_.compute(head, {g_.compute(head, {gate}), sum});
  const Id out = g_.mul_mat(weight(Role::ssm_out), g_.view(gated, {d_inner, per_seq, n_seqs_, 1}));
  return g_.view(out, {spec_.n_embd, n_tokens_, 1, 1});
}

/// Gated delta net (qwen35.cpp, qwen3next.cpp).
Id ModelGraph::delta_net(Id x) {
  const std::uint32_t dim = spec_.ssm_d_state, n_key = spec_.ssm_n_group, n_value = spec_.ssm_dt_rank;
  const std::uint32_t d_inner = spec_.ssm_d_inner, width = d_inner + 2 * n_key * dim, per_seq = n_tokens_ / n_seqs_;
  const std::uint32_t state_size = dim * d_inner;
  Id conv_cache = none, cache = none;
  g_.expand(x);
  const Id conv_state = state_rows((spec_.ssm_d_conv - 1) * width, conv_cache);
  const Id mixed = g_.mul_mat(weight(Role::attn_qkv), x);
  const Id joined =
      convolve(g_.view(mixed, {per_seq, width, n_seqs_, 1}, false), width, spec_.ssm_d_conv, conv_cache, conv_state);
  const Id state = state_rows(state_size, cache);
  const Id conv = g_.inplace(g_.compute({width, per_seq, n_seqs_, 1}, {joined, weight(Role::ssm_conv)}));
  const bool repeats = spec_.architecture == "qwen3next" && n_key != n_value;
  const auto key = [&] {
    Id k = g_.inplace(g_.inplace(g_.slice(conv, {dim, n_key, per_seq, n_seqs_}, dim * n_key)));
    if (!repeats) return k;
    k = g_.compute({dim, n_value / n_key, n_key, n_tokens_}, {g_.view(k, {dim, 1, n_key, n_tokens_})});
    return g_.view(k, {dim, n_value, per_seq, n_seqs_});
  };
  const Id q = key(), k = key();
  const Id v = g_.slice(conv, {dim, n_value, per_seq, n_seqs_}, d_inner);
  Id decay = none, beta = none;
  if (layer_->has(Role::ssm_ba)) {
    const Id ba = g_.mul_mat(weight(Role::ssm_ba), x);
    const auto half = [&] { return g_.view(ba, {n_value / n_key, n_key, per_seq, n_seqs_}, false); };
    decay = g_.compute({n_value, per_seq, n_seqs_, 1}, {half()});
    beta = g_.inplace(half());
  } else {
    decay = g_.view(g_.mul_mat(weight(Role::ssm_alpha), x), {n_value, per_seq, n_seqs_, 1});
    beta = g_.inplace(g_.view(g_.mul_mat(weight(Role::ssm_beta), x), {1, n_value, per_seq, n_seqs_}));
  }
  decay = g_.inplace(g_.inplace(add(decay, weight(layer_->bias(Role::ssm_dt)))), weight(Role::ssm_a));
  const Id y =
      g_.compute({d_inner, n_tokens_ + dim * n_seqs_, 1, 1},
                 {q, k, v, g_.view(decay, {1, n_value, per_seq, n_seqs_}),
                  g_.view(beta, {1, n_value, per_seq, n_seqs_}), g_.view(state, {dim, dim, n_value, n_seqs_})});
  g_.expand(g_.store(g_.view(cache, {state_size, n_seqs_, 1, 1}), {g_.view(y, {dim, dim, n_value, n_seqs_})}));
  const Id normed = norm(g_.view(y, {dim, n_value, n_tokens_, 1}), Role::ssm_norm);
  const Id z = g_.inplace(g_.view(g_.mul_mat(weight(Role::attn_gate), x), {dim, n_value, n_tokens_, 1}));
  const Id out = g_.view(g_.inplace(normed, z), {d_inner, n_tokens_, 1, 1});
  return g_.view(g_.mul_mat(weight(Role::ssm_out), out), {spec_.n_embd, n_tokens_, 1, 1});
}

}  // namespace willitrun::graph
