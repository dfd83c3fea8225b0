// What the help of a command ends with: its rules and exit statuses, no line wider than 61 characters.
#pragma once

#include <string_view>

namespace willitrun::cli {

inline constexpr std::string_view batch_notes =
    "One JSON object a line: \"model\", \"id\" (anything, echoed) and\n"
    "the long option names with _ for -, such as\n"
    "{\"id\":1,\"model\":\"llama3.1-8b\",\"gpu\":[\"rtx3060\"],\"ctx\":8192}\n"
    "(\"gpu\" is a list, sizes are strings). \"advise\": true adds\n"
    "alternatives and the longest context, \"measured\": false goes\n"
    "without stored measurements. A bad line is answered by a\n"
    "willitrun.error/1 in its place, and the run goes on.\n"
    "\n"
    "Exit: 0 all requirements met, 1 some not, 2 some line was\n"
    "bad, 3 some unknown.";

inline constexpr std::string_view fits_notes =
    "Best first: models that leave headroom, write 5 tokens a\n"
    "second or more and keep a tenth of their worth come before\n"
    "the others; then by effective size; then by speed. Effective\n"
    "size is the parameter count (of expert models the geometric\n"
    "mean of all and active ones), times what the quant keeps by\n"
    "llama.cpp's perplexities, halved for every 16 months of age:\n"
    "a proxy for quality from sources anyone can check, not a\n"
    "benchmark.\n"
    "\n"
    "One row a model, at its best quant. -q takes several quants\n"
    "with commas. --ctx leaves out models that cannot address as\n"
    "much, --min-ctx those for which less fits. Without --ram,\n"
    "only what stays on the GPU is listed.\n"
    "\n"
    "Formats: text, json, ndjson, csv, md.\n"
    "Exit: 0 something runs, 1 nothing does, 2 bad input.";

inline constexpr std::string_view needs_notes =
    "Devices of the catalog, alone and 2, 4 or 8 of a kind\n"
    "(laptops and shared memory alone), each in the smallest\n"
    "number that meets --require (default fits: all on the\n"
    "devices, headroom left), --min-tps and --ctx. As text, those\n"
    "are shown that no other beats in price, memory, power and\n"
    "speed at once. Prices are launch prices in US dollars and of\n"
    "the year shown, never market prices; an unknown one is shown\n"
    "as unknown.\n"
    "\n"
    "Formats: text, json, ndjson, csv, md.\n"
    "Exit: 0 something runs it, 1 nothing does, 2 bad input.";

inline constexpr std::string_view compare_notes =
    "Every --gpu is a machine of its own (2xrtx3090 for two). -q\n"
    "takes several quants, repeated or with commas.\n"
    "\n"
    "Formats: text, json, ndjson, csv, md.\n"
    "Exit: 0 all requirements met, 1 some not, 2 bad input,\n"
    "3 some unknown.";

inline constexpr std::string_view cost_notes =
    "Energy is at most the devices' TDP over the time they take;\n"
    "a card that decodes seldom draws all of it. The rest of the\n"
    "computer is not counted; --power states what you measured.\n"
    "No price is assumed: without one, energy alone is shown.\n"
    "With --price-kwh, --price-hardware, --years and --api-price,\n"
    "the use from which owning is cheaper is shown too.\n"
    "\n"
    "Formats: text, json, ndjson, csv, md.\n"
    "Exit: 0 shown, 1 the model does not run, 2 bad input,\n"
    "3 its speed is unknown.";

}  // namespace willitrun::cli
