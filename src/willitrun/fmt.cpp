// The functions behind fmt's headers, compiled once.
#include <fmt/format-inl.h>

// Templates that only callers in other files use.
template auto fmt::detail::thousands_sep_impl<char>(locale_ref) -> thousands_sep_result<char>;
template auto fmt::detail::decimal_point_impl<char>(locale_ref) -> char;
