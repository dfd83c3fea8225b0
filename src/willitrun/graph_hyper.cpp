// Hyper-connections: parallel residual streams of which every part reads a mixture and to which it adds shares
// (src/models/hy-v4.cpp).
#include "graph_model.hpp"

namespace willitrun::graph {

/// One of the streams: its rows lie apart, and a copy for another device spans what lies between.
Id ModelGraph::one_stream(Id streams) {
  const Extent ne = g_.ne(streams);
  return g_.view(streams, {ne[0], ne[2], 1, 1}, false, g_.at(streams).bytes - Bytes{4} * (ne[1] - 1) * ne[0]);
}

/// What each stream weighs, by token: a sigmoid of the mixing coefficients, scaled and shifted.
Id ModelGraph::stream_shares(Id mixes, const StreamWeights& weights, bool scaled_again) {
  const std::uint32_t n = spec_.n_hyper_connection, n_rows = g_.ne(mixes)[1];
  const bool alone = g_.ne(mixes)[0] == n;
  Id share = alone ? mixes : g_.slice(mixes, {n, n_rows, 1, 1}, n);
  share = g_.inplace(share, alone ? weights.scale : g_.view(weights.scale, {1, 1, 1, 1}));
  share = g_.inplace(share, alone ? weights.base : g_.view(weights.base, {n, 1, 1, 1}));
  share = g_.inplace(g_.inplace(share));
  return scaled_again ? g_.inplace(share) : share;
}

Id ModelGraph::reduce_streams(Id streams, Id shares) {
  const std::uint32_t n = spec_.n_hyper_connection, n_rows = g_.ne(streams)[2];
  const Extent row{spec_.n_embd, n_rows, 1, 1};
  const Id copy = g_.compute(g_.ne(streams), {streams});
  Id sum = none;
  for (std::uint32_t i = 0; i < n; ++i) {
    const Id part = g_.inplace(one_stream(copy), g_.slice(shares, {1, n_rows, 1, 1}, 1));
    sum = sum == none ? part : add(sum, part);
  }
  return g_.compute(row, {sum});
}

/// The mixture that a part reads, and the shares of its output that the streams get after it.
Id ModelGraph::enter_streams(Id streams, const StreamWeights& weights, Id& after) {
  const std::uint32_t n = spec_.n_hyper_connection;
  const Id flat_rows = g_.view(streams, {n * spec_.n_embd, n_tokens_, 1, 1});
  const Id mixes = g_.mul_mat(weights.fn, normalize(flat_rows, true));
  const Id before = stream_shares(mixes, weights, false);
  after = stream_shares(mixes, weights, true);
  return reduce_streams(streams, before);
}

Id ModelGraph::leave_streams(Id x, Id streams, Id shares) {
  const std::uint32_t n = spec_.n_hyper_connection;
  const auto copy = [&](Id t) { return g_.compute(g_.ne(t), {t}); };
  const Id rows = copy(x), share = copy(shares), before = copy(streams);
  Id out = none;
  for (std::uint32_t i = 0; i < n; ++i) {
    const Id part = g_.inplace(rows, g_.slice(share, {1, n_tokens_, 1, 1}, 1));
    const Id sum = g_.view(add(one_stream(before), part), {spec_.n_embd, 1, n_tokens_, 1});
    out = out == none ? sum : g_.compute({spec_.n_embd, i + 1, n_tokens_, 1}, {out, sum});
  }
  return copy(out);
}

/// The rows asked for, of all streams, as one.
Id ModelGraph::merge_hyper_streams(Id streams) {
  const std::uint32_t n = spec_.n_hyper_connection;
  const Id rows = g_.get_rows(g_.view(streams, {n * spec_.n_embd, n_tokens_, 1, 1}), out_ids());
  const Id kept = g_.view(rows, {spec_.n_embd, n, n_outputs_, 1});
  const StreamWeights weights{global(Role::output_hc_fn), global(Role::output_hc_base), global(Role::output_hc_scale)};
  const Id mixes = g_.mul_mat(weights.fn, normalize(g_.view(kept, {n * spec_.n_embd, n_outputs_, 1, 1}), true));
  const Id shares = stream_shares(mixes, weights, false);
  return family_.mixed_streams ? reduce_mixed_streams(kept, shares) : reduce_streams(kept, shares);
}

void ModelGraph::build_hyper_layer(Id& streams) {
  const auto weights = [&](Role fn, Role base, Role scale) {
    return StreamWeights{weight(fn), weight(base), weight(scale)};
  };
  Id after = none;
  Id in = enter_streams(streams, weights(Role::hc_attn_fn, Role::hc_attn_base, Role::hc_attn_scale), after);
  streams = leave_streams(attention(norm(in, Role::attn_norm)), streams, after);
  in = enter_streams(streams, weights(Role::hc_ffn_fn, Role::hc_ffn_base, Role::hc_ffn_scale), after);
  streams = leave_streams(feed_forward(norm(in, Role::ffn_norm)), streams, after);
}

}  // namespace willitrun::graph
