// shoal doc: what there is to build networks from, and each op's fields.
#include <fmt/format.h>

#include <memory>

#include "compiler/ops/op.h"
#include "frontend/json/reference.h"
#include "tools/shoal/command.h"

namespace shoal::command {
namespace {

int print_doc(const std::string& op) {
  if (!op.empty()) {
    fmt::print("{}", doc(op));
    return exit_ok;
  }
  for (const OpInfo& info : all_ops()) fmt::print("{:<12} {:<22} {}\n", op_kind_name(info.kind), info.name, info.doc);
  return exit_ok;
}

}  // namespace

void add_doc(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("doc", "Lists the layers, losses, optimizers ..., or explains one");
  const auto op = std::make_shared<std::string>();
  command->add_option("OP", *op, "a name such as dense; without one: all names");
  command->callback([op, &action] { action = [op](const Settings&) { return print_doc(*op); }; });
}

}  // namespace shoal::command
