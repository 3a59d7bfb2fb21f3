#include "harness/run/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "harness/error.h"
#include "tests/harness/run/toy_run.h"
#include "tests/temporary_folder.h"

namespace grm {

using test::TemporaryFolder;
using test::message_of;
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(Manifest, RoundTrips) {
  const TemporaryFolder folder;
  Manifest manifest = toy_manifest(3);
  manifest.start = utc_now();
  manifest.resumes = {"2026-01-31T12:00:00Z"};
  manifest.artifacts.push_back({"data:toy", "some/folder", "", {{"a.jsonl", std::string(64, '1')}, {"b/c.jsonl", std::string(64, '2')}}});
  write_manifest(folder / "m", manifest);
  const Manifest read = read_manifest(folder / "m");
  EXPECT_EQ(to_json(read), to_json(manifest));
  EXPECT_TRUE(differences(read, manifest).empty());
  EXPECT_EQ(utc_now().size(), std::string("2026-01-31T12:00:00Z").size());
}

/// Every leaf but those that may differ, changed one at a time, is reported: so the table knows every field.
TEST(Manifest, EveryFieldIsEitherComparedOrNamedAsFree) {
  const Manifest base = toy_manifest(3);
  // An artifact with hashes is the same wherever it lies.
  const std::set<std::string> free{"/start", "/end", "/resumes", "/requested/suite", "/machine/driver", "/artifacts/judge/repository"};
  const json flat = to_json(base).flatten();
  for (const auto& [pointer, value] : flat.items()) {
    json changed = to_json(base);
    json& leaf = changed[json::json_pointer(pointer)];
    if (leaf.is_boolean()) {
      leaf = !leaf.get<bool>();
    } else if (leaf.is_string()) {
      leaf = leaf.get<std::string>() + "x";
    } else if (leaf.is_number_float()) {
      leaf = leaf.get<double>() + 0.25;
    } else if (leaf.is_number()) {
      leaf = leaf.get<std::int64_t>() + 1;
    } else {
      continue;
    }
    const auto lines = differences(base, manifest_from_json(changed, "changed"));
    EXPECT_EQ(lines.size(), free.contains(pointer) ? 0u : 1u) << pointer;
  }
}

TEST(Manifest, RefusesTwoArtifactsOfOneRole) {
  Manifest manifest = toy_manifest(3);
  manifest.artifacts.push_back(manifest.artifacts[0]);
  EXPECT_THAT(message_of<UserError>([&] { to_json(manifest); }), HasSubstr("\"judge\" is named twice"));
}

TEST(Manifest, SeedsOfTheDimensionsDiffer) {
  const Seeds a = seeds_from(0);
  const Seeds b = seeds_from(1);
  const std::set<std::uint64_t> all{a.subset, a.order, a.sampling, a.bootstrap, a.data, a.init,
                                    b.subset, b.order, b.sampling, b.bootstrap, b.data, b.init};
  EXPECT_EQ(all.size(), 12u);
  EXPECT_LT(*all.rbegin(), std::uint64_t{1} << 53);
}

TEST(Provenance, SaysWhatWasBuilt) {
  const BuildInfo& build = build_info();
  EXPECT_FALSE(build.version.empty());
  EXPECT_THAT(build.compiler, testing::MatchesRegex("[A-Za-z]+ [0-9.]+.*"));
  EXPECT_TRUE(build.commit.empty() || build.commit.size() == 40);
  EXPECT_THAT(version_text(build), testing::AllOf(HasSubstr(build.version), HasSubstr("commit "), HasSubstr(build.compiler)));
  EXPECT_FALSE(is_committed({.version = "1", .commit = "", .dirty = false, .build_type = "", .compiler = ""}));
  EXPECT_FALSE(is_committed({.version = "1", .commit = "c", .dirty = true, .build_type = "", .compiler = ""}));
  EXPECT_TRUE(is_committed({.version = "1", .commit = "c", .dirty = false, .build_type = "", .compiler = ""}));
}

}  // namespace
}  // namespace grm
