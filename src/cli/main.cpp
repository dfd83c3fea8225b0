#include <csignal>
#include <exception>
#include <string>
#include <variant>

#include "cli/arguments.hpp"
#include "cli/catalogs.hpp"
#include "cli/commands.hpp"
#include "cli/terminal.hpp"

namespace {

using namespace willitrun;

int dispatch(const cli::Invocation& invocation) {
  using enum cli::Command;
  const auto command = invocation.command;
  // One says what is wrong with a catalog, which must not stop it; the others need none.
  const bool needs_catalogs = command != catalog && command != schema && command != completion && command != man;
  if (const auto error = needs_catalogs ? cli::load_catalogs(invocation.options) : std::nullopt)
    return cli::fail(*error, invocation.options);
  switch (command) {
    case verdict: return cli::run_verdict(invocation.options);
    case check: return cli::run_check(invocation.options);
    case batch: return cli::run_batch(invocation.options);
    case tables: return cli::run_tables(invocation.options);
    case fits: return cli::run_fits(invocation.options);
    case needs: return cli::run_needs(invocation.options);
    case compare: return cli::run_compare(invocation);
    case cost: return cli::run_cost(invocation.options);
    case list: return cli::run_list(invocation);
    case show: return cli::run_show(invocation);
    case detect: return cli::run_detect(invocation);
    case explain: return cli::run_explain(invocation);
    case catalog: return cli::run_catalog(invocation);
    case calibrate: return cli::run_calibrate(invocation);
    case schema: return cli::run_schema(invocation);
    case completion: return cli::run_completion(invocation);
    case man: return cli::run_man();
  }
  return cli::exit_internal;
}

/// The format asked for, as far as unparsed arguments tell: errors about them follow it too.
cli::Options error_style(int argc, char** argv) {
  cli::Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    options.json = options.json || word == "--json";
    if ((word == "-o" || word == "--format") && i + 1 < argc) options.format = argv[i + 1];
    if (word.starts_with("--format=")) options.format = word.substr(9);
    if (word.starts_with("-o") && word.size() > 2) options.format = word.substr(word[2] == '=' ? 3 : 2);
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
#if defined(SIGPIPE)
  std::signal(SIGPIPE, SIG_IGN);  // `| head` ends us by a failed write, which is no error
#endif
  try {
    const auto parsed = cli::parse_arguments(argc, argv);
    if (!parsed) return cli::fail(parsed.error(), error_style(argc, argv));
    if (const auto* print = std::get_if<cli::Printout>(&*parsed))
      return cli::write_output(print->text) ? 0 : cli::exit_output;
    return dispatch(std::get<cli::Invocation>(*parsed));
  } catch (const std::exception& problem) {
    cli::write_error(std::string("willitrun: internal error: ") + problem.what() + "\n");
    return cli::exit_internal;
  }
}
