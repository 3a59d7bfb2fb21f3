// Where the Hub is, who asks, where the cache lies, how long to wait.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "harness/http/url.h"

namespace grm {

struct HubOptions {
  Url endpoint;
  std::string token;            // empty: ask anonymously
  std::string ca_file;          // roots to trust for https; empty: the system's
  std::filesystem::path cache;  // the folder that holds models--…/ and datasets--…/
  bool offline = false;
  bool copy_instead_of_links = false;  // HF_HUB_DISABLE_SYMLINKS
  long metadata_timeout_seconds = 10;  // connecting, and silence while waiting for metadata
  long download_timeout_seconds = 10;  // silence while a file comes
  int retries = 5;                     // after the first try, for what may pass
  double wait_scale = 1.0;             // of the waits between tries; tests shorten them
  double longest_wait_seconds = 600;   // a server that asks for more than this in all is not waited for
  int max_pages = 1000;                // of a file list: a page has up to 1,000 entries
  // Downloads at once. Each mostly waits for the network, so more than cores; what the official client uses.
  int threads = 8;
};

using EnvironmentLookup = std::function<std::optional<std::string>(const std::string& name)>;

/// From HF_ENDPOINT, HF_TOKEN (or HUGGING_FACE_HUB_TOKEN, or the file HF_TOKEN_PATH, by default $HF_HOME/token) unless
/// HF_HUB_DISABLE_IMPLICIT_TOKEN, HF_HUB_CACHE (or HUGGINGFACE_HUB_CACHE), HF_HOME, XDG_CACHE_HOME, HF_HUB_OFFLINE,
/// TRANSFORMERS_OFFLINE, HF_HUB_ETAG_TIMEOUT, HF_HUB_DOWNLOAD_TIMEOUT, HF_HUB_DISABLE_SYMLINKS, SSL_CERT_FILE: names, defaults
/// and precedence of huggingface_hub. Throws UserError for values that cannot be used.
HubOptions hub_options_from_environment();
HubOptions hub_options_from(const EnvironmentLookup& lookup);

}  // namespace grm
