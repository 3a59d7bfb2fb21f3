// Faults of the server's answers: refusals, limits, redirects, malformed and hostile lists.
#include "tests/harness/hub/fault_case.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <ctime>

#include "harness/files/atomic_file.h"

namespace grm {
namespace {

using testing::HasSubstr;

const auto kRevision = [](const SeenRequest& r) { return is_api(r, "/revision/"); };
const auto kTree = [](const SeenRequest& r) { return is_api(r, "/tree/"); };
const auto kAnyApi = [](const SeenRequest& r) { return is_api(r, ""); };
const auto kAnyFile = [](const SeenRequest& r) { return !r.file.empty(); };
const auto kConfigGet = [](const SeenRequest& r) { return is_get_of(r, "config.json"); };
const auto kStorageGet = [](const SeenRequest& r) { return is_get_of(r, "storage"); };

std::function<void(HubFixture&)> on_hub(std::function<bool(const SeenRequest&)> applies,
                                        std::function<void(ServedAnswer&)> change, int times = 1 << 30) {
  return [=](HubFixture& f) { f.hub.set_fault(fault_on(applies, change, times)); };
}
std::function<void(ServedAnswer&)> refuse(int status, const std::string& code = "", const std::string& message = "") {
  return [=](ServedAnswer& a) { a.replace(status, code, message); };
}
std::function<void(ServedAnswer&)> refuse_with(int status, const std::string& header, const std::string& value) {
  return [=](ServedAnswer& a) {
    a.replace(status);
    a.set_header(header, value);
  };
}
std::function<void(ServedAnswer&)> send_body(const std::string& body) {
  return [=](ServedAnswer& a) { a.set_body(body); };
}
std::function<void(HubFixture&)> said(const std::string& part) {
  return [=](HubFixture& f) { EXPECT_THAT(f.talk(), HasSubstr(part)); };
}
std::string http_date_in(int seconds) {
  const std::time_t when = std::time(nullptr) + seconds;
  std::tm parts{};
  ::gmtime_r(&when, &parts);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text.data();
}

std::vector<FaultCase> limits() {
  return {
      {"rate_limit_with_seconds", on_hub(kRevision, refuse_with(429, "Retry-After", "7"), 1), {}, said("waiting as told 7 s")},
      {"rate_limit_with_date",
       on_hub(kRevision, refuse_with(429, "Retry-After", http_date_in(40)), 1),
       {},
       said("waiting as told")},
      {"rate_limit_header",
       on_hub(kTree, refuse_with(429, "RateLimit", "\"api\";r=0;t=55"), 1),
       {},
       said("waiting as told 55 s")},
      {"rate_limit_on_file", on_hub(kAnyFile, refuse_with(429, "Retry-After", "3"), 4), {}, said("waiting as told 3 s")},
      {"rate_limit_for_a_day", on_hub(kRevision, refuse_with(429, "Retry-After", "86400")), {"asks to wait 86400 s", "later"}},
      {"rate_limit_nonsense_seconds", on_hub(kRevision, refuse_with(429, "Retry-After", "9e99"), 1), {}},
      {"rate_limit_negative", on_hub(kRevision, refuse_with(429, "Retry-After", "-5"), 1), {}},
      {"rate_limit_always", on_hub(kRevision, refuse(429)), {"rate limit reached (429)", "6 tries"}},
      {"rate_limit_longer_in_all", on_hub(kRevision, refuse_with(429, "Retry-After", "250")), {"asks to wait 250 s"}},
      {"status_503_storm_that_passes", on_hub(kAnyApi, refuse(503), 5), {}},
      {"status_503_for_ever", on_hub(kAnyApi, refuse(503)), {"status 503", "run the same command again later"}},
      {"status_503_of_storage", [](HubFixture& f) { f.storage.set_fault(fault_on(kStorageGet, refuse(503))); }, {"status 503"}},
      {"status_500_on_head_once", on_hub([](const SeenRequest& r) { return r.method == "HEAD"; }, refuse(500), 3), {}},
      {"status_502_on_get_once", on_hub(kConfigGet, refuse(502), 1), {}},
      {"status_504_on_list_once", on_hub(kTree, refuse(504), 1), {}},
      {"status_408_once", on_hub(kRevision, refuse(408), 1), {}},
      {"status_418", on_hub(kRevision, refuse(418)), {"status 418"}},
      {"list_cut_once",
       on_hub(
           kTree, [](ServedAnswer& a) { a.cut_after = 20; }, 1),
       {}},
      {"silent_server",
       [](HubFixture& f) {
         f.options.hub.metadata_timeout_seconds = 1;
         f.options.hub.retries = 0;
         f.hub.set_fault(fault_on(kRevision, [](ServedAnswer& a) { a.stall_after = 0; }));
       },
       {"does not answer in time", "HF_ENDPOINT"}},
      {"nobody_listens",
       [](HubFixture& f) {
         const int port = HubServer().port();  // free again
         f.options.hub.endpoint = *parse_url(fmt::format("http://127.0.0.1:{}", port));
         f.options.hub.endpoint.text.pop_back();
       },
       {"cannot be reached", "HF_ENDPOINT", "--offline"}},
      {"no_such_host",
       [](HubFixture& f) {
         f.options.hub.retries = 0;
         f.options.hub.endpoint = *parse_url("http://hub.invalid");
         f.options.hub.endpoint.text.pop_back();
       },
       {"hub.invalid cannot be reached"}},
  };
}

std::vector<FaultCase> refusals() {
  const auto anonymous = [](std::function<void(HubFixture&)> arrange) {
    return [=](HubFixture& f) {
      f.options.hub.token.clear();
      arrange(f);
    };
  };
  return {
      {"not_found", on_hub(kAnyApi, refuse(404, "RepoNotFound", "Repository not found")), {"'org/judge' not found", "spelling"}},
      {"not_found_anonymous", anonymous(on_hub(kAnyApi, refuse(401, "RepoNotFound"))), {"'org/judge' not found", "set HF_TOKEN"}},
      {"revision_not_found", [](HubFixture& f) { f.ref.revision = "v9"; }, {"'org/judge' has no revision 'v9'"}},
      {"gated_anonymous",
       anonymous(on_hub(kAnyFile, refuse(401, "GatedRepo", "Access to model org/judge is restricted."))),
       {"'org/judge' is gated", "HF_TOKEN", "/org/judge"}},
      {"gated_without_access",
       on_hub(kAnyFile, refuse(403, "GatedRepo", "You are not in the authorized list.")),
       {"'org/judge' is gated", "no access yet"}},
      {"token_not_accepted",
       on_hub(kAnyApi, refuse(401, "", "Invalid credentials in Authorization header")),
       {"unauthorised (401)", "renew HF_TOKEN"}},
      {"unauthorised_anonymous", anonymous(on_hub(kAnyApi, refuse(401))), {"not found", "set HF_TOKEN"}},
      {"forbidden", on_hub(kAnyApi, refuse(403)), {"forbidden (403)"}},
      {"disabled", on_hub(kAnyApi, refuse(403, "", "Access to this resource is disabled.")), {"is disabled on the Hub"}},
      {"request_id_is_told", on_hub(kAnyApi, refuse(404, "RepoNotFound")), {"Root=1-fixture"}},
      {"token_echoed_by_the_server",
       on_hub(kAnyApi, refuse(400, "", fmt::format("Bearer {} is bad", kToken))),
       {"Bearer *** is bad"}},
      {"escape_sequences_in_the_answer",
       on_hub(kAnyApi, refuse(400, "", "\x1b[2Jgone")),
       {"status 400"},
       [](HubFixture& f) { EXPECT_THAT(f.failure(), testing::Not(HasSubstr("\x1b"))); }},
      {"warning_is_shown",
       on_hub(kRevision, [](ServedAnswer& a) { a.set_header("X-HF-Warning", "old;upgrade"); }),
       {},
       said("old;upgrade")},
  };
}

std::vector<FaultCase> redirects() {
  const auto to = [](int status, const std::string& location) {
    return [=](ServedAnswer& a) {
      a = ServedAnswer{};
      a.status = status;
      a.set_header("Location", location);
    };
  };
  const auto to_other_host = [](std::function<bool(const SeenRequest&)> applies) {
    return [=](HubFixture& f) {
      const std::string other = f.storage.url();
      f.hub.set_fault(fault_on(applies, [=](ServedAnswer& a) {
        a = ServedAnswer{};
        a.status = 302;
        a.set_header("Location", other + "/elsewhere");
      }));
    };
  };
  return {
      {"renamed_repository",
       [](HubFixture& f) {
         f.hub.set_fault([](const SeenRequest& r, ServedAnswer& a) {
           const auto at = r.target.find("old/name");
           if (at == std::string::npos) return;
           a = ServedAnswer{};
           a.status = 307;
           a.set_header("Location", std::string(r.target).replace(at, 8, "org/judge"));
         });
         f.ref.id = "old/name";
       },
       {},
       [](HubFixture& f) {
         EXPECT_EQ(read_file(f.cache() / "models--old--name/snapshots" / kCommit / "config.json"),
                   *f.file("config.json").content);
       }},
      {"redirect_loop_of_metadata", on_hub(kRevision, to(302, "/api/models/org/judge/revision/main")), {"redirect loop"}},
      {"redirect_loop_of_head",
       on_hub([](const SeenRequest& r) { return r.method == "HEAD"; }, to(302, "?again")),
       {"redirect loop"}},
      {"redirect_loop_of_file", on_hub(kConfigGet, to(302, "config.json")), {"redirect loop"}},
      {"metadata_redirected_to_another_host", to_other_host(kRevision), {"another host", "HF_ENDPOINT"}},
      {"head_redirected_to_another_host",
       to_other_host([](const SeenRequest& r) { return r.method == "HEAD"; }),
       {"another host"}},
      {"file_redirected_to_another_host", to_other_host(kConfigGet), {"the storage 127.0.0.1 answers with status 404"}},
      {"redirect_without_location", on_hub(kConfigGet, [](ServedAnswer& a) { a.replace(302); }), {"without a usable address"}},
      {"redirect_to_a_local_file", on_hub(kConfigGet, to(302, "file:///etc/passwd")), {"without a usable address"}},
      {"redirect_with_a_password", on_hub(kConfigGet, to(302, "http://user:secret@127.0.0.1/")), {"without a usable address"}},
      {"page_on_another_host",
       [](HubFixture& f) {
         const std::string other = f.storage.url();
         f.hub.set_fault(fault_on(kTree, [=](ServedAnswer& a) { a.set_header("Link", "<" + other + "/api/x>; rel=\"next\""); }));
       },
       {"another host"},
       [](HubFixture& f) { EXPECT_THAT(f.storage.seen(), testing::IsEmpty()); }},
      {"pages", [](HubFixture& f) { f.hub.set_page_size(1); }, {}},
      {"pages_in_a_circle",
       on_hub(kTree, [](ServedAnswer& a) { a.set_header("Link", "<?recursive=true&expand=false>; rel=\"next\""); }),
       {"circle"}},
      {"pages_without_end",
       [](HubFixture& f) {
         f.options.hub.max_pages = 20;
         auto page = std::make_shared<std::atomic<int>>(0);
         f.hub.set_fault(fault_on(kTree, [page](ServedAnswer& a) {
           a.set_body("[]");
           a.set_header("Link", fmt::format("<?cursor={}>; rel=\"next\"", ++*page));
         }));
       },
       {"more than 20 pages"}},
  };
}

FaultCase hostile_path(const std::string& name, const std::string& path, const std::string& reason) {
  return {name,
          [=](HubFixture& f) {
            ServedRepo repo = f.repo;
            repo.files.push_back({path, f.file("config.json").content, false});
            f.hub.add(repo);
          },
          {"is refused", reason},
          [](HubFixture& f) { EXPECT_FALSE(std::filesystem::exists(f.root() / "snapshots")); }};
}

std::vector<FaultCase> lists() {
  const auto entry = [](const std::string& members) { return on_hub(kTree, send_body("[{\"type\":\"file\"," + members + "}]")); };
  const std::string oid = "\"oid\":\"" + std::string(40, 'a') + "\"";
  return {
      hostile_path("path_leads_up", "../../../outside", "component . or .."),
      hostile_path("path_leads_up_within", "a/../../../../../../x", "component . or .."),
      hostile_path("path_absolute", "/etc/grm-was-here", "absolute"),
      hostile_path("path_with_backslash", "..\\..\\x", "backslash"),
      hostile_path("path_with_drive", "C:x", "drive letter"),
      hostile_path("path_with_line_break", "a\nb", "control character"),
      hostile_path("path_with_zero_byte", std::string("a\0b", 3), "control character"),
      hostile_path("path_with_empty_component", "a//b", "empty component"),
      hostile_path("path_ends_in_slash", "a/", "empty component"),
      hostile_path("path_dot", ".", "component . or .."),
      hostile_path("path_empty", "", "empty"),
      hostile_path("path_component_too_long", std::string(300, 'x'), "255 bytes"),
      {"path_twice",
       [](HubFixture& f) {
         ServedRepo repo = f.repo;
         repo.files.push_back(repo.files.front());
         f.hub.add(repo);
       },
       {"listed twice"}},
      {"file_and_folder",
       [](HubFixture& f) {
         ServedRepo repo = f.repo;
         repo.files.push_back({"config.json/x", f.file("config.json").content, false});
         f.hub.add(repo);
       },
       {"a file and a folder"}},
      {"revision_answer_malformed", on_hub(kRevision, send_body("{\"sha\":")), {"malformed JSON", "HF_ENDPOINT"}},
      {"revision_answer_is_a_page", on_hub(kRevision, send_body("<html>")), {"malformed JSON"}},
      {"commit_not_hex", on_hub(kRevision, send_body("{\"sha\":\"../../../../../../tmp/x\"}")), {"40 hex digits"}},
      {"commit_short", on_hub(kRevision, send_body("{\"sha\":\"0123456\"}")), {"40 hex digits"}},
      {"commit_no_text", on_hub(kRevision, send_body("{\"sha\":12}")), {"40 hex digits"}},
      {"commit_absent", on_hub(kRevision, send_body("[]")), {"40 hex digits"}},
      {"commit_named_twice",
       on_hub(kRevision, send_body(fmt::format(R"({{"sha":"{0}","sha":"{0}"}})", kCommit))),
       {"malformed JSON"}},
      {"list_nested_without_end", on_hub(kTree, send_body(std::string(200'000, '['))), {"malformed JSON"}},
      {"list_no_list", on_hub(kTree, send_body("{}")), {"no list"}},
      {"list_not_utf8", on_hub(kTree, send_body("[\"\xff\xfe\"]")), {"malformed JSON"}},
      {"entry_without_path", entry(oid + ",\"size\":1"), {"without path or oid"}},
      {"entry_without_size", entry(oid + ",\"path\":\"a\""), {"no usable size"}},
      {"entry_with_negative_size", entry(oid + ",\"path\":\"a\",\"size\":-1"), {"no usable size"}},
      {"entry_with_huge_size", entry(oid + ",\"path\":\"a\",\"size\":18446744073709551615"), {"no usable size"}},
      {"entry_larger_than_the_disk", entry(oid + ",\"path\":\"a\",\"size\":4503599627370496"), {"disk full", "HF_HOME"}},
      {"hash_leads_up", entry("\"path\":\"a\",\"size\":1,\"oid\":\"../../x\""), {"no usable hash"}},
      {"stored_hash_leads_up",
       entry(oid + ",\"path\":\"a\",\"size\":1,\"lfs\":{\"oid\":\"../x\",\"size\":1}"),
       {"no usable hash"}},
      {"headers_without_end",
       on_hub(kRevision,
              [](ServedAnswer& a) {
                for (int i = 0; i < 200; ++i) a.headers.emplace_back(fmt::format("X-Filler-{}", i), std::string(8000, 'x'));
              }),
       {"failed"}},
  };
}

class ServerFaults : public testing::TestWithParam<FaultCase> {};
TEST_P(ServerFaults, RightResultOrClearError) { expect_right_result_or_clear_error(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Limits, ServerFaults, testing::ValuesIn(limits()), name_of);
INSTANTIATE_TEST_SUITE_P(Refusals, ServerFaults, testing::ValuesIn(refusals()), name_of);
INSTANTIATE_TEST_SUITE_P(Redirects, ServerFaults, testing::ValuesIn(redirects()), name_of);
INSTANTIATE_TEST_SUITE_P(Lists, ServerFaults, testing::ValuesIn(lists()), name_of);

}  // namespace
}  // namespace grm
