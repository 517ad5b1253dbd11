// An NVRTC for the fake libcuda: its images are the text itself, which the fake driver runs in the emulator.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace {

struct Program {
  std::string source, log, image;
};
const std::vector<int> architectures{80, 86, 89, 90, 100, 120};

int copy_text(const std::string& text, char* to) {
  std::memcpy(to, text.c_str(), text.size() + 1);
  return 0;
}

}  // namespace

extern "C" {

int nvrtcVersion(int* major, int* minor) {
  *major = 0;  // no version of the real one: caches keep them apart
  *minor = 1;
  return 0;
}
int nvrtcGetNumSupportedArchs(int* count) {
  *count = static_cast<int>(architectures.size());
  return 0;
}
int nvrtcGetSupportedArchs(int* archs) {
  std::copy(architectures.begin(), architectures.end(), archs);
  return 0;
}
int nvrtcCreateProgram(Program** program, const char* source, const char*, int, const char* const*,
                       const char* const*) {
  *program = new Program{source, {}, {}};
  return 0;
}
int nvrtcDestroyProgram(Program** program) {
  delete *program;
  *program = nullptr;
  return 0;
}
int nvrtcCompileProgram(Program* program, int count, const char* const* options) {
  bool cubin = false;
  for (int i = 0; i < count; i++) cubin |= std::string(options[i]).find("--gpu-architecture=sm_") == 0;
  program->image = (cubin ? "\177ELFshoal text image\n" : "") + program->source;
  return 0;
}
int nvrtcGetProgramLogSize(Program* program, size_t* bytes) {
  *bytes = program->log.size() + 1;
  return 0;
}
int nvrtcGetProgramLog(Program* program, char* text) { return copy_text(program->log, text); }
int nvrtcGetPTXSize(Program* program, size_t* bytes) {
  *bytes = program->image.size() + 1;
  return 0;
}
int nvrtcGetPTX(Program* program, char* text) { return copy_text(program->image, text); }
int nvrtcGetCUBINSize(Program* program, size_t* bytes) {
  *bytes = program->image.size() + 1;
  return 0;
}
int nvrtcGetCUBIN(Program* program, char* image) { return copy_text(program->image, image); }
}
