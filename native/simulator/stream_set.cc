#include "stream_set.h"

#include <algorithm>
#include <utility>

namespace cuda_simulator {

std::shared_ptr<Stream> StreamSet::create(Stream::Kind kind) {
  auto stream = std::make_shared<Stream>(device_, kind, sticky_error_);
  const std::lock_guard lock(mutex_);
  forget_finished();
  all_.push_back({stream});
  return stream;
}

std::shared_ptr<Stream> StreamSet::legacy() {
  const std::lock_guard lock(mutex_);
  if (!legacy_) {
    legacy_ = std::make_shared<Stream>(device_, Stream::Kind::kLegacy, sticky_error_);
    all_.push_back({legacy_});
  }
  return legacy_;
}

void StreamSet::close(Stream& stream) {
  const std::lock_guard lock(mutex_);
  for (Entry& entry : all_) {
    if (entry.stream.get() == &stream) entry.closed = true;
  }
  stream.close();
  forget_finished();
}

void StreamSet::close_all() {
  const std::lock_guard lock(mutex_);
  for (Entry& entry : all_) {
    entry.closed = true;
    entry.stream->close();
  }
  legacy_.reset();
  forget_finished();
}

void StreamSet::forget_finished() {
  std::erase_if(all_, [](const Entry& entry) {
    return entry.closed && entry.stream->idle() && entry.stream->seen();
  });
}

std::vector<Marker> StreamSet::dependencies(const Stream& stream) {
  std::vector<Marker> markers;
  if (stream.kind() == Stream::Kind::kNonBlocking) return markers;
  const std::lock_guard lock(mutex_);
  if (stream.kind() == Stream::Kind::kBlocking) {
    if (legacy_ && !legacy_->idle()) markers.push_back(legacy_->mark());
    return markers;
  }
  for (const Entry& entry : all_) {
    if (entry.stream->kind() == Stream::Kind::kBlocking && !entry.stream->idle()) {
      markers.push_back(entry.stream->mark());
    }
  }
  return markers;
}

void StreamSet::enqueue(Stream& stream, Work work) {
  for (Marker& marker : dependencies(stream)) work.after.push_back(std::move(marker));
  stream.enqueue(std::move(work));
}

Marker StreamSet::record(Stream& stream) {
  auto markers = dependencies(stream);
  if (!markers.empty()) {
    stream.enqueue({.run = nullptr, .after = std::move(markers), .instant = true});
  }
  return stream.mark();
}

std::vector<Marker> StreamSet::outstanding(Stream& stream) {
  std::vector<Marker> markers;
  if (stream.kind() == Stream::Kind::kLegacy) markers = dependencies(stream);
  markers.push_back(stream.mark());
  return markers;
}

std::vector<Marker> StreamSet::outstanding() {
  const std::lock_guard lock(mutex_);
  std::vector<Marker> markers;
  markers.reserve(all_.size());
  for (const Entry& entry : all_) markers.push_back(entry.stream->mark());
  return markers;
}

void StreamSet::wake_all() {
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : all_) entry.stream->wake();
}

}  // namespace cuda_simulator
