// The controls of the fake libcuda, found by tests with dlsym. Its state lasts until `reset`.
//
// Work on a stream waits until something makes it run: a synchronisation of its stream, of an event behind it, or of
// the context. Nothing runs earlier, and streams that nobody asked for stay where they are, so that whoever reads
// without having synchronised reads what was there before. A query that answers "not ready" lets its stream do one
// thing more.
#pragma once

extern "C" {
struct FakeControls {
  void (*reset)();
  // The call number `call` (0: the next) of `symbol` returns `error`.
  void (*fail)(const char* symbol, int call, int error);
  // The launch number `launch` that runs from now on fails with `error` while it runs.
  void (*fail_running)(int launch, int error);
  void (*set_device)(int count, int sm);
  void (*set_memory)(unsigned long long total_bytes);
  // Launches of images without text log this many pointers, then integers.
  void (*set_parameters)(int pointers, int integers);
  // Emulated kernels: whether every access is judged (races, bounds). Slower.
  void (*set_checked)(bool);
  const char* (*log)();     // a line each call; queries are left out
  const char* (*faults)();  // misuses: memory freed while work that needs it waits, host memory changed under a copy
  int (*leaks)();  // allocations, modules, streams, events, contexts retained, pushed or created and not given back
};
FakeControls* fake_controls();
}
