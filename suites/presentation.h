// In which order the two answers of an item are shown.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/run/journal.h"

namespace grm {

/// both: each item in both orders. seeded: one order an item, by a seeded coin. given: the order of the data.
enum class OrderMode { both, seeded, given };

/// UserError for any other name than the three.
OrderMode parse_order_mode(std::string_view name);

/// The order that the seeded coin gives an item. From both orders, this one is what a one-order score uses.
Order seeded_order(std::string_view item, std::uint64_t seed);

/// The orders in which an item is shown.
std::vector<Order> orders_of(OrderMode mode, std::string_view item, std::uint64_t seed);

/// Indices of the answers as shown, the first being A.
constexpr std::array<int, 2> shown_answers(Order order) {
  return order == Order::ab ? std::array<int, 2>{0, 1} : std::array<int, 2>{1, 0};
}

/// The letter under which an answer (0 or 1) is shown, and back.
constexpr char shown_letter(int answer, Order order) { return (answer == 0) == (order == Order::ab) ? 'A' : 'B'; }
constexpr int shown_answer(char letter, Order order) { return (letter == 'A') == (order == Order::ab) ? 0 : 1; }

}  // namespace grm
