// What the emulated kernel (its own shared object, built from CUDA text) and the emulator call each other by. Plain C
// types.
#pragma once

struct EmulateUint3 {
  unsigned x, y, z;
};

// Filled in by the emulator after loading. `machine` is passed back to every call.
struct EmulateHost {
  void* machine;
  EmulateUint3 thread_index, block_index, block_size, grid_size;  // of the thread that runs now
  void (*barrier)(void* machine, int line);
  void (*sync_warp)(void* machine, unsigned mask, int line);
  // The `bits` of the lane whose index is this lane's xor `lane_mask`.
  unsigned (*shuffle_xor)(void* machine, unsigned mask, unsigned bits, int lane_mask, int line);
  // Products of tensor cores, of tf32 or bf16: this lane's registers of A and B (six) and of C, which becomes D.
  void (*mma)(void* machine, int bf16, const unsigned* operands, float* c, int line);
  void (*access)(void* machine, const void* address, long bytes, int is_write, const void* program_counter);
};

// Exported by the shared object.
//   EmulateHost emulate_host;  float4 shoal_arena[];  void emulate_entry(void** arguments);
enum { emulate_arena_bytes = 256 * 1024 };
