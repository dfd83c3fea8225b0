#include "graph_model.hpp"

#include <algorithm>

namespace willitrun::graph {

ModelGraph::ModelGraph(const ModelView& view)
    : spec_(view.spec),
      tensors_(view.tensors),
      params_(view.params),
      context_(view.context),
      split_(view.split),
      family_(family_of(view.spec.architecture)),
      flash_attn_(view.flash_attn),
      values_by_cell_(view.params.flash_attn && family_.flash_attention),
      n_tokens_(std::min(view.context.n_ctx, view.context.n_ubatch)),
      n_outputs_(std::min(n_tokens_, view.context.n_outputs)),
      n_seqs_(std::max(1U, view.params.n_seq_max)) {
  // llama-context.cpp, graph_reserve: the batch is a whole number of equal sequences.
  n_tokens_ = static_cast<std::uint32_t>(round_up(n_tokens_, n_seqs_));
  // What is pooled is every token's.
  if (encodes()) n_outputs_ = n_tokens_;
  rope_factors_of_device_.assign(split_.n_device + 1, none);
}

Id ModelGraph::weight(const WeightShape& shape) {
  if (!shape.present()) return none;
  const auto host = static_cast<std::int32_t>(split_.n_device);
  const bool on_host = device_ < 0 || (shape.routed_expert && split_.experts_host(il_));
  return g_.weight(shape.ne, shape.bytes, shape.device_bytes, on_host ? host : device_);
}

/// A tensor outside the layers: input tables stay in host memory, the rest goes with the first layer or the output
/// (llama-model.cpp, LLM_TENSOR_INFOS).
Id ModelGraph::global(Role role) {
  const WeightShape& shape = tensors_.global[role];
  return global(shape, shape.place);
}

Id ModelGraph::global(const WeightShape& shape, TensorPlace place) {
  if (!shape.present()) return none;
  const std::int32_t device = place == TensorPlace::input    ? -1
                              : place == TensorPlace::output ? split_.layer_device.back()
                                                             : split_.layer_device.front();
  const auto host = static_cast<std::int32_t>(split_.n_device);
  return g_.weight(shape.ne, shape.bytes, shape.device_bytes, device < 0 ? host : device);
}

Id ModelGraph::linear(Role role, Id x) {
  const Id product = g_.mul_mat(weight(role), x);
  const Id bias = weight(layer_->bias(role));
  return bias == none ? product : add(product, bias);
}

/// RMS norm may run in place, LayerNorm may not (ggml-alloc.c, ggml_op_can_inplace).
Id ModelGraph::normalize(Id x, bool rms) { return rms ? g_.inplace(x) : g_.compute(g_.ne(x), {x}); }

Id ModelGraph::norm(Id x, Role role) {
  const WeightShape& bias = layer_->bias(role);
  const Id scaled = g_.inplace(normalize(x, !bias.present() && !family_.layer_norm), weight(role));
  return bias.present() ? add(scaled, weight(bias)) : scaled;
}

Id ModelGraph::flat(Id x) {
  const Extent ne = g_.ne(x);
  return g_.view(x, {ne[0] * ne[1], ne[2] * ne[3], 1, 1});
}

Id ModelGraph::out_ids() {
  if (out_ids_ == none) out_ids_ = g_.input({n_outputs_, 1, 1, 1}, 4);
  return out_ids_;
}

void ModelGraph::enter(std::uint32_t il) {
  il_ = il;
  device_ = split_.layer_device[il];
  layer_ = &tensors_.layers[il];
}

/// Three ways to feed a batch share one graph: tokens, embeddings, and a mix of both. The unused ones still get memory
/// (llama-graph.cpp, build_inp_embd, ggml_build_forward_select).
Id ModelGraph::token_embedding() {
  const Id tokens = tokens_ = g_.input({n_tokens_, 1, 1, 1}, 4);
  const Id vectors = g_.input({spec_.n_embd, n_tokens_, 1, 1}, 4);
  embd_table_ = global(Role::token_embd);
  const Id embedded = g_.get_rows(embd_table_, tokens);
  g_.expand(embedded);
  g_.expand(vectors);
  if (family_.unmixed_input) return embedded;
  const Id mixed_tokens = g_.input({n_tokens_, 1, 1, 1}, 4);
  const Id mixed_vectors = g_.input({spec_.n_embd, n_tokens_, 1, 1}, 4);
  const Id slots = g_.input({n_tokens_, 1, 1, 1}, 8);
  const Id mixed = g_.compute({spec_.n_embd, n_tokens_, 1, 1}, {mixed_vectors});
  g_.expand(g_.store(mixed, {g_.get_rows(embd_table_, mixed_tokens), slots, mixed}));
  return embedded;
}

Graph ModelGraph::build(const std::vector<std::uint32_t>& layers) {
  enter(0);
  Id x = none;
  const bool scaled = tensors_.layers[0].has(Role::layer_out_scale);
  const Id rows = scaled && spec_.n_embd_per_layer > 0 ? per_layer_rows() : none;
  if (tensors_.global.has(Role::token_types)) {
    // bert.cpp: position first, then token, then type.
    const Id place =
        tensors_.global.has(Role::position_embd) ? g_.get_rows(global(Role::position_embd), positions()) : none;
    if (place != none) g_.expand(place);
    const Id types = g_.view(global(Role::token_types), {spec_.n_embd, 1, 1, 1});
    x = add(token_embedding(), types);
    if (place != none) x = add(place, x);
  } else {
    x = token_embedding();
    if (tensors_.global.has(Role::position_embd)) x = add(x, g_.get_rows(global(Role::position_embd), positions()));
  }
  if (family_.scaled_input) x = g_.inplace(x, g_.input({1, n_tokens_, 1, 1}, 4));
  const bool norm_is_for_output = spec_.causal && !tensors_.global.has(Role::output_norm);  // lfm2.cpp
  if (tensors_.global.has(Role::token_embd_norm) && !norm_is_for_output) {
    const WeightShape& bias = tensors_.global.bias(Role::token_embd_norm);
    x = g_.inplace(normalize(x, !bias.present() && !family_.layer_norm), global(Role::token_embd_norm));
    if (bias.present()) x = add(x, global(bias, bias.place));
  }
  if (spec_.n_altup > 1) {
    const Id per_layer = per_layer_inputs(x);
    Id streams = stack_streams(x);
    for (const std::uint32_t il : layers) {
      enter(il);
      build_stream_layer(streams, per_layer, il == layers.back());
    }
    x = g_.get_rows(merge_streams(streams), out_ids());
  } else {
    const Id per_layer = rows == none ? none : project_per_layer(x, rows);
    if (family_.hyper_connections)
      x = g_.compute({spec_.n_embd, spec_.n_hyper_connection, n_tokens_, 1},
                     {g_.view(x, {spec_.n_embd, 1, n_tokens_, 1})});
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const std::uint32_t il = layers[i];
      enter(il);
      n_skipped_ = i + 1 < layers.size() ? layers[i + 1] - il - 1 : 0;
      if (family_.residual_period != 0)
        build_banked_layer(x);
      else if (family_.mixed_streams)
        build_mixed_layer(x);
      else if (family_.hyper_connections)
        build_hyper_layer(x);
      else if (layer_->has(Role::time_mix_key))
        build_rwkv_layer(x, il == layers.back());
      else if (scaled)
        build_scaled_layer(x, per_layer, il == layers.back());
      else
        build_layer(x, il == layers.back());
    }
  }
  if (family_.residual_period != 0) x = g_.get_rows(mix_banked(x, global(Role::output_res_score)), out_ids());
  if (family_.hyper_connections) x = merge_hyper_streams(x);
  finish(x);
  return std::move(g_);
}

void ModelGraph::build_layer(Id& x, bool last) {
  const bool pick = last && !family_.every_row;
  Id router_logits = family_.early_router ? linear(Role::router, x) : none;
  const auto normed_input = [&](Role role) { return family_.bare_norms ? normalize(x, false) : norm_if(x, role); };
  const bool second_norm =
      layer_->has(Role::attn_norm_2) && !is_lightning();  // falcon.cpp: attention has a norm of its own
  const Id in = normed_input(second_norm ? Role::attn_norm_2 : Role::attn_norm);
  const bool has_ffn = layer_->has(Role::ffn_up) || layer_->has(Role::router);
  const bool has_attention = layer_->has(Role::attn_output) && !is_lightning() && spec_.n_head_kv.at(il_) != 0;
  Id mixed = none;
  if (has_attention) mixed = attention(in);
  // falcon-h1.cpp: both side by side, each behind its own norm of the same input.
  if (const Id other = recurrent(mixed == none ? in : norm_if(x, Role::attn_norm)); other != none) {
    mixed = mixed == none ? other : add(mixed, other);
  }
  const bool norms_apart = family_.parallel_norms && !spec_.serial_residual;
  const bool parallel = norms_apart || (has_ffn && layer_->has(Role::attn_norm) && !layer_->has(Role::ffn_norm) &&
                                        !layer_->has(Role::attn_post_norm));
  if (parallel && mixed != none) {
    // command-r.cpp, phi2.cpp, falcon.cpp: attention and feed-forward read the same norm.
    Id ffn_in = norms_apart ? none : keep_outputs(second_norm ? norm(x, Role::attn_norm) : in, pick);
    mixed = keep_outputs(mixed, pick);
    const Id residual = keep_outputs(x, pick);
    if (norms_apart) ffn_in = norm(residual, Role::ffn_norm);
    const Id ffn = feed_forward(ffn_in);
    switch (family_.parallel_sum) {
      case ParallelSum::ffn_residual_mixer: x = add(add(ffn, residual), mixed); break;
      case ParallelSum::mixer_ffn_residual: x = add(add(mixed, ffn), residual); break;
      case ParallelSum::ffn_mixer_residual: x = add(add(ffn, mixed), residual); break;
    }
    return;
  }
  Id residual = x, entered = x;
  if (mixed != none) {
    mixed = keep_outputs(mixed, pick);
    entered = keep_outputs(family_.scaled_norm_residual ? in : x, pick);
    residual = family_.scaled_norm_residual ? g_.inplace(entered) : entered;
    if (router_logits != none) router_logits = keep_outputs(router_logits, pick);
    const bool post_norm =
        layer_->has(Role::attn_post_norm) && (layer_->has(Role::ffn_norm) || !layer_->has(Role::attn_norm));
    if (post_norm) mixed = norm(mixed, Role::attn_post_norm);
    residual = family_.residual_first ? add(residual, mixed) : add(mixed, residual);
    if (layer_->has(Role::attn_out_norm)) residual = norm(residual, Role::attn_out_norm);
  }
  x = residual;
  if (!has_ffn) return;
  Id ffn_in = mixed == none ? in : residual;
  if (mixed != none) {
    if (family_.bare_norms)
      ffn_in = normalize(residual, false);
    else if (layer_->has(Role::ffn_norm))
      ffn_in = norm(residual, Role::ffn_norm);
    else if (layer_->has(Role::attn_norm))
      ffn_in = norm_if(residual, Role::attn_post_norm);
  } else {
    residual = keep_outputs(x, pick);
    ffn_in = keep_outputs(ffn_in, pick);
  }
  if (layer_->has(Role::ffn_norm_exps)) {
    // arctic.cpp: experts beside both attention and a dense network.
    residual = add(dense_ffn(ffn_in, Role::ffn_up, Role::ffn_gate, Role::ffn_down), residual);
    const Id experts_in = norm(entered, Role::ffn_norm_exps);
    x = add(expert_ffn(experts_in, linear(Role::router, experts_in)), residual);
    return;
  }
  const Id out = norm_if(feed_forward(ffn_in, router_logits), Role::ffn_post_norm);
  if (family_.scaled_norm_residual) residual = g_.inplace(ffn_in);
  x = family_.ffn_residual_first ? add(residual, out) : add(out, residual);
  if (layer_->has(Role::layer_out_norm)) x = norm(x, Role::layer_out_norm);
}

void ModelGraph::finish(Id x) {
  if (encodes() && !tensors_.global.has(Role::output_norm)) return pool(x);
  // LFM2's output norm is called token_embd_norm.
  const Role role = tensors_.global.has(Role::output_norm) ? Role::output_norm : Role::token_embd_norm;
  const WeightShape& bias = tensors_.global.bias(role);
  Id normed = normalize(x, !bias.present() && !family_.layer_norm);
  if (tensors_.global.has(role)) normed = g_.inplace(normed, global(role));
  if (bias.present()) normed = add(normed, global(bias, bias.place));
  if (encodes()) return pool(normed);
  if (family_.rows_after_norm) normed = g_.get_rows(normed, out_ids());
  g_.set_output(normed);
  const Role head = tensors_.global.has(Role::output) ? Role::output : Role::token_embd;
  const TensorPlace place = spec_.head_in_input_table ? TensorPlace::input : TensorPlace::output;
  const Id logits = g_.mul_mat(global(tensors_.global[head], place), normed);
  g_.set_output(logits);
  g_.expand(logits);
}

/// Mean pooling of an embedding model (llama-graph.cpp, build_pooling).
void ModelGraph::pool(Id x) {
  g_.set_output(x);
  const Id columns =
      g_.compute({g_.ne(x)[1], g_.ne(x)[0], 1, 1}, {g_.view(x, {g_.ne(x)[1], g_.ne(x)[0], 1, 1}, false)});
  const Id pooled = g_.mul_mat(columns, g_.input({n_tokens_, n_seqs_, 1, 1}, 4));
  g_.set_output(pooled);
  g_.expand(pooled);
}

}  // namespace willitrun::graph
