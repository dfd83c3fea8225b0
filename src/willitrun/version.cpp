#include "willitrun/version.hpp"

namespace willitrun {

std::string_view version() { return WILLITRUN_VERSION; }

}  // namespace willitrun
