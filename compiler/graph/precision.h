// Precision: how exactly contractions are computed, at least. Sums are f32 in all of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace shoal {

// f32: plain arithmetic. On tensor cores: f32x3 (tf32 in three passes, nearly as exact), tf32, bf16. From the most
// accurate to the least.
enum class Precision : uint8_t { f32, f32x3, tf32, bf16 };
inline constexpr std::array precisions{Precision::f32, Precision::f32x3, Precision::tf32, Precision::bf16};

std::string_view precision_name(Precision);
std::optional<Precision> find_precision(std::string_view name);
// Throws SpecError (at `place`) that lists the names.
Precision parse_precision(std::string_view text, std::string_view place);

}  // namespace shoal
