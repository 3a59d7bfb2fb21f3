// Filters over lists and dicts.
#include <algorithm>
#include <charconv>

#include "model/text/jinja/filters.h"
#include "model/text/unicode.h"

namespace grm::jinja {
namespace {

/// "a.b.0" of an item: parts that are numbers are indices.
Value nested_item(Interpreter& run, Value value, const Value& path) {
  if (path.is_integer()) return run.item(value, path);
  const std::string& text = path.is_string() ? *path.string() : throw Fault("an attribute is named by a string");
  const Value dot(".");
  for (const Value& part : split(text, &dot, -1, false)) {
    const std::string& name = *part.string();
    std::int64_t index = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), index);
    const bool number = parsed.ec == std::errc() && parsed.ptr == name.data() + name.size();
    value = run.item(value, number ? Value(index) : part);
  }
  return value;
}

/// What items are compared by: an attribute, and lower case unless told otherwise.
Value sort_key(Interpreter& run, const Value& item, const Value* attribute, const Value* case_sensitive) {
  const Value key = attribute != nullptr && !attribute->is_none() ? nested_item(run, item, *attribute) : item;
  const bool exact = case_sensitive != nullptr && case_sensitive->truthy();
  return key.is_string() && !exact ? Value(to_lower(*key.string())) : key;
}

Values iterate(Interpreter& run, const Value& v) {
  Values items = v.iterate();
  run.charge(items.size());
  return items;
}

Value map_filter(Interpreter& run, const Value& v, const CallArguments& a) {
  Values out;
  const Value* attribute = a.keyword("attribute");
  for (const Value& item : iterate(run, v)) {
    if (a.positional.empty()) {
      if (attribute == nullptr) throw Fault("map requires a filter argument");
      const Value* otherwise = a.keyword("default");
      Value found = nested_item(run, item, *attribute);
      out.push_back(found.is_undefined() && otherwise != nullptr ? *otherwise : std::move(found));
      continue;
    }
    CallArguments rest{Values(a.positional.begin() + 1, a.positional.end()), a.keywords};
    out.push_back(run.filter(a.positional[0].text(), item, rest));
  }
  return Value::sequence(std::move(out), SequenceKind::kIterator);
}

Value choose(Interpreter& run, const Value& v, const CallArguments& a, bool by_attribute, bool wanted) {
  Values out;
  const std::size_t first = by_attribute ? 1 : 0;
  if (a.positional.size() < first) throw Fault("selectattr and rejectattr need an attribute's name");
  for (const Value& item : iterate(run, v)) {
    const Value subject = by_attribute ? nested_item(run, item, a.positional[0]) : item;
    bool holds = false;
    if (a.positional.size() == first) {
      holds = subject.truthy();
    } else {
      CallArguments rest{Values(a.positional.begin() + static_cast<std::ptrdiff_t>(first) + 1, a.positional.end()), a.keywords};
      holds = run.test(a.positional[first].text(), subject, rest);
    }
    if (holds == wanted) out.push_back(item);
  }
  return Value::sequence(std::move(out), SequenceKind::kIterator);
}

Value join_filter(Interpreter& run, const Value& v, const CallArguments& a) {
  const auto b = a.bind("join", {"d", "attribute"});
  const std::string by = b[0] != nullptr ? b[0]->text() : "";
  std::string out;
  bool first = true;
  for (const Value& item : iterate(run, v)) {
    out += first ? "" : by;
    out += (b[1] != nullptr && !b[1]->is_none() ? nested_item(run, item, *b[1]) : item).text();
    first = false;
    run.charge(1 + by.size() / 64);
    if (out.size() > kMaxBytes) throw Fault("a string grows beyond " + std::to_string(kMaxBytes) + " bytes");
  }
  return out;
}

Value items_filter(Interpreter& run, const Value& v, const CallArguments& a) {
  a.bind("items", {});
  if (v.is_undefined()) return Value::sequence({}, SequenceKind::kIterator);
  if (v.dict() == nullptr) throw Fault("Can only get item pairs from a mapping.");
  CallArguments none;
  return Value::sequence(run.call(*method(v, "items"), none).iterate(), SequenceKind::kIterator);
}

Value first_or_last(Interpreter& run, const Value& v, const CallArguments& a, bool first) {
  a.bind(first ? "first" : "last", {});
  if (!first && v.sequence() != nullptr && v.sequence()->kind == SequenceKind::kIterator) {
    throw Fault("'generator' object is not reversible; use the filter `list` first");
  }
  const Values items = iterate(run, v);
  return items.empty() ? Value::undefined(first ? "No first item, sequence was empty." : "No last item, sequence was empty.")
                       : first ? items.front() : items.back();
}

Value reverse_filter(Interpreter& run, const Value& v, const CallArguments& a) {
  a.bind("reverse", {});
  if (v.is_string()) return slice(v, None{}, None{}, Value(-1));
  Values items = iterate(run, v);
  std::reverse(items.begin(), items.end());
  return Value::sequence(std::move(items), SequenceKind::kIterator);
}

void sort_by(Interpreter& run, Values& items, const std::vector<Value>& keys, bool reverse) {
  std::vector<std::size_t> order(items.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  run.charge(items.size() * 20);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) {
    return reverse ? less(keys[y], keys[x]) : less(keys[x], keys[y]);
  });
  Values sorted;
  for (const std::size_t i : order) sorted.push_back(items[i]);
  items = std::move(sorted);
}

Value sort_filter(Interpreter& run, const Value& v, const CallArguments& a) {
  const auto b = a.bind("sort", {"reverse", "case_sensitive", "attribute"});
  Values items = iterate(run, v);
  std::vector<Value> keys;
  for (const Value& item : items) keys.push_back(sort_key(run, item, b[2], b[1]));
  sort_by(run, items, keys, b[0] != nullptr && b[0]->truthy());
  return Value::sequence(std::move(items));
}

Value dictsort_filter(Interpreter& run, const Value& v, const CallArguments& a) {
  const auto b = a.bind("dictsort", {"case_sensitive", "by", "reverse"});
  const std::string by = b[1] != nullptr ? b[1]->text() : "key";
  if (v.dict() == nullptr || (by != "key" && by != "value")) throw Fault("dictsort needs a dict, by 'key' or 'value'");
  Values items;
  std::vector<Value> keys;
  for (const auto& [key, value] : v.dict()->items) {
    items.push_back(Value::sequence({key, value}, SequenceKind::kTuple));
    keys.push_back(sort_key(run, by == "key" ? key : value, nullptr, b[0]));
  }
  sort_by(run, items, keys, b[2] != nullptr && b[2]->truthy());
  return Value::sequence(std::move(items));
}

Value unique_filter(Interpreter& run, const Value& v, const CallArguments& a) {
  const auto b = a.bind("unique", {"case_sensitive", "attribute"});
  Values out;
  std::vector<Value> seen;
  for (const Value& item : iterate(run, v)) {
    const Value key = sort_key(run, item, b[1], b[0]);
    run.charge(seen.size());
    if (std::none_of(seen.begin(), seen.end(), [&](const Value& s) { return equal(s, key); })) {
      seen.push_back(key);
      out.push_back(item);
    }
  }
  return Value::sequence(std::move(out), SequenceKind::kIterator);
}

Value extreme(Interpreter& run, const Value& v, const CallArguments& a, bool largest) {
  const auto b = a.bind(largest ? "max" : "min", {"case_sensitive", "attribute"});
  Value best = Value::undefined("No aggregated item, sequence was empty.");
  Value best_key;
  for (const Value& item : iterate(run, v)) {
    const Value key = sort_key(run, item, b[1], b[0]);
    if (best.is_undefined() || (largest ? less(best_key, key) : less(key, best_key))) {
      best = item;
      best_key = key;
    }
  }
  return best;
}

Value sum_filter(Interpreter& run, const Value& v, const CallArguments& a) {
  const auto b = a.bind("sum", {"attribute", "start"});
  Value total = b[1] != nullptr ? *b[1] : Value(0);
  for (const Value& item : iterate(run, v)) {
    total = binary("+", total, b[0] != nullptr && !b[0]->is_none() ? nested_item(run, item, *b[0]) : item);
    run.charge(static_cast<std::size_t>(total.sequence() != nullptr ? total.sequence()->items.size() : 1));
  }
  return total;
}

Value batch_filter(Interpreter& run, const Value& v, const CallArguments& a) {
  const auto b = a.bind("batch", {"linecount", "fill_with"}, 1);
  const std::int64_t size = b[0]->is_integer() ? b[0]->integer() : 0;
  if (size < 1) throw Fault("batch needs a size of at least 1");
  Values out;
  Values row;
  for (const Value& item : iterate(run, v)) {
    if (static_cast<std::int64_t>(row.size()) == size) out.push_back(Value::sequence(std::exchange(row, {})));
    row.push_back(item);
  }
  if (!row.empty()) {
    while (b[1] != nullptr && !b[1]->is_none() && static_cast<std::int64_t>(row.size()) < size) {
      run.charge(1);
      row.push_back(*b[1]);
    }
    out.push_back(Value::sequence(std::move(row)));
  }
  return Value::sequence(std::move(out), SequenceKind::kIterator);
}

#define GRM_FILTER [](Interpreter & run, const Value& v, const CallArguments& a) -> Value

}  // namespace

const std::unordered_map<std::string, Filter>& list_filters() {
  static const std::unordered_map<std::string, Filter> all = {
      {"length", GRM_FILTER { run.charge(1); a.bind("length", {}); return v.length(); }},
      {"count", GRM_FILTER { run.charge(1); a.bind("count", {}); return v.length(); }},
      {"list", GRM_FILTER { a.bind("list", {}); return Value::sequence(iterate(run, v)); }},
      {"items", items_filter},
      {"join", join_filter},
      {"map", map_filter},
      {"select", GRM_FILTER { return choose(run, v, a, false, true); }},
      {"reject", GRM_FILTER { return choose(run, v, a, false, false); }},
      {"selectattr", GRM_FILTER { return choose(run, v, a, true, true); }},
      {"rejectattr", GRM_FILTER { return choose(run, v, a, true, false); }},
      {"first", GRM_FILTER { return first_or_last(run, v, a, true); }},
      {"last", GRM_FILTER { return first_or_last(run, v, a, false); }},
      {"reverse", reverse_filter},
      {"sort", sort_filter},
      {"dictsort", dictsort_filter},
      {"unique", unique_filter},
      {"min", GRM_FILTER { return extreme(run, v, a, false); }},
      {"max", GRM_FILTER { return extreme(run, v, a, true); }},
      {"sum", sum_filter},
      {"batch", batch_filter},
  };
  return all;
}

#undef GRM_FILTER

}  // namespace grm::jinja
