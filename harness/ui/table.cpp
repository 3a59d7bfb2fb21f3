#include "harness/ui/table.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>

#include "harness/run/json_file.h"

namespace grm {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Unicode 15, coarse: whole blocks, as terminals' own tables are.
constexpr std::array<Range, 13> kWide{{{0x1100, 0x115F}, {0x231A, 0x231B}, {0x2E80, 0x303E}, {0x3041, 0x33FF}, {0x3400, 0x4DBF},
                                       {0x4E00, 0x9FFF}, {0xA000, 0xA4CF}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF}, {0xFE30, 0xFE6F},
                                       {0xFF00, 0xFF60}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD}}};
constexpr std::array<Range, 9> kNone{{{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},
                                      {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}}};

template <std::size_t N>
bool is_in(const std::array<Range, N>& ranges, char32_t character) {
  return std::any_of(ranges.begin(), ranges.end(), [=](const Range& r) { return character >= r.first && character <= r.last; });
}

/// Length in bytes and code point of the character at the front of valid UTF-8.
struct Character {
  std::size_t bytes;
  char32_t code;
};
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {1, byte(0)};
  const std::size_t length = byte(0) < 0xE0 ? 2 : (byte(0) < 0xF0 ? 3 : 4);
  char32_t code = byte(0) & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) code = code << 6 | (byte(i) & 0x3Fu);
  return {length, code};
}

std::size_t width_of(char32_t character) { return is_in(kNone, character) ? 0 : (is_in(kWide, character) ? 2 : 1); }

/// Valid UTF-8 on one line.
std::string clean(std::string_view cell) {
  const std::string safe = safe_utf8(cell).text;
  std::string text;
  for (std::string_view rest = safe; !rest.empty();) {
    const Character c = first_character(rest);
    const bool control = c.code < 0x20 || (c.code >= 0x7F && c.code < 0xA0);
    const bool turns_text = (c.code >= 0x202A && c.code <= 0x202E) || (c.code >= 0x2066 && c.code <= 0x2069);
    text += control || turns_text ? std::string(1, ' ') : std::string(rest.substr(0, c.bytes));
    rest.remove_prefix(c.bytes);
  }
  return text;
}

std::string fitted(std::string_view cell, std::size_t max_width) {
  std::string text = clean(cell);
  if (display_width(text) <= max_width) return text;
  std::size_t width = 0;
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    const Character c = first_character(std::string_view(text).substr(bytes));
    if (width + width_of(c.code) + 1 > max_width) break;
    width += width_of(c.code);
    bytes += c.bytes;
  }
  return text.substr(0, bytes).append("…");
}

std::string padded(const std::string& cell, std::size_t width, Align align) {
  const std::string space(width - std::min(width, display_width(cell)), ' ');
  return align == Align::right ? space + cell : cell + space;
}

std::string text_line(const Table& table, const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line.append(i == 0 ? "" : "  ").append(padded(cells[i], widths[i], table.columns[i].align));
  }
  return line.substr(0, line.find_last_not_of(' ') + 1).append("\n");
}

std::string markdown_cell(std::string_view cell) {
  std::string text;
  for (const char c : clean(cell)) {
    if (c == '<') {
      text.append("&lt;");
      continue;
    }
    if (c == '|' || c == '\\' || c == '`') text.push_back('\\');
    text.push_back(c);
  }
  return text;
}

}  // namespace

std::size_t display_width(std::string_view text) {
  const std::string safe = safe_utf8(text).text;
  std::size_t width = 0;
  for (std::string_view rest = safe; !rest.empty();) {
    const Character c = first_character(rest);
    width += width_of(c.code);
    rest.remove_prefix(c.bytes);
  }
  return width;
}

std::string text_table(const Table& table) {
  std::vector<std::vector<std::string>> lines(1);
  for (const Column& column : table.columns) lines[0].push_back(fitted(column.title, column.max_width));
  for (const auto& row : table.rows) {
    assert(row.size() == table.columns.size());
    auto& line = lines.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) line.push_back(fitted(row[i], table.columns[i].max_width));
  }
  std::vector<std::size_t> widths(table.columns.size(), 0);
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], display_width(line[i]));
  }
  std::string text = text_line(table, lines[0], widths);
  std::vector<std::string> rule;
  for (const std::size_t width : widths) rule.emplace_back(width, '-');
  text += text_line(table, rule, widths);
  for (std::size_t i = 1; i < lines.size(); ++i) text += text_line(table, lines[i], widths);
  return text;
}

std::string markdown_table(const Table& table) {
  std::string text = "|";
  for (const Column& column : table.columns) text.append(" ").append(markdown_cell(column.title)).append(" |");
  text += "\n|";
  for (const Column& column : table.columns) text += column.align == Align::right ? " ---: |" : " --- |";
  text += "\n";
  for (const auto& row : table.rows) {
    assert(row.size() == table.columns.size());
    text += "|";
    for (const std::string& cell : row) text.append(" ").append(markdown_cell(cell)).append(" |");
    text += "\n";
  }
  return text;
}

}  // namespace grm
