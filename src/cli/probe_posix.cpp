// Files, programs and guarded calls on Linux and macOS.
#if !defined(_WIN32)

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "cli/probe_system.hpp"

namespace willitrun::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t longest_answer = 1 << 20;
// nvidia-smi takes 2-3 s where the driver is not kept loaded; a wedged one never returns.
constexpr auto patience = std::chrono::seconds(8);

/// Everything from the descriptor until its end, the limit or the deadline; nothing when not complete.
std::optional<std::string> drain(int descriptor, Clock::time_point deadline) {
  std::string out;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return std::nullopt;
    pollfd wait{descriptor, POLLIN, 0};
    const int ready = poll(&wait, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return std::nullopt;
    char buffer[4096];
    const auto count = read(descriptor, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) return out;
    out.append(buffer, static_cast<std::size_t>(count));
    if (out.size() > longest_answer) return std::nullopt;
  }
}

/// Waits for a child until the deadline, then ends it. True when it left with status 0.
bool reap(pid_t child, Clock::time_point deadline) {
  int status = 0;
  for (;;) {
    const auto done = waitpid(child, &status, WNOHANG);
    if (done == child) return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (done < 0 && errno != EINTR) return false;
    if (Clock::now() >= deadline) break;
    usleep(2000);
  }
  kill(-child, SIGKILL);  // its own children with it
  // A process stuck in the kernel dies when the kernel lets go; it is not waited for.
  for (int i = 0; i < 50 && waitpid(child, &status, WNOHANG) == 0; ++i) usleep(2000);
  return false;
}

/// A child that runs `body` with its standard output in a pipe; body does not return.
template <class Body>
std::optional<std::string> from_child(Body body) {
  int ends[2];
  if (pipe(ends) != 0) return std::nullopt;
  const auto child = fork();
  if (child < 0) {
    close(ends[0]);
    close(ends[1]);
    return std::nullopt;
  }
  if (child == 0) {
    setpgid(0, 0);
    close(ends[0]);
    body(ends[1]);
    _exit(127);
  }
  setpgid(child, child);  // whichever of the two comes first
  close(ends[1]);
  const auto deadline = Clock::now() + patience;
  auto out = drain(ends[0], deadline);
  close(ends[0]);
  const bool well = reap(child, out ? deadline : Clock::now());
  return well ? out : std::nullopt;
}

}  // namespace

std::optional<std::string> run_apart(Work work) {
  return from_child([work](int out) {
    const auto text = work();
    if (!text) _exit(1);
    for (std::size_t at = 0; at < text->size();) {
      const auto count = write(out, text->data() + at, text->size() - at);
      if (count <= 0) _exit(1);
      at += static_cast<std::size_t>(count);
    }
    _exit(0);
  });
}

std::optional<std::string> run_program(const std::vector<std::string>& command) {
  std::vector<char*> words;
  auto copy = command;
  for (auto& word : copy) words.push_back(word.data());
  words.push_back(nullptr);
  return from_child([&words](int out) {
    const int nothing = open("/dev/null", O_RDWR);
    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDERR_FILENO);
    dup2(out, STDOUT_FILENO);
    execvp(words[0], words.data());
  });
}

std::optional<std::string> read_whole(const std::string& path) {
  // Not blocking: a pipe or device under a file's name must not stop us.
  const int file = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (file < 0) return std::nullopt;
  std::string out;
  char buffer[16384];
  for (;;) {
    const auto count = read(file, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 || out.size() > longest_answer) {
      close(file);
      return count < 0 ? std::nullopt : std::optional(out.substr(0, longest_answer));
    }
    if (count == 0) break;
    out.append(buffer, static_cast<std::size_t>(count));
  }
  close(file);
  return out;
}

}  // namespace willitrun::cli

#endif
