#include "suites/presentation.h"

#include <fmt/format.h>

#include "harness/error.h"

namespace grm {

OrderMode parse_order_mode(std::string_view name) {
  if (name == "both") return OrderMode::both;
  if (name == "seeded") return OrderMode::seeded;
  if (name == "given") return OrderMode::given;
  throw UserError(fmt::format("order {}: both, seeded or given was expected", name));
}

Order seeded_order(std::string_view item, std::uint64_t seed) {
  return random_below(stream_key(seed, "order", item), 0, 2) == 0 ? Order::ab : Order::ba;
}

std::vector<Order> orders_of(OrderMode mode, std::string_view item, std::uint64_t seed) {
  if (mode == OrderMode::both) return {Order::ab, Order::ba};
  return {mode == OrderMode::given ? Order::ab : seeded_order(item, seed)};
}

}  // namespace grm
