// The LLVM side of the CPU target: parsing, code generation with an explicit TargetMachine, linking with ORC and
// JITLink.
#include "runtime/cpu/jit.h"

#include <fmt/format.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <string_view>

#include "compiler/support/error.h"
#include "compiler/support/text.h"

namespace shoal::cpu {
namespace {

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// LLVM's registry of targets is the process's; it is filled once, with the architectures that kernels are emitted for.
// All of LLVM's would take a millisecond.
void initialise_llvm() {
  static std::once_flag once;
  std::call_once(once, [] {
    ::llvm::InitializeNativeTarget();
    ::llvm::InitializeNativeTargetAsmPrinter();
    ::llvm::InitializeNativeTargetAsmParser();
#define SHOAL_INITIALISE(ARCHITECTURE)          \
  ::LLVMInitialize##ARCHITECTURE##TargetInfo(); \
  ::LLVMInitialize##ARCHITECTURE##Target();     \
  ::LLVMInitialize##ARCHITECTURE##TargetMC();   \
  ::LLVMInitialize##ARCHITECTURE##AsmPrinter()
#if LLVM_HAS_X86_TARGET
    SHOAL_INITIALISE(X86);
#endif
#if LLVM_HAS_AARCH64_TARGET
    SHOAL_INITIALISE(AArch64);
#endif
#undef SHOAL_INITIALISE
  });
}

[[noreturn]] void refuse(const std::string& what, const std::string& log, const std::string& text) {
  throw CompileError(fmt::format("LLVM {}: {}", what, log), log, numbered(text));
}

// Without a handler of ours LLVM would print an error and end the process.
struct Diagnostics : ::llvm::DiagnosticHandler {
  explicit Diagnostics(std::string& log_) : log(log_) {}
  bool handleDiagnostics(const ::llvm::DiagnosticInfo& info) override {
    ::llvm::raw_string_ostream stream(log);
    ::llvm::DiagnosticPrinterRawOStream printer(stream);
    info.print(printer);
    stream << '\n';
    failed = failed || info.getSeverity() == ::llvm::DS_Error;
    return true;
  }
  std::string& log;
  bool failed = false;
};

const ::llvm::Target& target_of(const std::string& triple) {
  initialise_llvm();
  std::string error;
  const ::llvm::Target* target = ::llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target) throw CompileError(fmt::format("LLVM makes no code for {}", triple), error, "");
  return *target;
}

std::string generate(const std::string& text, const emit::CpuFeatures& features, ::llvm::CodeGenFileType kind,
                     CompileTimes* times) {
  const double start = seconds();
  if (!is_known_cpu(features.cpu, features.triple)) refuse("knows no such CPU", features.cpu, text);
  // Default rather than Aggressive: the code of emitted loops is the same, and it takes no longer.
  std::unique_ptr<::llvm::TargetMachine> machine(
      target_of(features.triple)
          .createTargetMachine(features.triple, features.cpu, features.features, ::llvm::TargetOptions{},
                               ::llvm::Reloc::PIC_, ::llvm::CodeModel::Small, ::llvm::CodeGenOptLevel::Default,
                               /*JIT=*/true));
  if (!machine) refuse("makes no code for", features.triple, text);

  std::string log;
  ::llvm::LLVMContext context;
  auto handler = std::make_unique<Diagnostics>(log);
  const Diagnostics& diagnostics = *handler;
  context.setDiagnosticHandler(std::move(handler));
  ::llvm::SMDiagnostic problem;
  std::unique_ptr<::llvm::Module> module = ::llvm::parseAssemblyString(text, problem, context);
  if (!module) {
    ::llvm::raw_string_ostream stream(log);
    problem.print("kernel.ll", stream, /*ShowColors=*/false);
    refuse("cannot parse the kernel", log, text);
  }
  module->setTargetTriple(features.triple);
  module->setDataLayout(machine->createDataLayout());
  ::llvm::raw_string_ostream verifier(log);
  if (::llvm::verifyModule(*module, &verifier)) refuse("finds the kernel ill-formed", log, text);
  const double parsed = seconds();

  ::llvm::SmallVector<char, 0> bytes;
  ::llvm::raw_svector_ostream stream(bytes);
  ::llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, kind)) refuse("cannot write", "this kind of file", text);
  passes.run(*module);
  if (diagnostics.failed) refuse("cannot generate code", log, text);
  if (times) *times = {.parse_seconds = parsed - start, .generate_seconds = seconds() - parsed};
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace

std::string compile_object(const std::string& text, const emit::CpuFeatures& features, CompileTimes* times) {
  std::string object = generate(text, features, ::llvm::CodeGenFileType::ObjectFile, times);
  for (const std::string& name : undefined_symbols(object))
    refuse("made code that calls an outside function", name, text);
  return object;
}

std::string compile_assembly(const std::string& text, const emit::CpuFeatures& features) {
  return generate(text, features, ::llvm::CodeGenFileType::AssemblyFile, nullptr);
}

std::vector<std::string> undefined_symbols(const std::string& object) {
  auto file = ::llvm::object::ObjectFile::createObjectFile(::llvm::MemoryBufferRef(object, "kernel.o"));
  if (!file) throw CompileError("damaged object file", ::llvm::toString(file.takeError()), "");
  std::vector<std::string> names;
  for (const auto& symbol : (*file)->symbols()) {
    auto flags = symbol.getFlags();
    auto name = symbol.getName();
    if (!flags || !name) throw CompileError("damaged symbol table", "", "");
    const bool undefined = *flags & ::llvm::object::SymbolRef::SF_Undefined;
    if (undefined && !name->empty() && *name != "_GLOBAL_OFFSET_TABLE_") names.push_back(name->str());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string llvm_version() { return LLVM_VERSION_STRING; }
std::string host_cpu_name() { return ::llvm::sys::getHostCPUName().str(); }

std::vector<std::pair<std::string, bool>> host_features() {
  std::vector<std::pair<std::string, bool>> all;
  for (const auto& entry : ::llvm::sys::getHostCPUFeatures()) all.emplace_back(entry.first().str(), entry.second);
  std::sort(all.begin(), all.end());
  return all;
}

bool is_known_cpu(const std::string& name, const std::string& triple) {
  const std::unique_ptr<::llvm::MCSubtargetInfo> info(target_of(triple).createMCSubtargetInfo(triple, "", ""));
  return info && info->isCPUStringValid(name);
}

// ---- linking

namespace {

class Dylib : public LoadedCode {
 public:
  Dylib(::llvm::orc::LLJIT& jit, ::llvm::orc::JITDylib& dylib) : jit_(jit), dylib_(dylib) {}
  ~Dylib() override { ::llvm::consumeError(jit_.getExecutionSession().removeJITDylib(dylib_)); }
  KernelFunction function() const override { return function_; }

  void add(const std::string& object, const std::string& name) {
    must(jit_.addObjectFile(dylib_, ::llvm::MemoryBuffer::getMemBufferCopy(object, name)));
    auto address = jit_.lookup(dylib_, name);
    if (!address) must(address.takeError());
    function_ = address->toPtr<KernelFunction>();
  }

 private:
  static void must(::llvm::Error error) {
    if (error) {
      const std::string log = ::llvm::toString(std::move(error));
      throw CompileError("cannot link the kernel: " + log, log, "");
    }
  }
  ::llvm::orc::LLJIT& jit_;
  ::llvm::orc::JITDylib& dylib_;
  KernelFunction function_ = nullptr;
};

}  // namespace

struct Linker::State {
  std::unique_ptr<::llvm::orc::LLJIT> jit;
  std::atomic<uint64_t> loaded = 0;
};

Linker::Linker() : state_(std::make_unique<State>()) {
  initialise_llvm();
  // No platform and no process symbols: kernels have no constructors and call nothing.
  auto jit =
      ::llvm::orc::LLJITBuilder()
          .setPlatformSetUp(::llvm::orc::setUpInactivePlatform)
          .setLinkProcessSymbolsByDefault(false)
          .setObjectLinkingLayerCreator([](::llvm::orc::ExecutionSession& session, const ::llvm::Triple&) {
            return std::make_unique<::llvm::orc::ObjectLinkingLayer>(
                session,
                std::make_unique<::llvm::jitlink::InProcessMemoryManager>(::llvm::sys::Process::getPageSizeEstimate()));
          })
          .create();
  if (!jit) throw RuntimeError("LLVM cannot link in this process: " + ::llvm::toString(jit.takeError()));
  state_->jit = std::move(*jit);
  // A damaged cache entry is the caller's to report, not for standard error.
  state_->jit->getExecutionSession().setErrorReporter(
      [](::llvm::Error error) { ::llvm::consumeError(std::move(error)); });
}

Linker::~Linker() = default;

std::unique_ptr<LoadedCode> Linker::load(const std::string& object, const std::string& name) {
  auto dylib = state_->jit->createJITDylib(fmt::format("kernel{}", state_->loaded++));
  if (!dylib) throw CompileError("cannot link the kernel", ::llvm::toString(dylib.takeError()), "");
  auto code = std::make_unique<Dylib>(*state_->jit, *dylib);
  code->add(object, name);
  return code;
}

}  // namespace shoal::cpu
