// One injected fault and what must come of it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/harness/hub/hub_fixture.h"

namespace grm {

struct FaultCase {
  std::string name;
  std::function<void(HubFixture&)> arrange;
  std::vector<std::string> message;  // parts of the error's text; none: the fetch must succeed all the same
  std::function<void(HubFixture&)> then = {};
};

inline void PrintTo(const FaultCase& fault, std::ostream* out) { *out << fault.name; }

/// Fetches under the fault: right result or clear error, no wrong file, no token astray; and once the fault is over, the same
/// command gives the right result.
inline void expect_right_result_or_clear_error(const FaultCase& fault) {
  HubFixture fixture;
  fault.arrange(fixture);
  const std::string failure = fixture.failure();
  if (fault.message.empty()) {
    EXPECT_EQ(failure, "");
  }
  for (const auto& part : fault.message) EXPECT_THAT(failure, testing::HasSubstr(part));
  EXPECT_THAT(failure, testing::Not(testing::HasSubstr(kToken)));
  EXPECT_THAT(fixture.faults_of_cache(!fault.message.empty()), testing::IsEmpty());
  EXPECT_THAT(fixture.leaks(), testing::IsEmpty());
  if (fault.then) fault.then(fixture);
}

inline void expect_recovery(const FaultCase& fault) {
  HubFixture fixture;
  const FetchOptions before = fixture.options;
  const ServedRepo repo = fixture.repo;
  fault.arrange(fixture);
  fixture.failure();
  fixture.hub.set_fault({});
  fixture.storage.set_fault({});
  fixture.hub.set_page_size(1000);
  fixture.hub.add(repo);
  fixture.repo = repo;
  fixture.options = before;
  fixture.ref.revision = "main";
  EXPECT_EQ(fixture.failure(), "");
  EXPECT_THAT(fixture.faults_of_cache(false), testing::IsEmpty());
  for (const auto& file : repo.files) EXPECT_TRUE(std::filesystem::is_regular_file(fixture.snapshot() / file.path)) << file.path;
}

inline std::string name_of(const testing::TestParamInfo<FaultCase>& info) { return info.param.name; }

}  // namespace grm
