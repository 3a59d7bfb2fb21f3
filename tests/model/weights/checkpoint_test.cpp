// Checkpoint folders: single file, shards, and indexes that lie.
#include <fstream>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "model/error.h"
#include "model/weights/safetensors.h"
#include "tests/temporary_folder.h"

namespace {

using grm::Checkpoint;
using grm::ModelError;
using grm::test::TemporaryFolder;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

// Two shards: a and b in the first, c in the second.
class ShardedCheckpoint : public testing::Test {
 protected:
  void SetUp() override {
    grm::write_safetensors(folder_.path() / "one.safetensors", {{"a", at::full({1}, 1)}, {"b", at::full({1}, 2)}});
    grm::write_safetensors(folder_.path() / "two.safetensors", {{"c", at::full({1}, 3)}});
    write_index({{"a", "one.safetensors"}, {"b", "one.safetensors"}, {"c", "two.safetensors"}});
  }
  void write_index(const json& weight_map) {
    folder_.write("model.safetensors.index.json", json{{"metadata", {{"total_size", 12}}}, {"weight_map", weight_map}}.dump());
  }
  std::string refusal() const {
    try {
      Checkpoint::open(folder_.path());
    } catch (const ModelError& error) {
      return error.what();
    }
    return "accepted";
  }
  TemporaryFolder folder_;
};

TEST_F(ShardedCheckpoint, ReadsEveryShard) {
  const Checkpoint checkpoint = Checkpoint::open(folder_.path());
  EXPECT_THAT(checkpoint.names(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(checkpoint.tensor("a").item<float>(), 1);
  EXPECT_EQ(checkpoint.tensor("c").item<float>(), 3);
  EXPECT_EQ(checkpoint.entry("b").shape, std::vector<std::int64_t>{1});
  EXPECT_TRUE(checkpoint.has("b"));
  EXPECT_FALSE(checkpoint.has("d"));
  EXPECT_THROW(checkpoint.tensor("d"), ModelError);
}

TEST_F(ShardedCheckpoint, ShardsMayBeLinks) {  // as in the Hub's cache
  const TemporaryFolder elsewhere;
  std::filesystem::rename(folder_.path() / "two.safetensors", elsewhere.path() / "blob");
  std::filesystem::create_symlink(elsewhere.path() / "blob", folder_.path() / "two.safetensors");
  EXPECT_EQ(Checkpoint::open(folder_.path()).tensor("c").item<float>(), 3);
}

TEST_F(ShardedCheckpoint, SingleFileComesFirst) {
  grm::write_safetensors(folder_.path() / "model.safetensors", {{"z", at::ones({1})}});
  EXPECT_THAT(Checkpoint::open(folder_.path()).names(), ElementsAre("z"));
}

TEST_F(ShardedCheckpoint, MissingShard) {
  std::filesystem::remove(folder_.path() / "two.safetensors");
  EXPECT_THAT(refusal(), HasSubstr("two.safetensors: missing shard"));
}

TEST_F(ShardedCheckpoint, BrokenShard) {
  std::filesystem::resize_file(folder_.path() / "two.safetensors", 70);
  EXPECT_THAT(refusal(), HasSubstr("two.safetensors: "));
}

TEST_F(ShardedCheckpoint, IndexThatDisagrees) {
  write_index({{"a", "one.safetensors"}, {"b", "two.safetensors"}, {"c", "two.safetensors"}});
  EXPECT_THAT(refusal(), HasSubstr("tensor b is"));
  write_index({{"a", "one.safetensors"}, {"b", "one.safetensors"}, {"c", "two.safetensors"}, {"d", "two.safetensors"}});
  EXPECT_THAT(refusal(), HasSubstr("tensor d is not in this shard"));
  write_index({{"a", "one.safetensors"}, {"c", "two.safetensors"}});
  EXPECT_THAT(refusal(), HasSubstr("tensor b is in this shard, but the index says otherwise"));
}

TEST_F(ShardedCheckpoint, ShardNamesStayInTheFolder) {
  for (const char* name : {"../two.safetensors", "/etc/x.safetensors", "sub/two.safetensors", "..\\two.safetensors",
                                  "C:two.safetensors", ".safetensors", "..safetensors", "", "two.bin"}) {
    write_index({{"a", name}});
    EXPECT_THAT(refusal(), HasSubstr("not a plain *.safetensors file name")) << name;
  }
  write_index({{"a", std::string("two.safetensors\0.safetensors", 28)}});
  EXPECT_THAT(refusal(), HasSubstr("not a plain"));
}

TEST_F(ShardedCheckpoint, BrokenIndex) {
  const auto refused = [&](const std::string& text) {
    folder_.write("model.safetensors.index.json", text);
    return refusal();
  };
  EXPECT_THAT(refused("{"), HasSubstr("not valid JSON"));
  EXPECT_THAT(refused("{}"), HasSubstr("no object weight_map"));
  EXPECT_THAT(refused(R"({"weight_map": []})"), HasSubstr("no object weight_map"));
  EXPECT_THAT(refused(R"({"weight_map": {}})"), HasSubstr("weight_map is empty"));
  EXPECT_THAT(refused(R"({"weight_map": {"a": 3}})"), HasSubstr("is not a string"));
  EXPECT_THAT(refused(R"({"weight_map": {"a": "one.safetensors", "a": "two.safetensors"}})"), HasSubstr("occurs twice"));
}

TEST(Checkpoint, EmptyFolder) {
  const TemporaryFolder folder;
  EXPECT_THROW(Checkpoint::open(folder.path()), ModelError);
}

}  // namespace
