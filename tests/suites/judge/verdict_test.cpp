#include "suites/judge/verdict.h"

#include <gtest/gtest.h>

namespace grm {
namespace {

TEST(Verdict, LastWellFormedOneWins) {
  EXPECT_EQ(parse_pair_verdict("I think [[A]]").verdict, 'A');
  EXPECT_EQ(parse_pair_verdict("I think [[B]].\n").verdict, 'B');
  EXPECT_EQ(parse_pair_verdict("[[A]] or [[B]] or [[A]]").verdict, 'A');
  EXPECT_EQ(parse_pair_verdict("[[A]] or [[A]] or [[B]] but A").verdict, 'B');
  EXPECT_EQ(parse_pair_verdict("[[[B]]]").verdict, 'B');
}

TEST(Verdict, NothingIsGuessed) {
  for (const char* text : {"", "A", "[A]", "[[a]]", "[[ A ]]", "[[C]]", "[[A]",
                           "[[A>B]]", "[[AB]]", "Answer A is better", "[[\nA]]"}) {
    const PairVerdict parsed = parse_pair_verdict(text);
    EXPECT_FALSE(parsed.verdict) << text;
    EXPECT_EQ(parsed.distinct, 0) << text;
  }
}

TEST(Verdict, DistinctOnesAreCounted) {
  EXPECT_EQ(parse_pair_verdict("[[A]] [[A]]").distinct, 1);
  EXPECT_EQ(parse_pair_verdict("[[A]] [[B]] [[A]]").distinct, 2);
}

}  // namespace
}  // namespace grm
