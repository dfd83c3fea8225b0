// Feed-forward part of one layer: llama-graph.cpp, build_ffn and build_moe_ffn.
#include "graph_model.hpp"

namespace willitrun::graph {

Id ModelGraph::activate(Id gate, Id up) {
  const auto thrice = [&](Id t) { return g_.inplace(g_.inplace(g_.inplace(t))); };
  if (family_.tanh_gate) return g_.inplace(g_.inplace(thrice(gate), g_.inplace(gate)), thrice(up));
  return g_.compute(g_.ne(gate), {gate, up});
}

Id ModelGraph::dense_ffn(Id x, Role up, Role gate, Role down) {
  Id hidden = none;
  if (layer_->has(gate)) {
    // The gate is the first source of the gated activation, so it runs first.
    const Id gated = linear(gate, x);
    hidden = activate(gated, linear(up, x));
  } else {
    hidden = linear(up, x);
    const std::uint32_t width = (*layer_)[down].ne[0];
    // Gate and up in one matrix: the activation halves it.
    hidden = g_.ne(hidden)[0] == 2 * width ? g_.compute({width, g_.ne(hidden)[1], 1, 1}, {hidden}) : g_.inplace(hidden);
  }
  if (layer_->has(Role::ffn_sub_norm) && down == Role::ffn_down) hidden = norm(hidden, Role::ffn_sub_norm);
  return linear(down, hidden);
}

Id ModelGraph::feed_forward(Id x, Id router_logits) {
  if (!layer_->has(Role::router)) return dense_ffn(x, Role::ffn_up, Role::ffn_gate, Role::ffn_down);
  // Experts may work at a width of their own (nemotron-h.cpp, kimi-k3.cpp).
  const bool latent = layer_->has(Role::latent_down);
  const Id in = latent ? linear(Role::latent_down, x) : x;
  const Id logits = router_logits == none ? linear(Role::router, x) : router_logits;
  Id experts = expert_ffn(in, logits);
  if (layer_->has(Role::up_chexps)) experts = add(experts, g_.inplace(expert_ffn(experts, logits, adjoining)));
  experts = norm_if(experts, Role::routed_norm);
  if (latent) experts = linear(Role::latent_up, experts);
  // grok.cpp: a dense network beside the experts.
  if (layer_->has(Role::ffn_up))
    return g_.inplace(add(dense_ffn(x, Role::ffn_up, Role::ffn_gate, Role::ffn_down), experts));
  if (!layer_->has(Role::up_shexp)) return experts;
  return add(experts, shared_expert(x));
}

Id ModelGraph::shared_expert(Id x) {
  const Id out = dense_ffn(x, Role::up_shexp, Role::gate_shexp, Role::down_shexp);
  if (!layer_->has(Role::router_shexp)) return out;
  const Id score = linear(Role::router_shexp, x);
  if (spec_.architecture == "qwen2moe") {
    // Sigmoid as silu(x) / x (qwen2moe.cpp).
    return g_.inplace(out, g_.inplace(g_.inplace(score), score));
  }
  return g_.inplace(out, g_.inplace(score));
}

/// Group-limited routing: the groups whose two best experts score highest stay, the others are masked out.
Id ModelGraph::limit_to_groups(Id selection) {
  const std::uint32_t n_group = spec_.n_expert_group, n_rows = g_.ne(selection)[1];
  const std::uint32_t per_group = g_.ne(selection)[0] / n_group;
  const Extent grouped{per_group, n_group, n_rows, 1};
  const Id groups = g_.view(selection, grouped);
  const Id best = g_.view(g_.compute(grouped, {groups}), {2, n_group, n_rows, 1}, false);
  const Id scores = g_.get_rows(g_.view(groups, {1, per_group, n_group, n_rows}), best);
  const Id sums =
      g_.view(g_.compute({1, n_group, n_rows, 1}, {g_.view(scores, {2, n_group, n_rows, 1})}), {n_group, n_rows, 1, 1});
  const Id kept =
      g_.view(g_.compute({n_group, n_rows, 1, 1}, {sums}), {spec_.n_expert_group_used, n_rows, 1, 1}, false);
  const Id filled = g_.inplace(groups);
  return g_.view(g_.store(filled, {g_.get_rows(groups, kept), kept, filled}), {per_group * n_group, n_rows, 1, 1});
}

/// The router: which experts each token gets and with what weight.
Id ModelGraph::expert_weights(Id logits, bool shared_by_group, Id& chosen) {
  const std::uint32_t n_used = spec_.n_expert_used, n_rows = g_.ne(logits)[1];
  const Id probs = family_.softmax_chosen ? logits : g_.inplace(logits);
  Id selection = family_.weigh_inputs ? logits : probs;
  const WeightShape& bias =
      layer_->has(Role::exp_probs_b) ? (*layer_)[Role::exp_probs_b] : layer_->bias(Role::exp_probs_b);
  if (bias.present()) selection = add(probs, weight(bias));
  if (family_.sigmoid_selection) selection = g_.inplace(logits);
  if (spec_.n_expert_group > 1) selection = limit_to_groups(selection);
  const std::uint32_t n_expert = g_.ne(logits)[0];
  if (layer_->has(Role::experts_of_token)) {
    chosen = g_.get_rows(weight(Role::experts_of_token), tokens_);
  } else {
    const Id sorted = g_.compute({n_expert, n_rows, 1, 1}, {selection});
    chosen = g_.view(sorted, {n_used, n_rows, 1, 1}, false, g_.at(sorted).bytes - Bytes{4} * (n_expert - n_used));
  }
  if (shared_by_group) {
    // An expert's number divided by the size of its group, as a float in between.
    const Extent ne{n_used, n_rows, 1, 1};
    chosen = g_.compute(ne, {g_.inplace(g_.compute(ne, {chosen}))});
  }
  Id weights = g_.get_rows(g_.view(probs, {1, n_expert, n_rows, 1}), chosen);
  const auto per_token = [&](Id w) { return g_.view(w, {n_used, n_rows, 1, 1}); };
  const auto per_expert = [&](Id w) { return g_.view(w, {1, n_used, n_rows, 1}); };
  if (family_.softmax_chosen) weights = per_expert(g_.inplace(per_token(weights)));
  if (family_.normalize_weights) {
    const Id rows = per_token(weights);
    const Id sum = g_.inplace(g_.compute({1, n_rows, 1, 1}, {rows}));
    weights = per_expert(g_.inplace(rows, sum));
  }
  g_.expand(weights);
  return weights;
}

Id ModelGraph::expert_ffn(Id x, Id logits, const ExpertRoles& roles) {
  const std::uint32_t n_used = spec_.n_expert_used, n_rows = g_.ne(x)[1], width = g_.ne(x)[0];
  Id chosen = none;
  const Id weights = expert_weights(logits, roles.shared_by_group, chosen);
  Id in = g_.view(x, {width, 1, n_rows, 1});
  if (family_.weigh_inputs) in = g_.inplace(g_.compute({width, n_used, n_rows, 1}, {in}), weights);
  const auto expert = [&](Role role, Id input) {
    const Id product = g_.mul_mat_id(weight(role), input, chosen);
    const Id bias = weight(layer_->bias(role));
    return bias == none ? product : g_.inplace(product, bias, chosen);
  };
  Id hidden = none;
  if (layer_->has(Role::gate_up_exps)) {
    const Id both = expert(Role::gate_up_exps, in);
    const Extent half{g_.ne(both)[0] / 2, n_used, n_rows, 1};
    hidden = g_.compute(half, {g_.view(both, half, false), g_.view(both, half, false)});
  } else if (layer_->has(roles.gate)) {
    const Id gate = expert(roles.gate, in);
    hidden = activate(gate, expert(roles.up, in));
  } else {
    hidden = g_.inplace(expert(roles.up, in));
  }
  Id out = expert(roles.down, hidden);
  if (layer_->has(Role::down_exps_scale)) {
    const std::uint32_t n_expert = g_.ne(logits)[0];
    const Id scale = g_.view(weight(Role::down_exps_scale), {1, n_expert, 1, 1});
    out = g_.inplace(out, g_.get_rows(g_.compute({1, n_expert, n_rows, 1}, {scale}), chosen));
  }
  if (!family_.weigh_inputs) out = g_.inplace(out, weights);
  g_.expand(out);
  const std::uint32_t n_embd = g_.ne(out)[0];
  std::vector<Id> parts;
  for (std::uint32_t i = 0; i < n_used; ++i) {
    parts.push_back(g_.view(out, {n_embd, n_rows, 1, 1}, false, g_.at(out).bytes - Bytes{4} * n_embd * (n_used - 1)));
    g_.expand(parts.back());
  }
  Id sum = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) {
    sum = g_.inplace(sum, parts[i]);
    g_.expand(sum);
  }
  return n_used == 1 ? g_.compute({n_embd, n_rows, 1, 1}, {sum}) : sum;
}

}  // namespace willitrun::graph
