// Threads that share out numbered tasks. Of our own: libtorch's header for at::parallel_for runs serially unless the file is
// compiled with OpenMP, which would bring a second OpenMP runtime into the process.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace grm {

class ThreadPool {
 public:
  /// `threads` ≥ 1, the calling one included.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls task(i) for every i in [0, count), each once, and returns when all are done. Which thread takes which is not fixed.
  /// Tasks must not throw; one run at a time.
  void run(std::int64_t count, const std::function<void(std::int64_t)>& task);

 private:
  void work();
  void end();
  void take_tasks();

  std::vector<std::thread> workers_;
  const std::function<void(std::int64_t)>* task_ = nullptr;
  std::int64_t count_ = 0;
  std::atomic<std::int64_t> next_{0};
  std::atomic<int> busy_{0};
  std::atomic<std::uint32_t> round_{0};
  std::atomic<bool> ending_{false};
};

}  // namespace grm
