#include "harness/ui/table.h"

#include <gtest/gtest.h>

namespace grm {
namespace {

TEST(Table, AlignsByWhatTheTerminalShows) {
  const Table table{.columns = {{"suite"}, {"n", Align::right}, {"note"}},
                    .rows = {{"judgebench", "350", "ü"}, {"文字", "7", ""}, {"e\u0301", "12345", "x"}}};
  EXPECT_EQ(text_table(table),
            "suite           n  note\n"
            "----------  -----  ----\n"
            "judgebench    350  ü\n"
            "文字            7\n"
            "e\u0301           12345  x\n");
}

TEST(Table, CutsLongCellsAtWholeCharacters) {
  const Table table{.columns = {{"text", Align::left, 6}}, .rows = {{"123456"}, {"1234567"}, {"文文文文"}, {"😀😀😀"}}};
  EXPECT_EQ(text_table(table), "text\n------\n123456\n12345…\n文文…\n😀😀😀\n");
}

TEST(Table, ACellCannotBreakTheTable) {
  const Table table{.columns = {{"text"}}, .rows = {{"a\nb\tc\x1b[31mred"}, {"\xff\xfe"}, {"\u202Eevil"}}};
  EXPECT_EQ(text_table(table), "text\n-------------\na b c [31mred\n\uFFFD\uFFFD\n evil\n");
  const Table markdown{.columns = {{"a"}, {"b", Align::right}}, .rows = {{"x|y\n`z`", "<b>\\"}}};
  EXPECT_EQ(markdown_table(markdown), "| a | b |\n| --- | ---: |\n| x\\|y \\`z\\` | &lt;b>\\\\ |\n");
}

TEST(Table, WithoutRowsItStillHasItsHead) { EXPECT_EQ(text_table({.columns = {{"a"}, {"b"}}, .rows = {}}), "a  b\n-  -\n"); }

TEST(Table, Width) {
  EXPECT_EQ(display_width(""), 0u);
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("äöü€"), 4u);
  EXPECT_EQ(display_width("中文"), 4u);
  EXPECT_EQ(display_width("😀"), 2u);
  EXPECT_EQ(display_width("e\u0301\u200B"), 1u);
}

}  // namespace
}  // namespace grm
