// One case for each rule of the format (huggingface/safetensors 0.8), and the writer.
#include "model/weights/safetensors.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <optional>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/error.h"
#include "tests/temporary_folder.h"
#include "tests/model/weights/broken_files.h"

namespace {

using grm::ModelError;
using grm::SafetensorsFile;
using grm::test::safetensors_bytes;
using grm::test::TemporaryFolder;
using testing::HasSubstr;

SafetensorsFile open_bytes(const std::string& bytes) {
  const TemporaryFolder folder;
  return SafetensorsFile::open(folder.write("x.safetensors", bytes));  // a mapping outlives the file's name
}

SafetensorsFile open_header(const std::string& header, const std::string& data = "") {
  return open_bytes(safetensors_bytes(header, data));
}

std::string refusal(const std::string& bytes) {
  try {
    open_bytes(bytes);
  } catch (const ModelError& error) {
    EXPECT_THAT(error.what(), HasSubstr("x.safetensors: "));
    return error.what();
  }
  return "accepted";
}

std::string refused_header(const std::string& header, const std::string& data = "") {
  return refusal(safetensors_bytes(header, data));
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

const std::string kFour(4, '\1');

TEST(Safetensors, ReadsWhatTheRulesAllow) {
  const SafetensorsFile file = open_header(R"({"__metadata__":{"format":"pt"},"b":)" + entry("I32", "[2]", "[4,12]") +
                                               R"(,"a":)" + entry("F32", "[]", "[0,4]") + R"(,"empty":)" + entry("F32", "[3,0]", "[12,12]") +
                                               R"(,"extra":{"note":{"deep":[1,{"x":null}]},"dtype":"U8","shape":[1],)" +
                                               R"("data_offsets":[12,13]}}   )",
                                           std::string("\0\0\x80\x3F\5\0\0\0\xFF\xFF\xFF\xFF\7", 13));
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.entries().size(), 4u);
  EXPECT_EQ(file.tensor("a").item<float>(), 1);
  EXPECT_EQ(file.tensor("a").dim(), 0);
  EXPECT_TRUE(at::equal(file.tensor("b"), at::tensor({5, -1}, at::kInt)));
  EXPECT_EQ(file.tensor("empty").sizes(), (std::vector<std::int64_t>{3, 0}));
  EXPECT_EQ(file.tensor("extra").item<int>(), 7);
  EXPECT_TRUE(file.has("extra"));
  EXPECT_FALSE(file.has("__metadata__"));
  EXPECT_THROW(file.tensor("absent"), ModelError);
  EXPECT_TRUE(open_header("{}").entries().empty());
}

TEST(Safetensors, LengthRules) {
  EXPECT_THAT(refusal(""), HasSubstr("too short"));
  EXPECT_THAT(refusal("1234567"), HasSubstr("too short"));
  EXPECT_THAT(refusal(safetensors_bytes("{}", "", 100'000'001)), HasSubstr("at most 100000000"));
  EXPECT_THAT(refusal(safetensors_bytes("{}", "", 0xFFFFFFFFFFFFFFFF - 1)), HasSubstr("at most 100000000"));
  EXPECT_THAT(refusal(safetensors_bytes("{}", "", 3)), HasSubstr("cut short"));
  EXPECT_THAT(refusal(safetensors_bytes("", "")), HasSubstr("does not begin with {"));
  EXPECT_THAT(refusal(safetensors_bytes("{} ", "", 1)), HasSubstr("not valid JSON"));
}

TEST(Safetensors, HeaderRules) {
  EXPECT_THAT(refused_header("[]"), HasSubstr("does not begin with {"));
  EXPECT_THAT(refused_header(" {}"), HasSubstr("does not begin with {"));
  EXPECT_THAT(refused_header("\xEF\xBB\xBF{}"), HasSubstr("does not begin with {"));
  EXPECT_THAT(refused_header("{}x"), HasSubstr("not valid JSON"));
  EXPECT_THAT(refused_header(std::string("{}\0garbage", 10)), HasSubstr("NUL"));
  EXPECT_THAT(refused_header("{\"\xFF\":{}}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(refused_header("{\"\\ud800\":{}}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(refused_header(R"({"a":3})"), HasSubstr("must be an object, not a number"));
  EXPECT_THAT(refused_header(R"({"a":[]})"), HasSubstr("must be an object, not a list"));
  EXPECT_THAT(refused_header("{\"a\":{\"x\":" + std::string(2'000'000, '[') + "}"), HasSubstr("nested too deep"));
  const std::string a = entry("U8", "[4]", "[0,4]");
  EXPECT_THAT(refused_header(R"({"a":)" + a + R"(,"a":)" + a + "}", kFour), HasSubstr("tensor \"a\": the name occurs twice"));
  EXPECT_THAT(refused_header(R"({"a":)" + a + R"(,"\u0061":)" + a + "}", kFour), HasSubstr("the name occurs twice"));
  EXPECT_THAT(refused_header(R"({"a":{"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]}})", kFour),
              HasSubstr("field \"dtype\" occurs twice"));
  EXPECT_THAT(refused_header(R"({"__metadata__":{},"__metadata__":{}})"), HasSubstr("__metadata__ occurs twice"));
  EXPECT_THAT(refused_header(R"({"__metadata__":{"a":"1","a":"2"}})"), HasSubstr("of __metadata__ occurs twice"));
  EXPECT_THAT(refused_header(R"({"__metadata__":{"a":1}})"), HasSubstr("must map strings to strings"));
  EXPECT_THAT(refused_header(R"({"__metadata__":{"a":{}}})"), HasSubstr("must map strings to strings"));
  EXPECT_THAT(refused_header(R"({"__metadata__":"a"})"), HasSubstr("must be an object"));
}

TEST(Safetensors, TensorRules) {
  const auto refused = [](const std::string& tensor) { return refused_header(R"({"a":)" + tensor + "}", kFour); };
  EXPECT_THAT(refused(R"({"shape":[4],"data_offsets":[0,4]})"), HasSubstr("no dtype"));
  EXPECT_THAT(refused(R"({"dtype":"U8","data_offsets":[0,4]})"), HasSubstr("no shape"));
  EXPECT_THAT(refused(R"({"dtype":"U8","shape":[4]})"), HasSubstr("no data_offsets"));
  EXPECT_THAT(refused(entry("u8", "[4]", "[0,4]")), HasSubstr("unknown dtype \"u8\""));
  EXPECT_THAT(refused(R"({"dtype":1,"shape":[4],"data_offsets":[0,4]})"), HasSubstr("dtype cannot be a number"));
  EXPECT_THAT(refused(entry("U8", "null", "[0,4]")), HasSubstr("shape cannot be null"));
  EXPECT_THAT(refused(entry("U8", "{}", "[0,4]")), HasSubstr("shape cannot be an object"));
  EXPECT_THAT(refused(entry("U8", "[4.0]", "[0,4]")), HasSubstr("whole numbers"));
  EXPECT_THAT(refused(entry("U8", "[-4]", "[0,4]")), HasSubstr("whole numbers"));
  EXPECT_THAT(refused(entry("U8", "[-0]", "[0,0]")), HasSubstr("whole numbers"));
  EXPECT_THAT(refused(entry("U8", "[[4]]", "[0,4]")), HasSubstr("holds a list"));
  EXPECT_THAT(refused(entry("U8", "[\"4\"]", "[0,4]")), HasSubstr("holds a string"));
  EXPECT_THAT(refused(entry("U8", "[18446744073709551616]", "[0,4]")), HasSubstr("within 64 bits"));
  EXPECT_THAT(refused(entry("U8", "[18446744073709551615]", "[0,4]")), HasSubstr("dimension of 18446744073709551615"));
  EXPECT_THAT(refused(entry("U8", "[4]", "[0]")), HasSubstr("two numbers"));
  EXPECT_THAT(refused(entry("U8", "[4]", "[0,4,4]")), HasSubstr("two numbers"));
  EXPECT_THAT(refused(entry("U8", "[4]", "[]")), HasSubstr("two numbers"));
  EXPECT_THAT(refused(entry("U8", "[4]", "[0,1e0]")), HasSubstr("whole numbers"));
  EXPECT_THAT(refused(entry("U8", "[4]", "[4,0]")), HasSubstr("end before they begin"));
  EXPECT_THAT(refused(entry("U8", "[3]", "[0,4]")), HasSubstr("span 4 bytes, dtype and shape need 3"));
  EXPECT_THAT(refused(entry("F32", "[4]", "[0,4]")), HasSubstr("need 16"));
  EXPECT_THAT(refused(entry("U8", "[4294967296,4294967296]", "[0,0]")), HasSubstr("overflows"));
  EXPECT_THAT(refused(entry("U8", "[4294967296,4294967296,0]", "[0,0]")), HasSubstr("overflows"));
  EXPECT_THAT(refused(entry("F32", "[1152921504606846976]", "[0,0]")), HasSubstr("overflows"));
  EXPECT_THAT(refused(entry("F4", "[3]", "[0,2]")), HasSubstr("whole number of bytes"));
  EXPECT_THAT(refused(entry("F6_E2M3", "[2]", "[0,2]")), HasSubstr("whole number of bytes"));
  std::string many = "[4";
  for (int i = 0; i < 100; ++i) many += ",1";
  EXPECT_THAT(refused(entry("U8", many + "]", "[0,4]")), HasSubstr("more than 64 dimensions"));
}

TEST(Safetensors, LayoutRules) {
  const auto refused = [](const std::string& a, const std::string& b, const std::string& data) {
    return refused_header(R"({"a":)" + a + R"(,"b":)" + b + "}", data);
  };
  const std::string first = entry("U8", "[2]", "[0,2]");
  EXPECT_THAT(refused(first, entry("U8", "[1]", "[3,4]"), kFour), HasSubstr("after a hole; 2 was expected"));
  EXPECT_THAT(refused(first, entry("U8", "[3]", "[1,4]"), kFour), HasSubstr("inside the tensor before it"));
  EXPECT_THAT(refused(first, first, kFour), HasSubstr("inside the tensor before it"));
  EXPECT_THAT(refused(entry("U8", "[1]", "[1,2]"), entry("U8", "[2]", "[2,4]"), kFour), HasSubstr("hole"));
  EXPECT_THAT(refused(first, entry("U8", "[2]", "[2,4]"), kFour + "x"), HasSubstr("need 4 bytes of data, the file holds 5"));
  EXPECT_THAT(refused(first, entry("U8", "[2]", "[2,4]"), "abc"), HasSubstr("cut short"));
  EXPECT_THAT(refused_header("{}", "x"), HasSubstr("need 0 bytes"));
  EXPECT_THAT(refused_header(R"({"a":)" + entry("U8", "[18446744073709551]", "[0,18446744073709551]") + "}", kFour),
              HasSubstr("cut short"));
}

TEST(Safetensors, ManyOverlappingTensorsAreRefusedCheaply) {
  // The header of the reference implementation's attack file: ten million tensors over the same bytes. It is longer than a header
  // may be; then as many as fit.
  std::string header = "{";
  for (int i = 0; header.size() < 99'900'000; ++i) {
    header += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":" + entry("F32", "[2,2]", "[0,16]");
  }
  const std::string data(16, '\0');
  EXPECT_THAT(refusal(safetensors_bytes(header + "}", data)), HasSubstr("inside the tensor before it"));
  rusage usage{};
  ASSERT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
  EXPECT_LT(usage.ru_maxrss, 2'000'000) << "kilobytes";
  header.resize(100'000'001, ' ');
  EXPECT_THAT(refusal(safetensors_bytes(header, data)), HasSubstr("at most 100000000"));
}

TEST(Safetensors, OpensOnlyRegularFiles) {
  const TemporaryFolder folder;
  EXPECT_THROW(SafetensorsFile::open(folder.path() / "absent"), ModelError);
  EXPECT_THROW(SafetensorsFile::open(folder.path()), ModelError);
  ASSERT_EQ(mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  EXPECT_THROW(SafetensorsFile::open(folder.path() / "pipe"), ModelError);  // and does not wait for a writer
}

TEST(Safetensors, UnloadableDataAreRefusedWhenUsed) {
  const std::string huge = entry("U8", "[0,4611686018427387904,4611686018427387904]", "[4,4]");
  const SafetensorsFile file = open_header(R"({"f4":)" + entry("F4", "[4]", "[0,2]") + R"(,"flag":)" +
                                               entry("BOOL", "[2]", "[2,4]") + R"(,"zero":)" + huge + "}",
                                           std::string("\0\0\1\2", 4));
  EXPECT_THROW(file.tensor("f4"), ModelError);
  EXPECT_THROW(file.tensor("flag"), ModelError);
  try {
    EXPECT_EQ(file.tensor("zero").numel(), 0);  // where ATen takes such a shape
  } catch (const ModelError&) {
  }
}

TEST(Safetensors, ViewsWhereAlignedAndCopiesElsewhere) {
  // Header of 8n + 1 bytes: nothing but bytes is aligned.
  for (const std::size_t shift : {0u, 1u}) {
    std::string header = R"({"a":)" + entry("F32", "[2]", "[0,8]") + "}";
    header.resize((header.size() + 7) / 8 * 8 + shift, ' ');
    at::Tensor tensor;
    {
      const SafetensorsFile file = open_header(header, std::string("\0\0\x80\x3F\0\0\0\x40", 8));
      tensor = file.tensor("a");
      at::Tensor again = file.tensor("a");
      EXPECT_EQ(tensor.const_data_ptr() == again.const_data_ptr(), shift == 0);
    }
    EXPECT_TRUE(at::equal(tensor, at::tensor({1.f, 2.f})));  // the mapping outlives the file object
    tensor.fill_(5);                                          // private pages may be written
    EXPECT_EQ(tensor.sum().item<float>(), 10);
  }
}

TEST(SafetensorsWrite, RoundTripOfEveryDtype) {
  const TemporaryFolder folder;
  std::map<std::string, at::Tensor> tensors;
  for (const at::ScalarType type :
       {at::kBool, at::kByte, at::kChar, at::kShort, at::kUInt16, at::kInt, at::kUInt32, at::kLong, at::kUInt64, at::kHalf,
        at::kBFloat16, at::kFloat, at::kDouble, at::kComplexFloat, at::kFloat8_e5m2, at::kFloat8_e4m3fn, at::kFloat8_e5m2fnuz,
        at::kFloat8_e4m3fnuz}) {
    tensors[std::string("t.") + c10::toString(type)] = at::arange(2, at::kFloat).to(type);
  }
  tensors["scalar"] = at::scalar_tensor(2.5);
  tensors["empty"] = at::empty({0, 3});
  tensors["strided"] = at::arange(6, at::kFloat).view({2, 3}).t();
  tensors["name \"with\" ünïcode\n"] = at::ones({1});
  const auto path = folder.path() / "x.safetensors";
  grm::write_safetensors(path, tensors, {{"format", "pt"}, {"é", "\"quoted\""}});
  const SafetensorsFile file = SafetensorsFile::open(path);
  EXPECT_EQ(file.metadata().at("é"), "\"quoted\"");
  EXPECT_EQ(file.entries().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor back = file.tensor(name);
    ASSERT_EQ(back.scalar_type(), tensor.scalar_type()) << name;
    ASSERT_EQ(back.sizes(), tensor.sizes()) << name;
    const at::Tensor plain = tensor.contiguous();
    if (tensor.numel() == 0) continue;
    EXPECT_EQ(std::memcmp(back.const_data_ptr(), plain.const_data_ptr(), plain.nbytes()), 0) << name;
  }
  // Every tensor lies aligned, wide dtypes first.
  std::uint64_t header = 0;
  std::memcpy(&header, read_file(path).data(), 8);
  EXPECT_EQ(header % 8, 0u);
  for (const auto& [name, stored] : file.entries()) {
    EXPECT_EQ(stored.begin % static_cast<unsigned>(stored.dtype->bits / 8), 0u) << name;
  }
}

TEST(SafetensorsWrite, OrderAndBytes) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x.safetensors";
  grm::write_safetensors(path, {{"a", at::ones({1}, at::kByte)}, {"c", at::ones({1})}, {"b", at::ones({1})}});
  const std::string header = R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"c":{"dtype":"F32","shape":[1],)"
                             R"("data_offsets":[4,8]},"a":{"dtype":"U8","shape":[1],"data_offsets":[8,9]}})";
  std::string padded = header;
  padded.resize((header.size() + 7) / 8 * 8, ' ');
  EXPECT_EQ(read_file(path), safetensors_bytes(padded, std::string("\0\0\x80\x3F\0\0\x80\x3F\1", 9)));
}

TEST(SafetensorsWrite, RefusesWhatTheFormatCannotHold) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x.safetensors";
  EXPECT_THROW(grm::write_safetensors(path, {{"__metadata__", at::ones({1})}}), ModelError);
  EXPECT_THROW(grm::write_safetensors(path, {{"a", at::Tensor()}}), ModelError);
  EXPECT_THROW(grm::write_safetensors(path, {{"a", at::ones({1}, at::kComplexDouble)}}), ModelError);
  EXPECT_THROW(grm::write_safetensors(path, {{"\xFF", at::ones({1})}}), ModelError);
  EXPECT_THROW(grm::write_safetensors(path, {{"a", at::ones({2}).to_sparse()}}), ModelError);
  EXPECT_THROW(grm::write_safetensors(folder.path() / "no" / "x", {{"a", at::ones({1})}}), ModelError);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

// A limit on the size of files stands in for a full disk: write() fails in the middle with an error code.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST(SafetensorsWrite, FullDiskLeavesThePreviousFile) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x.safetensors";
  grm::write_safetensors(path, {{"a", at::ones({4})}});
  const std::string before = read_file(path);
  std::string message;
  {
    const FileSizeLimit limit(4096);
    try {
      grm::write_safetensors(path, {{"a", at::ones({100'000})}});
    } catch (const ModelError& error) {
      message = error.what();
    }
  }
  EXPECT_THAT(message, HasSubstr("x.safetensors: cannot be written: "));
  EXPECT_EQ(read_file(path), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

}  // namespace
