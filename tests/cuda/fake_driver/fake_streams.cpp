// Streams and events of the fake libcuda: queues that run when they are asked for, and not before.
#include <algorithm>

#include "fake_state.h"

namespace fake {
namespace {

constexpr unsigned non_blocking = 1;

void run_first(Stream& stream) {
  const Operation operation = std::move(stream.queue.front());
  stream.queue.pop_front();
  if (operation.event && operation.waits) return reach(*operation.event, operation.count);
  if (operation.event) {
    operation.event->reached = std::max(operation.event->reached, operation.count);
    operation.event->time = std::chrono::steady_clock::now();
    return;
  }
  if (stream.context->error) return;  // a lost context runs nothing more
  note("run {}", operation.what);
  if (const int error = operation.work(); error) stream.context->error = error;
}

Stream* holder_of(const Event& event, int count) {
  const auto records = [&](const Operation& o) { return o.event == &event && !o.waits && o.count == count; };
  for (Stream* stream : state().streams)
    if (std::any_of(stream->queue.begin(), stream->queue.end(), records)) return stream;
  for (auto& [context, stream] : state().legacy)
    if (std::any_of(stream.queue.begin(), stream.queue.end(), records)) return &stream;
  return nullptr;
}

template <typename Visit>
void each_waiting(Visit visit) {
  for (Stream* stream : state().streams)
    for (const Operation& operation : stream->queue) visit(*stream, operation);
  for (auto& [context, stream] : state().legacy)
    for (const Operation& operation : stream.queue) visit(stream, operation);
}

}  // namespace

Stream* stream_of(void* handle) {
  if (handle == nullptr || handle == reinterpret_cast<void*>(1)) {
    Stream& legacy = state().legacy[current()];
    legacy.context = current();
    return &legacy;
  }
  const auto found = state().streams.find(static_cast<Stream*>(handle));
  return found != state().streams.end() && (*found)->context == current() ? *found : nullptr;
}

// The legacy stream and the blocking ones wait for each other; here that is settled when work comes in.
void enqueue(Stream& stream, Operation operation) {
  const bool legacy = stream.number == 0;
  if (legacy) {
    for (Stream* other : state().streams)
      if (other->blocking && other->context == stream.context) run_all(*other);
  } else if (stream.blocking) {
    if (const auto found = state().legacy.find(stream.context); found != state().legacy.end()) run_all(found->second);
  }
  stream.queue.push_back(std::move(operation));
}

void run_all(Stream& stream) {
  while (!stream.queue.empty()) run_first(stream);
}

void reach(Event& event, int count) {
  while (event.reached < count) {
    Stream* stream = holder_of(event, count);
    if (!stream) return;
    run_first(*stream);
  }
}

void before_free(unsigned long long base, const Allocation& allocation) {
  each_waiting([&](const Stream&, const Operation& operation) {
    for (const unsigned long long address : operation.memory)
      if (address >= base && address < base + allocation.bytes)
        fault(fmt::format("memory{} is freed while '{}' waits", allocation.number, operation.what));
  });
}

bool runs_code_of(const Module* module) {
  bool found = false;
  each_waiting([&](const Stream&, const Operation& operation) { found |= operation.module == module; });
  return found;
}

}  // namespace fake

using namespace fake;

extern "C" {

int cuStreamCreate(void** out, unsigned flags) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  FAKE_PLANNED("cuStreamCreate");
  auto* stream = new Stream{current(), ++state().stream_count, (flags & non_blocking) == 0, {}};
  state().streams.insert(stream);
  note("stream{} created", stream->number);
  *out = stream;
  return ok;
}
int cuStreamDestroy_v2(void* handle) {
  FAKE_LOCK;
  Stream* stream = current() ? stream_of(handle) : nullptr;
  if (!stream || stream->number == 0) return invalid_handle;
  run_all(*stream);  // what was started is still done
  note("stream{} destroyed", stream->number);
  state().streams.erase(stream);
  delete stream;
  return ok;
}
int cuStreamSynchronize(void* handle) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  Stream* stream = stream_of(handle);
  if (!stream) return invalid_handle;
  run_all(*stream);
  FAKE_PLANNED("cuStreamSynchronize");  // tells of an error of earlier work, when that work is over
  note("synchronize stream{}", stream->number);
  return current()->error;
}
int cuStreamQuery(void* handle) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  Stream* stream = stream_of(handle);
  if (!stream) return invalid_handle;
  if (stream->queue.empty()) return current()->error;
  run_first(*stream);
  return not_ready;
}
int cuStreamWaitEvent(void* handle, void* event_handle, unsigned) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  FAKE_PLANNED("cuStreamWaitEvent");
  Stream* stream = stream_of(handle);
  auto* event = static_cast<Event*>(event_handle);
  if (!stream || state().events.count(event) == 0) return invalid_handle;
  note("stream{} waits for an event", stream->number);
  if (event->reached == event->recorded) return ok;
  enqueue(*stream, {.what = "wait", .work = {}, .event = event, .count = event->recorded, .waits = true, .memory = {}});
  return ok;
}
int cuEventCreate(void** out, unsigned) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  FAKE_PLANNED("cuEventCreate");
  auto* event = new Event;
  event->context = current();
  state().events.insert(event);
  *out = event;
  return ok;
}
int cuEventDestroy_v2(void* handle) {
  FAKE_LOCK;
  auto* event = static_cast<Event*>(handle);
  if (state().events.count(event) == 0) return invalid_handle;
  state().events.erase(event);
  state().destroyed_events.insert(event);  // streams may still hold it
  return ok;
}
int cuEventRecord(void* handle, void* stream_handle) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  FAKE_PLANNED("cuEventRecord");
  auto* event = static_cast<Event*>(handle);
  Stream* stream = stream_of(stream_handle);
  if (!stream || state().events.count(event) == 0 || event->context != current()) return invalid_handle;
  enqueue(*stream, {.what = "record", .work = {}, .event = event, .count = ++event->recorded, .memory = {}});
  return ok;
}
int cuEventQuery(void* handle) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  FAKE_PLANNED("cuEventQuery");
  auto* event = static_cast<Event*>(handle);
  if (state().events.count(event) == 0) return invalid_handle;
  if (event->reached == event->recorded) return current()->error;
  if (Stream* stream = holder_of(*event, event->recorded)) run_first(*stream);
  return not_ready;
}
int cuEventSynchronize(void* handle) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  FAKE_PLANNED("cuEventSynchronize");
  auto* event = static_cast<Event*>(handle);
  if (state().events.count(event) == 0) return invalid_handle;
  reach(*event, event->recorded);
  note("synchronize event");
  return current()->error;
}
int cuEventElapsedTime(float* milliseconds, void* start_handle, void* end_handle) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  const auto *start = static_cast<Event*>(start_handle), *end = static_cast<Event*>(end_handle);
  if (start->reached < start->recorded || end->reached < end->recorded) return not_ready;
  *milliseconds = std::chrono::duration<float, std::milli>(end->time - start->time).count();
  return ok;
}
}
