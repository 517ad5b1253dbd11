// Small helpers for messages: near names, quoting, numbered lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace shoal {

// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other.
int edit_distance(std::string_view, std::string_view);

// The candidate nearest to `name`, or "" when none is near enough to be a likely slip of the keyboard.
std::string closest(std::string_view name, const std::vector<std::string>& candidates);

// " (did you mean "x"?)" for the closest candidate, or "".
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

// `text` between double quotes, with \" \\ \n and \xHH escapes: what the lexer reads back.
std::string quoted_text(std::string_view text);

// Every line behind its number, from 1: how refused source is shown.
std::string numbered(std::string_view text);

}  // namespace shoal
