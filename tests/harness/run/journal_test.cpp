#include "harness/run/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <thread>

#include "harness/error.h"
#include "harness/files/hash.h"
#include "tests/harness/run/example_judgement.h"
#include "tests/temporary_folder.h"

namespace grm {

using test::TemporaryFolder;
using test::put;
using test::slurp;
using test::message_of;
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string dumped(const Judgements& judgements) {
  std::string all;
  for (const auto& [key, judgement] : judgements) all += canonical_dump(to_json(judgement)) + "\n";
  return all;
}

void append_all(const std::filesystem::path& path, int n) {
  std::vector<std::string> warnings;
  Journal journal(path, warnings);
  for (int i = 0; i < n; ++i) {
    if (!journal.is_done(key_of(example_judgement(i)))) journal.append(example_judgement(i));
  }
}

TEST(Journal, RoundTripsEveryField) {
  for (int i = 0; i < 50; ++i) {
    const json object = to_json(example_judgement(i));
    EXPECT_EQ(to_json(judgement_from_json(parse_json(canonical_dump(object), "line"), "line")), object);
  }
  Judgement failed = example_judgement(1);
  failed.finish = Finish::error;
  failed.error_kind = ErrorKind::item;
  failed.error = "the prompt has 9000 tokens, the context 8192";
  failed.verdict.reset();
  failed.correct.reset();
  failed.label.reset();
  failed.mechanism.reset();
  failed.tokens_per_unit.reset();
  const Judgement back = judgement_from_json(to_json(failed), "line");
  EXPECT_EQ(back.error_kind, ErrorKind::item);
  EXPECT_EQ(back.error, failed.error);
  EXPECT_EQ(to_json(back), to_json(failed));
}

TEST(Journal, HoldsExactlyTheFieldsOfADesignedRecord) {
  std::vector<std::string> names;
  const json object = to_json(example_judgement(0));
  for (const auto& [name, value] : object.items()) names.push_back(name);
  EXPECT_THAT(names, testing::UnorderedElementsAre(
                         "item", "suite", "subset", "domain", "cluster", "task", "order", "sample", "prompt_hash", "prompt_tokens",
                         "text", "invalid_bytes", "output_tokens", "finish", "error", "verdict", "label", "correct",
                         "distinct_verdicts", "mechanism", "units", "trigger", "tokens_per_unit", "first_token_ids", "stream",
                         "seconds"));
}

TEST(Journal, RefusesRecordsOutOfRange) {
  const auto refused = [](auto&& change) {
    Judgement j = example_judgement(1);
    change(j);
    EXPECT_THROW(to_json(j), UserError);
  };
  refused([](Judgement& j) { j.seconds.decode = std::numeric_limits<double>::quiet_NaN(); });
  refused([](Judgement& j) { j.tokens_per_unit = std::numeric_limits<double>::infinity(); });
  refused([](Judgement& j) { j.output_tokens = -1; });
  refused([](Judgement& j) { j.finish = Finish::error; });
  refused([](Judgement& j) { j.error_kind = ErrorKind::passing; });
  refused([](Judgement& j) { j.task.answers = {0}; });
  refused([](Judgement& j) { j.task.answers = {0, -1}; });
  refused([](Judgement& j) { j.task = {TaskKind::score, {0}}; });  // its verdict is no number
  refused([](Judgement& j) { j.item.clear(); });

  const auto unread = [](auto&& change) {
    json object = to_json(example_judgement(1));
    change(object);
    return message_of<UserError>([&] { judgement_from_json(object, "journal.jsonl:7"); });
  };
  EXPECT_THAT(unread([](json& o) { o.erase("order"); }), testing::AllOf(HasSubstr("journal.jsonl:7"), HasSubstr("\"order\" is missing")));
  EXPECT_THAT(unread([](json& o) { o["order"] = "xy"; }), HasSubstr("ab, ba"));
  EXPECT_THAT(unread([](json& o) { o["sample"] = 1.5; }), HasSubstr("sample"));
  EXPECT_THAT(unread([](json& o) { o["sample"] = 5000000000; }), HasSubstr("sample"));
  EXPECT_THAT(unread([](json& o) { o["extra"] = 1; }), HasSubstr("unknown field \"extra\""));
  EXPECT_THAT(unread([](json& o) { o["stream"] = "12"; }), HasSubstr("32 hex digits"));
  EXPECT_THAT(unread([](json& o) { o["task"]["kind"] = 3; }), HasSubstr("kind"));
  EXPECT_THAT(unread([](json& o) { o["seconds"]["decode"] = nullptr; }), HasSubstr("decode"));
}

TEST(Journal, InvalidUtf8IsMadeSafeAndCounted) {
  const TemporaryFolder folder;
  std::vector<std::string> warnings;
  Journal journal(folder / "j", warnings);
  Judgement j = example_judgement(0);
  j.text = "cut \xF0\x9F";
  journal.append(j);
  const Judgement kept = journal.judgements().begin()->second;
  const Judgement read = read_journal(folder / "j").judgements.begin()->second;
  EXPECT_EQ(read.invalid_bytes, 2);
  EXPECT_EQ(read.text, "cut \uFFFD\uFFFD");
  EXPECT_EQ(to_json(kept), to_json(read));
}

TEST(Journal, LastLineOfAKeyWinsAndPassingErrorsAreTriedAgain) {
  const TemporaryFolder folder;
  Judgement failed = example_judgement(0);
  failed.finish = Finish::error;
  failed.error_kind = ErrorKind::passing;
  failed.error = "connection refused";
  Judgement hopeless = example_judgement(1);
  hopeless.finish = Finish::error;
  hopeless.error_kind = ErrorKind::item;
  hopeless.error = "too long";
  {
    std::vector<std::string> warnings;
    Journal journal(folder / "j", warnings);
    EXPECT_FALSE(journal.is_done(key_of(failed)));
    journal.append(failed);
    journal.append(hopeless);
    EXPECT_FALSE(journal.is_done(key_of(failed)));
    EXPECT_TRUE(journal.is_done(key_of(hopeless)));
  }
  append_all(folder / "j", 1);
  const Judgements read = read_journal(folder / "j").judgements;
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read.at(key_of(failed)).finish, example_judgement(0).finish);
  const std::string text = slurp(folder / "j");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);  // schema, two failures, one success
}

TEST(Journal, CutAtEveryByteItGoesOnToTheSameRecords) {
  const TemporaryFolder folder;
  append_all(folder / "whole", 2);
  const std::string whole = slurp(folder / "whole");
  const std::string records = dumped(read_journal(folder / "whole").judgements);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put(folder / "cut", whole.substr(0, size));
    const JournalContents before = read_journal(folder / "cut");
    EXPECT_EQ(before.end.torn_bytes, size - before.end.good_bytes);
    std::vector<std::string> warnings;
    { const Journal journal(folder / "cut", warnings); }
    EXPECT_EQ(warnings.size(), before.end.torn_bytes > 0 ? 1u : 0u);
    append_all(folder / "cut", 2);
    ASSERT_EQ(slurp(folder / "cut"), whole) << "cut at " << size;
    ASSERT_EQ(dumped(read_journal(folder / "cut").judgements), records);
  }
}

TEST(Journal, DamageBeforeTheEndIsAnErrorThatNamesTheLine) {
  const TemporaryFolder folder;
  append_all(folder / "j", 3);
  const std::string whole = slurp(folder / "j");
  const std::size_t second = whole.find('\n') + 1;
  const std::size_t third = whole.find('\n', second) + 1;
  const auto expect_line = [&](const std::string& bytes, const std::string& place) {
    put(folder / "bad", bytes);
    EXPECT_THAT(message_of<UserError>([&] { read_journal(folder / "bad"); }), HasSubstr(place));
    std::vector<std::string> warnings;
    EXPECT_THROW(Journal(folder / "bad", warnings), UserError);
    EXPECT_EQ(slurp(folder / "bad"), bytes);  // nothing is repaired silently
  };
  expect_line(whole.substr(0, third - 10) + whole.substr(third), "bad:2");
  expect_line(whole.substr(0, third - 10) + "\n" + whole.substr(third), "bad:2");
  expect_line(whole.substr(0, third) + "\n" + whole.substr(third), "bad:3");
  expect_line(whole.substr(0, third) + "[]\n" + whole.substr(third), "bad:3");
  expect_line(whole.substr(second), "bad:1");
  expect_line(R"({"schema":{"name":"grm.journal","version":2}})" "\n", "newer program");
}

TEST(Journal, ThreadsShareIt) {
  const TemporaryFolder folder;
  std::vector<std::string> warnings;
  {
    Journal journal(folder / "j", warnings);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&journal, t] {
        for (int i = t; i < 200; i += 4) {
          journal.append(example_judgement(i));
          EXPECT_TRUE(journal.is_done(key_of(example_judgement(i))));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    journal.sync();
  }
  append_all(folder / "serial", 200);
  EXPECT_EQ(dumped(read_journal(folder / "j").judgements), dumped(read_journal(folder / "serial").judgements));
}

TEST(PromptStore, KeepsEachPromptOnceAndChecksItsHash) {
  const TemporaryFolder folder;
  std::vector<std::string> warnings;
  std::string hash;
  {
    PromptStore prompts(folder / "p", warnings);
    hash = prompts.add("Which is better?\n…");
    EXPECT_EQ(hash, sha256_hex("Which is better?\n…"));
    EXPECT_EQ(prompts.add("Which is better?\n…"), hash);
    prompts.add("another");
  }
  { PromptStore(folder / "p", warnings).add("another"); }
  EXPECT_EQ(read_prompts(folder / "p").prompts.size(), 2u);
  EXPECT_EQ(read_prompts(folder / "p").prompts.at(hash), "Which is better?\n…");
  const std::string whole = slurp(folder / "p");
  EXPECT_EQ(std::count(whole.begin(), whole.end(), '\n'), 3);

  put(folder / "p", whole + R"({"hash":"ab)");
  { PromptStore(folder / "p", warnings).add("third"); }
  EXPECT_EQ(warnings.size(), 1u);
  EXPECT_EQ(read_prompts(folder / "p").prompts.size(), 3u);

  std::string changed = whole;
  changed.replace(changed.find("another"), 7, "An0ther");
  put(folder / "p", changed);
  EXPECT_THAT(message_of<UserError>([&] { read_prompts(folder / "p"); }), HasSubstr("does not have the hash"));
}

}  // namespace
}  // namespace grm
