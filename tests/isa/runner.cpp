// Runs one kernel on the machine that this program is compiled for: runner IMAGE JOB RESULT.
//
// IMAGE: a linked ELF file without needs of its own, whose entry is the kernel. JOB: int64 numbers
// (warps, bytes of scratch, first group, last group, count of scalars, count of buffers), the scalars as int32, then
// for each buffer an int64 count of words and the words. RESULT: the words of all buffers afterwards.
#include <elf.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "runtime/cpu/flush_denormals.h"
#include "runtime/cpu/team.h"

namespace {

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "runner: %s\n", what);
  std::exit(1);
}

std::vector<char> read_file(const char* path) {
  std::FILE* file = std::fopen(path, "rb");
  if (!file) fail(path);
  std::vector<char> bytes;
  char piece[1 << 16];
  for (size_t n = 0; (n = std::fread(piece, 1, sizeof piece, file)) > 0;) bytes.insert(bytes.end(), piece, piece + n);
  std::fclose(file);
  return bytes;
}

struct Reader {
  const std::vector<char>& bytes;
  size_t at = 0;
  void read(void* to, size_t count) {
    if (bytes.size() - at < count) fail("the job is too short");
    if (count) std::memcpy(to, bytes.data() + at, count);
    at += count;
  }
  int64_t number() {
    int64_t value = 0;
    read(&value, sizeof value);
    return value;
  }
};

shoal::cpu::KernelFunction map_kernel(const char* path) {
  const std::vector<char> file = read_file(path);
  Reader reader{file};
  Elf64_Ehdr header;
  reader.read(&header, sizeof header);
  std::vector<Elf64_Phdr> segments(header.e_phnum);
  reader.at = header.e_phoff;
  reader.read(segments.data(), segments.size() * sizeof(Elf64_Phdr));
  uint64_t end = 0;
  for (const Elf64_Phdr& segment : segments)
    if (segment.p_type == PT_LOAD) end = std::max(end, segment.p_vaddr + segment.p_memsz);
  // Addresses of the file begin near 0; the code may stand anywhere that begins with a page.
  void* image = mmap(nullptr, end, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, /*fd=*/-1, /*offset=*/0);
  if (image == MAP_FAILED) fail("no memory for the image");
  char* begin = static_cast<char*>(image);
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type != PT_LOAD) continue;
    reader.at = segment.p_offset;
    reader.read(begin + segment.p_vaddr, segment.p_filesz);
  }
  if (mprotect(image, end, PROT_READ | PROT_EXEC)) fail("the image cannot be run");
  __builtin___clear_cache(begin, begin + end);
  return reinterpret_cast<shoal::cpu::KernelFunction>(begin + header.e_entry);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) fail("expected IMAGE JOB RESULT");
  const shoal::cpu::KernelFunction kernel = map_kernel(argv[1]);
  const std::vector<char> job = read_file(argv[2]);
  Reader reader{job};
  const int64_t warps = reader.number(), scratch_bytes = reader.number();
  const auto first = static_cast<int32_t>(reader.number()), last = static_cast<int32_t>(reader.number());
  std::vector<int32_t> scalars(static_cast<size_t>(reader.number()));
  std::vector<std::vector<uint32_t>> buffers(static_cast<size_t>(reader.number()));
  reader.read(scalars.data(), scalars.size() * sizeof(int32_t));
  std::vector<void*> pointers;
  for (std::vector<uint32_t>& words : buffers) {
    words.resize(static_cast<size_t>(reader.number()));
    reader.read(words.data(), words.size() * sizeof(uint32_t));
    pointers.push_back(words.data());
  }
  void* scratch = std::aligned_alloc(64, static_cast<size_t>(scratch_bytes + 127) / 64 * 64);
  shoal::cpu::Team team(static_cast<int>(warps), /*spins=*/100);
  const auto run = [&](int32_t warp) {
    const shoal::cpu::FlushDenormals flush;
    kernel(pointers.data(), scalars.data(), scratch, first, last, warp, team.entry());
  };
  std::vector<std::thread> others;
  for (int32_t warp = 1; warp < warps; ++warp) others.emplace_back(run, warp);
  run(0);
  for (std::thread& thread : others) thread.join();
  std::free(scratch);
  std::FILE* result = std::fopen(argv[3], "wb");
  if (!result) fail(argv[3]);
  for (const std::vector<uint32_t>& words : buffers)
    if (std::fwrite(words.data(), sizeof(uint32_t), words.size(), result) != words.size()) fail("cannot write");
  return std::fclose(result) == 0 ? 0 : 1;
}
