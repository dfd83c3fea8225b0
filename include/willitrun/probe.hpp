// The seam between detection and the computer: what may be asked, answered live or from a recording.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "willitrun/hardware.hpp"
#include "willitrun/result.hpp"

namespace willitrun {

/// Every answer is text of bounded length, so that a recording of it replays exactly. Nothing = not there, not
/// readable, or not in time.
class ProbeSource {
 public:
  virtual ~ProbeSource() = default;
  [[nodiscard]] virtual OperatingSystem os() = 0;
  [[nodiscard]] virtual std::optional<std::string> read_file(const std::string& path) = 0;
  /// Names in a directory, one a line, sorted.
  [[nodiscard]] virtual std::optional<std::string> list_dir(const std::string& path) = 0;
  /// Standard output of a program that ended with status 0 within the time limit.
  [[nodiscard]] virtual std::optional<std::string> run(const std::vector<std::string>& command) = 0;
  /// A system interface: "nvml" (nvidia-smi's CSV), "sysctl" ("name: value" lines), "dxgi" and "windows" (see
  /// detect_windows.cpp), "smbios" (bytes).
  [[nodiscard]] virtual std::optional<std::string> ask(const std::string& interface) = 0;
};

/// Answers by "file PATH", "dir PATH", "run COMMAND", "api INTERFACE".
struct Recording {
  OperatingSystem os = OperatingSystem::linux_os;
  std::map<std::string, std::string, std::less<>> answers;
};

/// The text `detect --report` prints, and back.
[[nodiscard]] std::string to_text(const Recording& recording);
[[nodiscard]] Result<Recording> read_recording(std::string_view text);

class RecordedProbe final : public ProbeSource {
 public:
  explicit RecordedProbe(Recording recording) : recording_(std::move(recording)) {}
  OperatingSystem os() override { return recording_.os; }
  std::optional<std::string> read_file(const std::string& path) override;
  std::optional<std::string> list_dir(const std::string& path) override;
  std::optional<std::string> run(const std::vector<std::string>& command) override;
  std::optional<std::string> ask(const std::string& interface) override;

 private:
  [[nodiscard]] std::optional<std::string> answer(std::string_view kind, std::string_view what) const;
  Recording recording_;
};

/// Passes questions on and keeps the answers.
class RecordingProbe final : public ProbeSource {
 public:
  explicit RecordingProbe(ProbeSource& source) : source_(source) { recording_.os = source.os(); }
  OperatingSystem os() override { return recording_.os; }
  std::optional<std::string> read_file(const std::string& path) override;
  std::optional<std::string> list_dir(const std::string& path) override;
  std::optional<std::string> run(const std::vector<std::string>& command) override;
  std::optional<std::string> ask(const std::string& interface) override;
  [[nodiscard]] const Recording& recording() const { return recording_; }

 private:
  std::optional<std::string> keep(std::string key, std::optional<std::string> answer);
  ProbeSource& source_;
  Recording recording_;
};

/// A recording without what identifies its owner: the given names (user, host, home), user@host, long identifiers and
/// serial numbers.
[[nodiscard]] Recording scrubbed(const Recording& recording, const std::vector<std::string>& names);

}  // namespace willitrun
