// Faults while a file comes: broken, changed, mislabelled, delayed transfers.
#include "tests/harness/hub/fault_case.h"

#include "harness/files/atomic_file.h"

namespace grm {
namespace {

using testing::HasSubstr;

const auto kStorageGet = [](const SeenRequest& r) { return is_get_of(r, "storage"); };
const auto kConfigGet = [](const SeenRequest& r) { return is_get_of(r, "config.json"); };
const auto kConfigHead = [](const SeenRequest& r) { return r.method == "HEAD" && r.file == "config.json"; };
const auto kStoredHead = [](const SeenRequest& r) { return r.method == "HEAD" && r.file == "sub dir/deeper/100%.bin"; };
const auto kResume = [](const SeenRequest& r) { return is_get_of(r, "storage") && !r.range.empty(); };

Fault both(Fault first, Fault second) {
  return [first = std::move(first), second = std::move(second)](const SeenRequest& r, ServedAnswer& a) {
    first(r, a);
    second(r, a);
  };
}
Fault cut_once() {
  return fault_on([](const SeenRequest& r) { return kStorageGet(r) && r.range.empty(); },
                  [](ServedAnswer& a) { a.cut_after = 40'000; }, 2);
}
void expect_resumed(HubFixture& f) {
  const auto seen = f.storage.seen();
  EXPECT_TRUE(std::any_of(seen.begin(), seen.end(), [](const auto& r) { return r.range == "bytes=40000-"; }));
}
void append_bytes(ServedAnswer& a) { a.set_body(*a.content + "extra"); }
void drop_bytes(ServedAnswer& a) { a.set_body(a.content->substr(0, a.content->size() / 2)); }
void flip_byte(ServedAnswer& a) {
  std::string body = *a.content;
  body[body.size() / 2] = static_cast<char>(body[body.size() / 2] ^ 1);
  const std::size_t begin = a.begin;
  a.set_body(std::move(body));
  a.begin = begin;
}

std::vector<FaultCase> cut_and_resumed() {
  return {
      {"nothing_wrong",
       [](HubFixture&) {},
       {},
       [](HubFixture& f) {
         EXPECT_EQ(read_file(f.root() / "refs" / "main"), kCommit);
         EXPECT_EQ(std::filesystem::read_symlink(f.snapshot() / "sub dir/deeper/100%.bin").string(),
                   "../../../../blobs/" + f.hash("sub dir/deeper/100%.bin"));
       }},
      {"cut_body_resumes", [](HubFixture& f) { f.storage.set_fault(cut_once()); }, {}, expect_resumed},
      {"cut_again_and_again_with_progress",
       [](HubFixture& f) { f.storage.set_fault(fault_on(kStorageGet, [](ServedAnswer& a) { a.cut_after = 80'000; })); },
       {}},
      {"cut_always_at_once",
       [](HubFixture& f) { f.storage.set_fault(fault_on(kStorageGet, [](ServedAnswer& a) { a.cut_after = 0; })); },
       {"transfer failed", "run the same command again"}},
      {"cut_in_plain_file",
       [](HubFixture& f) { f.hub.set_fault(fault_on(kConfigGet, [](ServedAnswer& a) { a.cut_after = 3; }, 1)); },
       {}},
      {"all_of_it_200_instead_of_206",
       [](HubFixture& f) {
         f.storage.set_fault(both(cut_once(), fault_on(kResume, [](ServedAnswer& a) {
                                    a.status = 200;
                                    a.begin = 0;
                                    a.remove_header("Content-Range");
                                  })));
       },
       {}},
      {"range_begins_elsewhere",
       [](HubFixture& f) {
         f.storage.set_fault(both(cut_once(), fault_on(kResume, [](ServedAnswer& a) {
                                    a.begin = 10;
                                    a.set_header("Content-Range", "bytes 10-299999/300000");
                                  })));
       },
       {}},
      {"range_not_named",
       [](HubFixture& f) {
         f.storage.set_fault(both(cut_once(), fault_on(kResume, [](ServedAnswer& a) { a.remove_header("Content-Range"); })));
       },
       {}},
      {"range_of_other_bytes_in_disguise",
       [](HubFixture& f) {
         f.storage.set_fault(both(cut_once(), fault_on(
                                                  kResume,
                                                  [](ServedAnswer& a) {
                                                    a.claimed_length = a.content->size() - a.begin;
                                                    a.begin -= 7;
                                                  },
                                                  1)));
       },
       {}},
      {"status_416_on_resume",
       [](HubFixture& f) { f.storage.set_fault(both(cut_once(), fault_on(kResume, [](ServedAnswer& a) { a.replace(416); }))); },
       {}},
      {"status_416_always",
       [](HubFixture& f) { f.storage.set_fault(fault_on(kStorageGet, [](ServedAnswer& a) { a.replace(416); })); },
       {"transfer failed"}},
      {"stalls_midway_then_resumes",
       [](HubFixture& f) {
         f.options.hub.download_timeout_seconds = 1;
         f.storage.set_fault(fault_on(kStorageGet, [](ServedAnswer& a) { a.stall_after = 30'000; }, 1));
       },
       {}},
      {"stalls_for_ever",
       [](HubFixture& f) {
         f.options.hub.download_timeout_seconds = 1;
         f.options.hub.retries = 0;
         f.storage.set_fault(fault_on(kStorageGet, [](ServedAnswer& a) { a.stall_after = 0; }));
       },
       {"does not answer in time", "check the network"}},
  };
}

std::vector<FaultCase> wrong_content() {
  return {
      {"length_promised_too_long",
       [](HubFixture& f) { f.storage.set_fault(fault_on(kStorageGet, [](ServedAnswer& a) { a.claimed_length = 400'000; })); },
       {"another length"}},
      {"body_too_long", [](HubFixture& f) { f.storage.set_fault(fault_on(kStorageGet, append_bytes)); }, {"another length"}},
      {"body_too_short", [](HubFixture& f) { f.storage.set_fault(fault_on(kStorageGet, drop_bytes)); }, {"another length"}},
      {"body_too_long_once", [](HubFixture& f) { f.storage.set_fault(fault_on(kStorageGet, append_bytes, 1)); }, {}},
      {"plain_body_too_long",
       [](HubFixture& f) { f.hub.set_fault(fault_on(kConfigGet, append_bytes)); },
       {"config.json", "another length"}},
      {"empty_body",
       [](HubFixture& f) { f.storage.set_fault(fault_on(kStorageGet, [](ServedAnswer& a) { a.set_body(""); })); },
       {"another length"}},
      {"error_page_with_status_200",
       [](HubFixture& f) {
         f.storage.set_fault(fault_on(kStorageGet, [](ServedAnswer& a) { a.set_body("<html>log in</html>"); }));
       },
       {"another length"}},
      {"wrong_hash_once",
       [](HubFixture& f) { f.storage.set_fault(fault_on(kStorageGet, flip_byte, 1)); },
       {},
       [](HubFixture& f) { EXPECT_THAT(f.talk(), HasSubstr("wrong hash")); }},
      {"wrong_hash_of_stored_file",
       [](HubFixture& f) { f.storage.set_fault(fault_on(kStorageGet, flip_byte)); },
       {"wrong hash twice", "sha256"}},
      {"wrong_hash_of_plain_file",
       [](HubFixture& f) { f.hub.set_fault(fault_on(kConfigGet, flip_byte)); },
       {"'config.json' of org/judge", "wrong hash twice", "git sha1"}},
      {"content_encoding_nobody_asked_for",
       [](HubFixture& f) {
         f.hub.set_fault(fault_on(kConfigGet, [](ServedAnswer& a) { a.set_header("Content-Encoding", "gzip"); }));
       },
       {"Content-Encoding gzip"}},
      {"etag_changed_since_the_list",
       [](HubFixture& f) {
         f.hub.set_fault(fault_on(kConfigHead, [](ServedAnswer& a) { a.set_header("ETag", '"' + std::string(40, '7') + '"'); }));
       },
       {"differs from its list", std::string(40, '7')}},
      {"etag_changed_between_head_and_get",
       [](HubFixture& f) {
         f.hub.set_fault(
             fault_on(kConfigGet, [](ServedAnswer& a) { a.set_header("ETag", "W/\"" + std::string(40, '8') + '"'); }));
       },
       {"differs from its list", std::string(40, '8')}},
      {"linked_etag_changed",
       [](HubFixture& f) {
         f.hub.set_fault(
             fault_on(kStoredHead, [](ServedAnswer& a) { a.set_header("X-Linked-Etag", '"' + std::string(64, '9') + '"'); }));
       },
       {"hash", std::string(64, '9')}},
      {"linked_size_changed",
       [](HubFixture& f) {
         f.hub.set_fault(fault_on(kStoredHead, [](ServedAnswer& a) { a.set_header("X-Linked-Size", "12"); }));
       },
       {"size 70000", "12"}},
      {"commit_changed",
       [](HubFixture& f) {
         f.hub.set_fault(fault_on(kConfigHead, [](ServedAnswer& a) { a.set_header("X-Repo-Commit", std::string(40, 'f')); }));
       },
       {"commit", std::string(40, 'f')}},
      {"commit_missing",
       [](HubFixture& f) { f.hub.set_fault(fault_on(kConfigHead, [](ServedAnswer& a) { a.remove_header("X-Repo-Commit"); })); },
       {"X-Repo-Commit", "HF_ENDPOINT"}},
      {"vanished_before_head",
       [](HubFixture& f) {
         f.hub.set_fault(fault_on(kConfigHead, [](ServedAnswer& a) { a.replace(404, "EntryNotFound", "Entry not found"); }));
       },
       {"'org/judge' has no file 'config.json'"}},
      {"vanished_before_get",
       [](HubFixture& f) {
         f.hub.set_fault(fault_on(kConfigGet, [](ServedAnswer& a) { a.replace(404, "EntryNotFound", "Entry not found"); }));
       },
       {"'org/judge' has no file 'config.json'"}},
      {"empty_file_vanished",
       [](HubFixture& f) {
         f.hub.set_fault(fault_on([](const SeenRequest& r) { return is_get_of(r, "empty.txt"); },
                                  [](ServedAnswer& a) { a.replace(404, "EntryNotFound"); }));
       },
       {"no file 'empty.txt'"}},
      {"vanished_from_storage",
       [](HubFixture& f) { f.storage.set_fault(fault_on(kStorageGet, [](ServedAnswer& a) { a.replace(404); })); },
       {"storage", "404"}},
      {"signed_address_ran_out_once",
       [](HubFixture& f) { f.storage.set_fault(fault_on(kStorageGet, [](ServedAnswer& a) { a.replace(403); }, 1)); },
       {}},
  };
}

class TransferFaults : public testing::TestWithParam<FaultCase> {};
TEST_P(TransferFaults, RightResultOrClearError) { expect_right_result_or_clear_error(GetParam()); }
TEST_P(TransferFaults, OverAndDoneAfterwards) { expect_recovery(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Cut, TransferFaults, testing::ValuesIn(cut_and_resumed()), name_of);
INSTANTIATE_TEST_SUITE_P(Content, TransferFaults, testing::ValuesIn(wrong_content()), name_of);

}  // namespace
}  // namespace grm
