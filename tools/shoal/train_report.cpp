// Texts and JSON of a training run.
#include "tools/shoal/train_report.h"

#include <fmt/format.h>

#include <cmath>

#include "runtime/progress.h"
#include "tools/shoal/session.h"

namespace shoal::command {
namespace {

std::string_view score_prefix(const runtime::Training& training) {
  return training.evaluator() ? "validation_" : "train_";
}

double member_steps_per_second(const runtime::Training& training, int64_t members, const TrainOutcome& outcome) {
  const double seconds = training.training_seconds() - outcome.first_step_seconds;
  const int64_t steps = training.step() - outcome.first_step;
  return seconds > 0 ? static_cast<double>(steps) * static_cast<double>(members) / seconds : 0;
}

int64_t diverged_members(const runtime::MemberTable& table) {
  int64_t count = 0;
  for (const int32_t at : table.diverged_at) count += at >= 0;
  return count;
}

// JSON has no number for what is not finite.
json::Json number(double value) { return std::isfinite(value) ? json::Json(value) : json::Json(); }
json::Json number(float value) { return number(static_cast<double>(value)); }

std::string compile_text(const runtime::PopulationProgram& program) {
  return fmt::format("{} {:.1f} ms to source, {:.1f} ms to code ({})", program_kind_name(program.program().kind),
                     program.compile_seconds() * 1e3, program.load_report().seconds * 1e3,
                     load_source_name(program.load_report().source));
}

json::Json compile_json(const runtime::PopulationProgram& program) {
  return json::Json::object({{"source_seconds", number(program.compile_seconds())},
                             {"load_seconds", number(program.load_report().seconds)},
                             {"from", load_source_name(program.load_report().source)},
                             {"key", program.load_report().key}});
}

std::string indented(const std::string& lines) {
  std::string text;
  for (size_t at = 0; at < lines.size();) {
    size_t end = lines.find('\n', at);
    if (end == std::string::npos) end = lines.size();
    text += "          " + lines.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return text;
}

}  // namespace

std::string start_text(const Spec& spec, const SpecData& data, const runtime::Training& training,
                       const Device& device) {
  const Module& module = training.program().module();
  std::string text = spec_summary(spec) + "\n";
  text += fmt::format("data      {} training samples, {} for validation; batch {}; {} steps of {} members\n",
                      data.train.samples, data.validation ? data.validation->samples : 0, spec.training->batch,
                      training.length().total, spec.population.members);
  text += fmt::format("device    {}: {}\n", device.name(), device.description());
  text += fmt::format("schedule  {}\n", module.schedule);
  text += indented(module.why);
  text += fmt::format("compile   {}\n", compile_text(training.program()));
  if (training.evaluator()) text += fmt::format("          {}\n", compile_text(training.evaluator()->program()));
  return text;
}

std::string end_text(const Spec& spec, const runtime::Training& training, const TrainOutcome& outcome) {
  const runtime::MemberTable table = training.members();
  std::string text = fmt::format("{} after {} of {} steps\n", outcome.finished ? "finished" : "interrupted",
                                 training.step(), training.length().total);
  const std::string prefix(score_prefix(training));
  for (const std::string& name : table.scores.names) {
    if (name.rfind(prefix, 0) != 0) continue;
    const runtime::Quantiles q = runtime::quantiles(*table.scores.find(name));
    text +=
        fmt::format("{:<20} min {:.4g}  5 % {:.4g}  25 % {:.4g}  median {:.4g}  75 % {:.4g}  95 % {:.4g}  max {:.4g}\n",
                    name, q[0], q[1], q[2], q[3], q[4], q[5], q[6]);
  }
  if (const int64_t lost = diverged_members(table); lost > 0)
    text += fmt::format("diverged             {} of {} members{}\n", lost, table.diverged_at.size(),
                        outcome.out.empty() ? "" : " (see members.csv)");
  if (const int64_t best = runtime::best_member(table.scores, prefix); best >= 0) {
    const auto at = static_cast<size_t>(best);
    text += fmt::format("best member          {}:", table.first_member + best);
    for (size_t i = 0; i < table.scores.names.size(); ++i)
      if (table.scores.names[i].rfind(prefix, 0) == 0)
        text += fmt::format(" {} {:.4g}", table.scores.names[i], table.scores.values[i][at]);
    for (size_t i = 0; i < table.varied.size(); ++i)
      text += fmt::format(", {} {:.4g}", table.varied[i], table.varied_values[i][at]);
    text += "\n";
  }
  if (!outcome.ensemble.names.empty()) {
    text += "ensemble            ";
    for (size_t i = 0; i < outcome.ensemble.names.size(); ++i)
      text += fmt::format(" {} {:.4g}", outcome.ensemble.names[i], outcome.ensemble.values[i][0]);
    text += fmt::format(" (of {} on the {} data)\n",
                        spec.population.members == 1 ? "one member" : "all members together", outcome.scored_on);
  }
  text += fmt::format("speed                {} member-steps/s, {} of training\n",
                      runtime::rate_text(member_steps_per_second(training, spec.population.members, outcome)),
                      runtime::duration_text(training.training_seconds() - outcome.first_step_seconds));
  text += fmt::format("compile              {}\n", compile_text(training.program()));
  if (!outcome.out.empty()) text += fmt::format("written              {}\n", outcome.out);
  return text;
}

json::Json report_json(const Spec& spec, const runtime::Training& training, const Device& device,
                       const TrainOutcome& outcome) {
  using json::Json;
  const runtime::MemberTable table = training.members();
  Json report = Json::object();
  report.set("name", spec.model.name);
  report.set("members", spec.population.members);
  report.set("parameters", parameter_count(spec));
  report.set("device", device.name());
  report.set("device_description", device.description());
  report.set("schedule", training.program().module().schedule);
  report.set("finished", outcome.finished);
  report.set("steps", training.step());
  report.set("steps_per_epoch", training.length().steps_per_epoch);
  report.set("compile", compile_json(training.program()));
  report.set("training_seconds", number(training.training_seconds() - outcome.first_step_seconds));
  report.set("member_steps_per_second", number(member_steps_per_second(training, spec.population.members, outcome)));
  Json& scores = report.set("scores", Json::object());
  for (size_t i = 0; i < table.scores.names.size(); ++i) {
    const runtime::Quantiles q = runtime::quantiles(table.scores.values[i]);
    Json& one = scores.set(table.scores.names[i], Json::object());
    for (size_t level = 0; level < q.size(); ++level)
      one.set(std::string(runtime::quantile_names[level]), number(q[level]));
  }
  report.set("diverged", diverged_members(table));
  if (const int64_t best = runtime::best_member(table.scores, score_prefix(training)); best >= 0) {
    Json& member = report.set("best", Json::object());
    member.set("member", table.first_member + best);
    for (size_t i = 0; i < table.varied.size(); ++i)
      member.set(table.varied[i], number(table.varied_values[i][static_cast<size_t>(best)]));
    for (size_t i = 0; i < table.scores.names.size(); ++i)
      member.set(table.scores.names[i], number(table.scores.values[i][static_cast<size_t>(best)]));
  }
  if (!outcome.ensemble.names.empty()) {
    Json& ensemble = report.set("ensemble", Json::object());
    ensemble.set("data", outcome.scored_on);
    for (size_t i = 0; i < outcome.ensemble.names.size(); ++i)
      ensemble.set(outcome.ensemble.names[i], number(outcome.ensemble.values[i][0]));
  }
  if (!outcome.out.empty()) report.set("out", outcome.out);
  return report;
}

}  // namespace shoal::command
