// RWKV 6 and 7: src/models/rwkv6-base.cpp, rwkv7-base.cpp and the files of the architectures built on them.
#include "graph_model.hpp"

namespace willitrun::graph {

/// Each token's predecessor: the row kept from the last batch, then all rows of this one but the last.
Id ModelGraph::after_shift(Id kept, Id x) {
  const std::uint32_t n_embd = spec_.n_embd, per_seq = n_tokens_ / n_seqs_;
  return g_.compute({n_embd, per_seq, n_seqs_, 1}, {kept, g_.view(x, {n_embd, per_seq - 1, n_seqs_, 1}, false)});
}

/// What a scan over one square matrix per head leaves: the matrices, kept for the next batch, and a row per token.
Id ModelGraph::keep_wkv(Id scan, Id cache) {
  const std::uint32_t n_embd = spec_.n_embd, head = spec_.wkv_head_size;
  const Extent states{n_embd * head * n_seqs_, 1, 1, 1};
  g_.expand(g_.store(g_.view(cache, states), {g_.view(scan, states)}));
  const Id rows = g_.view(scan, {n_embd, n_tokens_, 1, 1});
  if (!layer_->has(Role::time_mix_ln)) return rows;
  const Id normed = normalize(g_.view(rows, {head, n_embd / head, n_tokens_, 1}), false);
  const Id scaled = g_.inplace(g_.view(normed, {n_embd, n_tokens_, 1, 1}), weight(Role::time_mix_ln));
  return add(scaled, weight(layer_->bias(Role::time_mix_ln)));
}

Id ModelGraph::time_mix_6(Id x, Id before) {
  const std::uint32_t n_embd = spec_.n_embd, head = spec_.wkv_head_size, n_head = n_embd / head;
  const std::uint32_t rank = (*layer_)[Role::time_mix_w1].ne[1] / 5, n_head_kv = spec_.n_head_kv.at(il_);
  const bool gated_linear = !layer_->has(Role::time_mix_first);
  const Id step = g_.view(g_.inplace(before, x), {n_embd, n_tokens_, 1, 1});
  const Id rows = g_.view(x, {n_embd, n_tokens_, 1, 1});
  Id mixed = add(g_.inplace(step, weight(Role::time_mix_lerp_x)), rows);
  mixed = g_.view(g_.inplace(g_.mul_mat(weight(Role::time_mix_w1), mixed)), {rank, 1, n_tokens_, 5}, false);
  mixed = g_.compute({rank, 1, n_tokens_, 5}, {mixed});
  mixed = g_.mul_mat(g_.view(weight(Role::time_mix_w2), {rank, n_embd, 1, 5}), mixed);
  mixed = g_.inplace(add(mixed, weight(Role::time_mix_lerp_fused)), g_.view(step, {n_embd, 1, n_tokens_, 1}));
  mixed = add(mixed, g_.view(rows, {n_embd, 1, n_tokens_, 1}));
  const auto part = [&] { return g_.view(mixed, {n_embd, n_tokens_, 1, 1}); };
  const Id r = linear(Role::time_mix_receptance, part());
  Id k = linear(Role::time_mix_key, part()), v = linear(Role::time_mix_value, part());
  const Id gate = g_.inplace(linear(Role::time_mix_gate, part()));
  const Extent heads{head, n_head, n_tokens_, 1};
  const auto repeated = [&](Id t) {
    if (n_head_kv == 0 || n_head_kv == n_head) return t;
    return g_.compute({head, n_head / n_head_kv, n_head_kv, n_tokens_}, {g_.view(t, {head, 1, n_head_kv, n_tokens_})});
  };
  k = g_.view(repeated(k), heads);
  v = g_.view(repeated(v), heads);
  const Id low = g_.inplace(g_.mul_mat(weight(Role::time_mix_decay_w1), part()));
  Id decay = add(g_.mul_mat(weight(Role::time_mix_decay_w2), low), weight(Role::time_mix_decay));
  decay = g_.view(g_.inplace(g_.inplace(g_.inplace(decay))), heads);
  if (gated_linear) k = g_.inplace(k, g_.inplace(k, decay));
  const Id receptance = g_.view(r, heads);
  Id cache = none;
  const Id state = state_rows(n_embd * head, cache);
  const Extent scan{n_embd, n_tokens_ + head * n_seqs_, 1, 1};
  const Id out = keep_wkv(g_.compute(scan, {k, v, receptance, weight(Role::time_mix_first), decay, state}), cache);
  const Id mixed_out = g_.mul_mat(weight(Role::time_mix_output), g_.inplace(out, gate));
  return g_.view(mixed_out, {n_embd, n_tokens_ / n_seqs_, n_seqs_, 1});
}

Id ModelGraph::time_mix_7(Id x, Id before) {
  const std::uint32_t n_embd = spec_.n_embd, head = spec_.wkv_head_size, n_head = n_embd / head;
  const std::uint32_t n_mixed = (*layer_)[Role::time_mix_lerp_fused].ne[3], per_seq = n_tokens_ / n_seqs_;
  const Id steps = g_.compute({n_embd, per_seq, n_seqs_, n_mixed}, {g_.inplace(before, x)});
  const Id mixed = add(g_.inplace(steps, weight(Role::time_mix_lerp_fused)), x);
  const auto part = [&] { return g_.view(mixed, {n_embd, n_tokens_, 1, 1}); };
  const auto low_rank = [&](Role down, Role up, Id in, bool activated) {
    const Id low = g_.mul_mat(weight(down), in);
    return g_.mul_mat(weight(up), activated ? g_.inplace(low) : low);
  };
  Id r = g_.mul_mat(weight(Role::time_mix_receptance), part());
  Id decay = add(low_rank(Role::time_mix_w1, Role::time_mix_w2, part(), true), weight(Role::time_mix_w0));
  decay = g_.inplace(g_.inplace(g_.inplace(decay)));
  Id k = g_.mul_mat(weight(Role::time_mix_key), part());
  const Id value_in = part();
  Id v = g_.mul_mat(weight(Role::time_mix_value), value_in);
  if (first_value_ == none) {
    first_value_ = v;
  } else {
    const Id low = low_rank(Role::time_mix_v1, Role::time_mix_v2, value_in, false);
    const Id share = g_.inplace(add(low, weight(Role::time_mix_v0)));
    v = add(v, g_.inplace(g_.inplace(first_value_, v), share));
  }
  const Id gate = layer_->has(Role::time_mix_g1) ? low_rank(Role::time_mix_g1, Role::time_mix_g2, part(), true) : none;
  Id rate = g_.inplace(add(low_rank(Role::time_mix_a1, Role::time_mix_a2, part(), false), weight(Role::time_mix_a0)));
  const Extent heads{head, n_head, n_tokens_, 1};
  const Id removed = g_.compute(heads, {g_.view(g_.inplace(k, weight(Role::time_mix_k_k)), heads)});
  const Id scaled = g_.inplace(k, weight(Role::time_mix_k_a));
  k = g_.view(add(k, g_.inplace(g_.inplace(rate, scaled), scaled)), heads);
  r = g_.view(r, heads);
  v = g_.view(v, heads);
  rate = g_.view(rate, heads);
  Id cache = none;
  const Id state = state_rows(n_embd * head, cache);
  const Extent scan{n_embd, n_tokens_ + head * n_seqs_, 1, 1};
  const Id scanned =
      g_.compute(scan, {r, g_.view(decay, heads), k, v, g_.inplace(removed), g_.inplace(removed, rate), state});
  Id out = keep_wkv(scanned, cache);
  const Id bonus = g_.inplace(g_.inplace(k, r), g_.view(weight(Role::time_mix_r_k), {head, n_head, 1, 1}));
  const Id sums = g_.compute({1, n_head, n_tokens_, 1}, {bonus});
  out = add(out, g_.view(g_.inplace(v, sums), {n_embd, n_tokens_, 1, 1}));
  if (gate != none) out = g_.inplace(out, gate);
  return g_.view(g_.mul_mat(weight(Role::time_mix_output), out), {n_embd, per_seq, n_seqs_, 1});
}

Id ModelGraph::channel_mix(Id x, Id before) {
  const Id step = g_.inplace(before, x);
  const auto mixed = [&](Role share) { return add(g_.inplace(step, weight(share)), x); };
  const Id key_in = mixed(Role::channel_mix_lerp_k);
  const Id receptance =
      layer_->has(Role::channel_mix_receptance)
          ? g_.inplace(g_.mul_mat(weight(Role::channel_mix_receptance), mixed(Role::channel_mix_lerp_r)))
          : none;
  const Id key = g_.inplace(g_.inplace(g_.mul_mat(weight(Role::channel_mix_key), key_in)));
  const Id out = g_.mul_mat(weight(Role::channel_mix_value), key);
  return receptance == none ? out : g_.inplace(receptance, out);
}

void ModelGraph::build_rwkv_layer(Id& x, bool last) {
  const std::uint32_t n_embd = spec_.n_embd, per_seq = n_tokens_ / n_seqs_, n_kept = spec_.token_shift_count;
  const bool mixes_channels = layer_->has(Role::channel_mix_key);
  x = g_.view(x, {n_embd, per_seq, n_seqs_, 1});
  Id cache = none;
  const Id kept = g_.view(state_rows(n_kept * n_embd, cache), {n_embd, n_kept, n_seqs_, 1});
  const auto row_of = [&](Id t) { return g_.view(t, {n_embd, 1, n_seqs_, 1}, false); };
  const Id in = norm(x, Role::attn_norm);
  const Id before = after_shift(row_of(kept), in);
  const bool seventh = layer_->has(Role::time_mix_a1);
  const Id residual = add(seventh ? time_mix_7(in, before) : time_mix_6(in, before), x);
  const auto keep = [&](Id rows) {
    g_.expand(g_.store(g_.view(cache, {n_kept * n_embd * n_seqs_, 1, 1, 1}),
                       {g_.view(rows, {n_kept * n_embd * n_seqs_, 1, 1, 1})}));
  };
  const auto tokens = [&](Id t) { return keep_outputs(g_.view(t, {n_embd, n_tokens_, 1, 1}), last); };
  if (!mixes_channels) {
    keep(row_of(in));
    const Id rows = tokens(residual);
    x = add(feed_forward(norm(rows, Role::ffn_norm)), rows);
    return;
  }
  const Id ffn_in = norm(residual, Role::attn_norm_2);
  const Id ffn_before = after_shift(row_of(kept), ffn_in);
  keep(g_.compute({n_embd, 2, n_seqs_, 1}, {row_of(in), row_of(ffn_in)}));
  const Id rows = tokens(residual), ffn_rows = tokens(ffn_in), before_rows = tokens(ffn_before);
  x = add(channel_mix(ffn_rows, before_rows), rows);
}

}  // namespace willitrun::graph
