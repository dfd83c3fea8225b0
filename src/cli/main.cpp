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
  // These two say what is wrong with a catalog; one that is must not stop them.
  const bool needs_catalogs = invocation.command != cli::Command::catalog && invocation.command != cli::Command::schema;
  if (const auto error = needs_catalogs ? cli::load_catalogs(invocation.options) : std::nullopt)
    return cli::fail(*error, invocation.options);
  switch (invocation.command) {
    case cli::Command::verdict: return cli::run_verdict(invocation.options);
    case cli::Command::batch: return cli::run_batch();
    case cli::Command::tables: return cli::run_tables(invocation.options);
    case cli::Command::list: return cli::run_list(invocation);
    case cli::Command::show: return cli::run_show(invocation);
    case cli::Command::detect: return cli::run_detect(invocation);
    case cli::Command::catalog: return cli::run_catalog(invocation);
    case cli::Command::calibrate: return cli::run_calibrate(invocation);
    case cli::Command::schema: return cli::run_schema(invocation);
  }
  return cli::exit_internal;
}

/// Whether JSON was asked for, as far as unparsed arguments tell: errors about them follow it too.
cli::Options error_style(int argc, char** argv) {
  cli::Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    options.json = options.json || word == "--json" || word == "-ojson" || word == "--format=json" ||
                   ((word == "-o" || word == "--format") && i + 1 < argc && std::string(argv[i + 1]) == "json");
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
