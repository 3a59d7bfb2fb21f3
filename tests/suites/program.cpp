#include "tests/suites/program.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/files/atomic_file.h"

namespace grm {

namespace {

void redirect(const std::filesystem::path& file, int descriptor) {
  const int opened = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (opened < 0 || ::dup2(opened, descriptor) < 0) ::_exit(126);
}

}  // namespace

GrmProcess::GrmProcess(const std::filesystem::path& folder, const std::vector<std::string>& arguments) : folder_(folder) {
  std::vector<std::string> words = {std::string(GRM_BINARY_DIR) + "/grm"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  id_ = ::fork();
  if (id_ == 0) {
    redirect(folder_ / "stdout", STDOUT_FILENO);
    redirect(folder_ / "stderr", STDERR_FILENO);
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
}

GrmProcess::~GrmProcess() {
  if (ended()) return;
  signal(SIGKILL);
  wait();
}

void GrmProcess::signal(int number) const {
  if (!ended_) ::kill(id_, number);
}

bool GrmProcess::ended() {
  if (!ended_ && ::waitpid(id_, &status_, WNOHANG) == id_) ended_ = true;
  return ended_;
}

Ran GrmProcess::wait() {
  if (!ended_) ::waitpid(id_, &status_, 0);
  ended_ = true;
  const int code = WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  return {code, read_file(folder_ / "stdout"), read_file(folder_ / "stderr")};
}

Ran run_grm(const std::filesystem::path& folder, const std::vector<std::string>& arguments) {
  return GrmProcess(folder, arguments).wait();
}

}  // namespace grm
