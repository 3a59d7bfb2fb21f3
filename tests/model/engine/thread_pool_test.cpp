#include "model/engine/thread_pool.h"

#include <gtest/gtest.h>

#include <numeric>

namespace grm {
namespace {

TEST(ThreadPool, EveryTaskOnceAndAllDoneAtReturn) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (std::int64_t round = 0; round < 3000; ++round) {
      std::vector<std::int64_t> done(static_cast<std::size_t>(round % 17));
      pool.run(round % 17, [&](std::int64_t i) { done[static_cast<std::size_t>(i)] += i + round; });
      for (std::size_t i = 0; i < done.size(); ++i) ASSERT_EQ(done[i], static_cast<std::int64_t>(i) + round);
    }
  }
}

}  // namespace
}  // namespace grm
