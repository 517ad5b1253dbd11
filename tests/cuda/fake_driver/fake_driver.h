// The controls of the fake libcuda, found by tests with dlsym. Its state lasts until `fake_reset`.
#pragma once

extern "C" {
struct FakeControls {
  void (*reset)();
  // The call number `call` (0: the next) of `symbol` returns `error`.
  void (*fail)(const char* symbol, int call, int error);
  void (*set_device)(int count, int sm);
  // Launches log this many pointers, then integers: a driver does not know a kernel's parameters.
  void (*set_parameters)(int pointers, int integers);
  const char* (*log)();  // a line each call; queries are left out
  int (*leaks)();        // allocations, modules, contexts retained or pushed and not given back
};
FakeControls* fake_controls();
}
