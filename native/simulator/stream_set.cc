#include "stream_set.h"

#include <algorithm>
#include <utility>

namespace cuda_simulator {

std::shared_ptr<Stream> StreamSet::create(Stream::Kind kind, int priority) {
  const std::lock_guard lock(mutex_);
  forget_finished();
  return add(kind, priority);
}

std::shared_ptr<Stream> StreamSet::add(Stream::Kind kind, int priority) {
  auto stream = std::make_shared<Stream>(device_, kind, sticky_error_, priority);
  std::erase_if(barriers_, [](const Marker& marker) { return marker.complete(); });
  if (!barriers_.empty()) {
    stream->enqueue({.run = nullptr, .after = barriers_, .instant = true});
  }
  all_.push_back({stream});
  return stream;
}

std::shared_ptr<Stream> StreamSet::legacy() {
  const std::lock_guard lock(mutex_);
  if (!legacy_) legacy_ = add(Stream::Kind::kLegacy);
  return legacy_;
}

std::shared_ptr<Stream> StreamSet::per_thread(std::uint64_t thread) {
  const std::lock_guard lock(mutex_);
  auto& stream = per_thread_[thread];
  if (!stream) {
    forget_finished();
    stream = add(Stream::Kind::kBlocking);
  }
  return stream;
}

void StreamSet::close_thread(std::uint64_t thread) {
  std::shared_ptr<Stream> stream;
  {
    const std::lock_guard lock(mutex_);
    const auto found = per_thread_.find(thread);
    if (found == per_thread_.end()) return;
    stream = std::move(found->second);
    per_thread_.erase(found);
  }
  close(*stream);
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
  per_thread_.clear();
  barriers_.clear();
  forget_finished();
}

void StreamSet::forget_finished() {
  std::erase_if(all_, [](const Entry& entry) {
    return entry.closed && entry.stream->idle() && entry.stream->seen();
  });
}

std::vector<Marker> StreamSet::dependencies(const Stream& stream, bool idle_too) {
  std::vector<Marker> markers;
  if (stream.kind() == Stream::Kind::kNonBlocking) return markers;
  const std::lock_guard lock(mutex_);
  if (stream.kind() == Stream::Kind::kBlocking) {
    if (legacy_ && (idle_too || !legacy_->idle())) markers.push_back(legacy_->mark());
    return markers;
  }
  for (const Entry& entry : all_) {
    if (entry.stream->kind() == Stream::Kind::kBlocking && (idle_too || !entry.stream->idle())) {
      markers.push_back(entry.stream->mark());
    }
  }
  return markers;
}

std::uint64_t StreamSet::enqueue(Stream& stream, Work work) {
  for (Marker& marker : dependencies(stream)) work.after.push_back(std::move(marker));
  return stream.enqueue(std::move(work));
}

void StreamSet::join_all(const Marker& marker) {
  const auto own_legacy = legacy();
  std::vector<std::shared_ptr<Stream>> streams;
  {
    const std::lock_guard lock(mutex_);
    barriers_.push_back(marker);
    for (const Entry& entry : all_) {
      if (!entry.closed && entry.stream != marker.stream) streams.push_back(entry.stream);
    }
  }
  for (const auto& stream : streams) {
    stream->enqueue({.run = nullptr, .after = {marker}, .instant = true});
  }
}

Reach StreamSet::reach(Stream& stream) {
  Reach reach;
  std::vector<Marker> open = dependencies(stream, true);
  stream.joined(std::numeric_limits<std::uint64_t>::max(), open);
  while (!open.empty()) {
    const Marker marker = std::move(open.back());
    open.pop_back();
    if (!marker.stream || marker.stream.get() == &stream) continue;
    Marker& farthest = reach[marker.stream.get()];
    if (farthest.stream && farthest.sequence >= marker.sequence) continue;
    farthest = marker;
    marker.stream->joined(marker.sequence, open);
  }
  return reach;
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
