// Tables for terminals and Markdown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace grm {

enum class Align { left, right };

struct Column {
  std::string title;
  Align align = Align::left;
  std::size_t max_width = 60;  // in terminal columns; longer cells are cut with "…" (never in Markdown)
};

struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;  // as many cells as columns
};

/// Aligned by spaces, a line under the titles, no trailing spaces, a newline at the end of each row. Control characters
/// become spaces: a cell never breaks the table nor reaches the terminal as an escape sequence.
std::string text_table(const Table& table);
/// GitHub's form, `|`, `\`, `<` and backticks in cells escaped.
std::string markdown_table(const Table& table);

/// Columns a terminal needs for UTF-8 text: wide East Asian characters and emoji two, combining marks none.
std::size_t display_width(std::string_view text);

}  // namespace grm
