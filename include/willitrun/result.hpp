// Values or errors, never exceptions, across the library's surface.
// The member names are a subset of std::expected's, which our oldest compilers lack.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace willitrun {

/// What went wrong, in one line that names the thing, the place and, in `suggestions`, the nearest valid choices.
struct Error {
  std::string code;  ///< stable identifier for scripts, e.g. "unknown_model"
  std::string message;
  std::vector<std::string> suggestions = {};
  int exit_status = 2;  ///< the process exit code this error leads to
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  [[nodiscard]] const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

}  // namespace willitrun
