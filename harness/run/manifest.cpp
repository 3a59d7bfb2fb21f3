#include "harness/run/manifest.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <ctime>
#include <set>
#include <utility>

#include "harness/error.h"
#include "harness/random/philox.h"
#include "harness/run/json_fields.h"

namespace grm {
namespace {

using nlohmann::json;

/// Must these be equal for a run to be gone on with? Everything that can change what is computed; not what was asked
/// for but resolved to the same, nor when and how fast.
struct Field {
  const char* pointer;
  bool must_be_equal;
};
constexpr std::array<Field, 18> kFields{{
    {"/requested", false},  // `effective` says what it came to
    {"/effective", true},
    {"/tuning", false},
    {"/seeds", true},
    {"/artifacts", true},
    {"/program/version", true},
    {"/program/commit", true},
    {"/program/dirty", true},
    {"/program/build_type", true},  // another optimization level rounds differently
    {"/program/compiler", true},
    {"/machine/cpu", true},  // libraries choose kernels by it
    {"/machine/gpu", true},
    {"/machine/driver", false},
    {"/machine/threads", true},  // sums are split by it
    {"/machine/libtorch", true},
    {"/machine/capability", true},
    {"/start", false},
    {"/end", false},
}};

std::string shown(const json* value) {
  if (value == nullptr) return "absent";
  std::string text = canonical_dump(*value);
  if (text.size() > 80) text = safe_utf8(text.substr(0, 80)).text + "…";
  return text;
}

/// Compares two values leaf by leaf; null pointers stand for what is absent.
void compare(const std::string& place, const json* then, const json* now, std::vector<std::string>& lines) {
  if (then != nullptr && now != nullptr && *then == *now) return;
  const bool objects = then != nullptr && now != nullptr && then->is_object() && now->is_object();
  if (!objects) {
    lines.push_back(fmt::format("{}: {} in the run, {} now", place, shown(then), shown(now)));
    return;
  }
  std::set<std::string> names;
  for (const auto& [name, value] : then->items()) names.insert(name);
  for (const auto& [name, value] : now->items()) names.insert(name);
  for (const std::string& name : names) {
    compare(place + "/" + name, then->contains(name) ? &(*then)[name] : nullptr, now->contains(name) ? &(*now)[name] : nullptr, lines);
  }
}

json artifacts_json(const std::vector<Artifact>& artifacts) {
  json object = json::object();
  for (const Artifact& artifact : artifacts) {
    const json value{{"repository", artifact.repository}, {"commit", artifact.commit}, {"sha256", artifact.sha256}};
    if (!object.emplace(artifact.role, value).second) throw UserError(fmt::format("artifact \"{}\" is named twice", artifact.role));
  }
  return object;
}

std::vector<Artifact> read_artifacts(JsonFields& fields) {
  std::vector<Artifact> artifacts;
  const json& object = fields.at("artifacts");
  if (!object.is_object()) fields.wrong("artifacts", "an object", object);
  for (const auto& [role, value] : object.items()) {
    JsonFields one(value, fields.place("artifacts/" + role));
    Artifact artifact{.role = role, .repository = one.get<std::string>("repository"), .commit = one.get<std::string>("commit"), .sha256 = {}};
    JsonFields hashes = one.object("sha256");
    for (const auto& [path, hash] : value["sha256"].items()) artifact.sha256[path] = hashes.get<std::string>(path);
    one.refuse_unknown();
    artifacts.push_back(std::move(artifact));
  }
  return artifacts;
}

json read_object(JsonFields& fields, const std::string& name) {
  const json& value = fields.at(name);
  if (!value.is_object()) fields.wrong(name, "an object", value);
  return value;
}

Seeds read_seeds(JsonFields fields) {
  Seeds seeds;
  seeds.subset = fields.get<std::uint64_t>("subset");
  seeds.order = fields.get<std::uint64_t>("order");
  seeds.sampling = fields.get<std::uint64_t>("sampling");
  seeds.bootstrap = fields.get<std::uint64_t>("bootstrap");
  seeds.data = fields.get<std::uint64_t>("data");
  seeds.init = fields.get<std::uint64_t>("init");
  fields.refuse_unknown();
  return seeds;
}

BuildInfo read_program(JsonFields fields) {
  BuildInfo program;
  program.version = fields.get<std::string>("version");
  program.commit = fields.get<std::string>("commit");
  program.dirty = fields.get<bool>("dirty");
  program.build_type = fields.get<std::string>("build_type");
  program.compiler = fields.get<std::string>("compiler");
  fields.refuse_unknown();
  return program;
}

Machine read_machine(JsonFields fields) {
  Machine machine;
  machine.cpu = fields.get<std::string>("cpu");
  machine.gpu = fields.get<std::string>("gpu");
  machine.driver = fields.get<std::string>("driver");
  machine.threads = fields.get<int>("threads");
  machine.libtorch = fields.get<std::string>("libtorch");
  machine.capability = fields.get<std::string>("capability");
  fields.refuse_unknown();
  return machine;
}

}  // namespace

Seeds seeds_from(std::uint64_t seed) {
  // 53 bits: every JSON reader keeps them.
  const auto derived = [seed](std::string_view dimension) { return stream_key(seed, dimension).low >> 11; };
  return {derived("subset"), derived("order"), derived("sampling"), derived("bootstrap"), derived("data"), derived("init")};
}

json to_json(const Manifest& m) {
  const Seeds& s = m.seeds;
  return {{"requested", m.requested},
          {"effective", m.effective},
          {"tuning", m.tuning},
          {"seeds", {{"subset", s.subset}, {"order", s.order}, {"sampling", s.sampling}, {"bootstrap", s.bootstrap}, {"data", s.data},
                     {"init", s.init}}},
          {"artifacts", artifacts_json(m.artifacts)},
          {"program", {{"version", m.program.version}, {"commit", m.program.commit}, {"dirty", m.program.dirty},
                       {"build_type", m.program.build_type}, {"compiler", m.program.compiler}}},
          {"machine", {{"cpu", m.machine.cpu}, {"gpu", m.machine.gpu}, {"driver", m.machine.driver}, {"threads", m.machine.threads},
                       {"libtorch", m.machine.libtorch}, {"capability", m.machine.capability}}},
          {"start", m.start},
          {"resumes", m.resumes},
          {"end", m.end}};
}

Manifest manifest_from_json(const json& object, const std::string& place) {
  JsonFields fields(object, place);
  fields.ignore("schema");
  Manifest m;
  m.requested = read_object(fields, "requested");
  m.effective = read_object(fields, "effective");
  m.tuning = read_object(fields, "tuning");
  m.seeds = read_seeds(fields.object("seeds"));
  m.artifacts = read_artifacts(fields);
  m.program = read_program(fields.object("program"));
  m.machine = read_machine(fields.object("machine"));
  m.start = fields.get<std::string>("start");
  m.resumes = fields.get_list<std::string>("resumes");
  m.end = fields.get<std::string>("end");
  fields.refuse_unknown();
  return m;
}

Manifest read_manifest(const std::filesystem::path& path) {
  return manifest_from_json(read_json_file(path, kManifestSchema), path.string());
}

void write_manifest(const std::filesystem::path& path, const Manifest& manifest) {
  write_json_file(path, kManifestSchema, to_json(manifest));
}

namespace {
/// Files are known by their hashes, so where they lie does not count: the same folder by another path is the same.
json without_places(json manifest) {
  for (auto& [role, artifact] : manifest.at("artifacts").items()) {
    if (!artifact.at("sha256").empty()) artifact.erase("repository");
  }
  return manifest;
}
}  // namespace

std::vector<std::string> differences(const Manifest& in_run, const Manifest& now) {
  // Through text, as `then` came: so that a value is compared in the form in which it is stored.
  const json then_json = without_places(to_json(in_run));
  const json now_json = without_places(json::parse(canonical_dump(to_json(now))));
  std::vector<std::string> lines;
  for (const Field& field : kFields) {
    const json::json_pointer pointer(field.pointer);
    if (field.must_be_equal) compare(std::string(field.pointer).substr(1), &then_json.at(pointer), &now_json.at(pointer), lines);
  }
  return lines;
}

std::string utc_now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

}  // namespace grm
