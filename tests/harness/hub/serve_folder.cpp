// serve_folder FOLDER ID PORT [COMMIT]: serves a folder as a Hub repository (main branch) until killed, so that
//   HF_ENDPOINT=http://127.0.0.1:PORT grm fetch ID
// goes the whole way. Port 0 takes a free one. The address is printed once it can be asked.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <filesystem>

#include "harness/files/atomic_file.h"
#include "tests/harness/hub/hub_server.h"

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "usage: serve_folder FOLDER ID PORT [COMMIT]\n");
    return 2;
  }
  try {
    const std::filesystem::path folder = argv[1];
    grm::ServedRepo repo;
    repo.id = argv[2];
    repo.commit = argc > 4 ? argv[4] : std::string(40, 'a');
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      const bool large = entry.file_size() > (std::uintmax_t{1} << 20U);  // as the Hub's own limit for plain files is in effect
      repo.files.push_back({entry.path().lexically_relative(folder).generic_string(),
                            std::make_shared<const std::string>(grm::read_file(entry.path())), large});
    }
    grm::HubServer server(std::atoi(argv[3]));
    server.add(std::move(repo));
    fmt::print("{}\n", server.url());
    std::fflush(stdout);
    while (true) ::pause();
  } catch (const std::exception& error) {
    fmt::print(stderr, "serve_folder: {}\n", error.what());
    return 3;
  }
}
