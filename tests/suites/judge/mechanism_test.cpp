#include "suites/judge/mechanism.h"

#include <gtest/gtest.h>

#include "harness/error.h"

namespace grm {
namespace {

std::string unit(int number, const std::string& judgment, const std::string& mark = "<<A>>") {
  const std::string k = std::to_string(number);
  return "### " + k + ". Principle of [Name " + k + "]: It matters.\nJudgment: " + judgment + "\nSub-Verdict: " + mark + "\n\n";
}

std::string units(int count) {
  std::string text;
  for (int i = 1; i <= count; ++i) text += unit(i, "A says more.");
  return text;
}

Mechanism of(const std::string& text) { return indicate_mechanism(text).mechanism; }

TEST(Mechanism, ByNumberOfUnits) {
  EXPECT_EQ(of("Both are fine, but A is clearer. [[A]]"), Mechanism::raw);
  EXPECT_EQ(of(""), Mechanism::raw);
  EXPECT_EQ(of(units(1) + "[[A]]"), Mechanism::unmatched);
  EXPECT_EQ(of(units(3) + "[[A]]"), Mechanism::unmatched);
  EXPECT_EQ(of(units(4) + "[[A]]"), Mechanism::breadth);
  EXPECT_EQ(of(units(9)), Mechanism::breadth);
}

TEST(Mechanism, TriggerInBothWordings) {
  for (const std::string trigger : {"The evaluation needs deep reasoning, and let's solve the instruction: 2+2=4.",
                                    "The evaluation needs to deep reasoning, and let's solve the instruction: 2+2=4.",
                                    "the evaluation needs  deep reasoning,\nand let\xE2\x80\x99s solve the instruction"}) {
    const Structure structure = indicate_mechanism(unit(1, trigger) + "[[B]]");
    EXPECT_TRUE(structure.trigger) << trigger;
    EXPECT_EQ(structure.mechanism, Mechanism::depth) << trigger;
    EXPECT_EQ(of(unit(1, trigger) + unit(2, "x") + unit(3, "x") + unit(4, "x")), Mechanism::depth);
    EXPECT_EQ(of(trigger + " [[A]]"), Mechanism::raw) << "no units";
  }
}

TEST(Mechanism, SolvingBlockCountsInUnitOneOfAtMostThree) {
  const std::string solved = unit(1, "**Solution:** 2 + 2 = 4, so A is right.");
  EXPECT_EQ(of(solved), Mechanism::depth);
  EXPECT_EQ(of(solved + unit(2, "x") + unit(3, "x")), Mechanism::depth);
  EXPECT_EQ(of(solved + unit(2, "x") + unit(3, "x") + unit(4, "x")), Mechanism::breadth);
  EXPECT_EQ(of(unit(1, "x") + unit(2, "Solution: 4")), Mechanism::unmatched);
  EXPECT_EQ(of(unit(1, "The solution of A is wrong.")), Mechanism::unmatched);
}

TEST(Mechanism, UnitsArePartedAndRead) {
  const std::string text = "Some words.\n### 1. Principle of [Clarity]: Be clear.\nJudgment: A is \"clear\".\nMore of it.\n"
                           "Merge Count: 2\nSub-Verdict: <A>\n### Principle of Depth: Be deep.\n**Judgement:** B is.\n"
                           "Sub-Verdict: \xC2\xAB" "B\xC2\xBB\n"
                           "## 3) Principle of [Tone]\nJudgment: level\nSub-Verdict: << MIXED >>\n"
                           "### 4. Principle of [Nothing]: no judgment follows\n\n[[A]]";
  const Structure structure = indicate_mechanism(text);
  ASSERT_EQ(structure.units.size(), 3u);
  EXPECT_EQ(structure.units[0].name, "Clarity");
  EXPECT_EQ(structure.units[0].judgment, "A is \"clear\".\nMore of it.\nMerge Count: 2");
  EXPECT_EQ(structure.units[0].sub_verdict, 'A');
  EXPECT_EQ(structure.units[1].name, "Depth");
  EXPECT_EQ(structure.units[1].judgment, "B is.");
  EXPECT_EQ(structure.units[1].sub_verdict, 'B');
  EXPECT_EQ(structure.units[2].name, "Tone");
  EXPECT_EQ(structure.units[2].sub_verdict, 'M');
  const std::string ending = unit(1, "x", "none") + "\nFinal: [[B]]";  // outlives the views into it
  const Structure last = indicate_mechanism(ending);
  ASSERT_EQ(last.units.size(), 1u);
  EXPECT_FALSE(last.units[0].sub_verdict);
  EXPECT_EQ(last.units[0].text.find("[[B]]"), std::string_view::npos);
}

TEST(Mechanism, OddTextsDoNoHarm) {
  for (const std::string text : {"###", "### 1.", "### Principle of ", "### Principle of [\nJudgment:",
                                 "### Principle of x\nJudgment:\nSub-Verdict: <<",
                                 "Sub-Verdict: <A>\n### Principle of x:\nSub-Verdict: <A>\nJudgment: late",
                                 "[[A]]\n### Principle of x:\nJudgment: y"}) {
    EXPECT_LE(indicate_mechanism(text).units.size(), 1u) << text;
  }
}

TEST(Mechanism, ForcedBeginningsLeadTheirWay) {
  EXPECT_EQ(forced_beginning("auto"), "");
  EXPECT_EQ(of(forced_beginning("depth") + " 2 + 2 = 4.\nSub-Verdict: <<A>>\n\n[[A]]"), Mechanism::depth);
  const std::string breadth = forced_beginning("breadth") + " [Clarity]: be clear.\nJudgment: A\nSub-Verdict: <<A>>\n";
  EXPECT_EQ(indicate_mechanism(breadth).units.size(), 1u);
  EXPECT_EQ(of(breadth + unit(2, "x") + unit(3, "x") + unit(4, "x")), Mechanism::breadth);
  EXPECT_EQ(of(forced_beginning("raw") + " A is better. [[A]]"), Mechanism::raw);
  for (const char* name : {"raw", "breadth", "depth"}) {
    EXPECT_EQ(forced_beginning(name).find("[["), std::string::npos);
    EXPECT_NE(forced_beginning(name).back(), ' ') << "a token would be torn";
  }
  EXPECT_THROW(forced_beginning("wide"), UserError);
}

}  // namespace
}  // namespace grm
