// --set: one value of a spec changed by a path, and what is said about paths that lead nowhere.
#include "compiler/support/error.h"
#include "tests/json/cases.h"

namespace shoal {

namespace {

// The document after the change, without spaces.
std::string changed(const std::string& text, const std::string& assignment) {
  return json::print_compact(json::parse(apply_override(text, assignment), "changed"));
}

std::string refusal(const std::string& text, const std::string& assignment) {
  try {
    apply_override(text, assignment);
    return "accepted";
  } catch (const SpecError& error) {
    return error.what();
  }
}

}  // namespace

TEST(Override, ReplacesAndAppends) {
  EXPECT_EQ(changed(R"({"training": {"batch": 32}})", "training.batch=64"), R"({"training":{"batch":64}})");
  EXPECT_EQ(changed(R"({"a": 1})", "training.batch=64"), R"({"a":1,"training":{"batch":64}})");
  EXPECT_EQ(changed(R"({"l": [1, 2, 3]})", "l.1=[]"), R"({"l":[1,[],3]})");
  EXPECT_EQ(changed(R"({"data": {}})", "data.file=runs/a b.npz"), R"({"data":{"file":"runs/a b.npz"}})");
  EXPECT_EQ(changed(R"({})", "name=\"1\""), R"({"name":"1"})");
  EXPECT_EQ(changed(R"({})", "name=a=b"), R"({"name":"a=b"})");
}

TEST(Override, FieldsOfOpsNeedNoNameOfTheOp) {
  EXPECT_EQ(changed(R"({"optimizer": "adam"})", "optimizer.lr=1"), R"({"optimizer":{"adam":{"lr":1}}})");
  EXPECT_EQ(changed(R"({"optimizer": {"adam": {"lr": 2}}})", "optimizer.lr=1"), R"({"optimizer":{"adam":{"lr":1}}})");
  EXPECT_EQ(changed(R"({"optimizer": {"adam": {"lr": 2}}})", "optimizer.adam.eps=1"),
            R"({"optimizer":{"adam":{"lr":2,"eps":1}}})");
  const std::string network = R"({"network": {"layers": [{"name": "a", "dense": {"units": 2}}, "elu"]}})";
  EXPECT_EQ(changed(network, "network.layers.0.units=3"),
            R"({"network":{"layers":[{"name":"a","dense":{"units":3}},"elu"]}})");
  EXPECT_EQ(changed(network, "network.layers.0.name=b"),
            R"({"network":{"layers":[{"name":"b","dense":{"units":2}},"elu"]}})");
  EXPECT_EQ(changed(network, "network.layers.1.alpha=3"),
            R"({"network":{"layers":[{"name":"a","dense":{"units":2}},{"elu":{"alpha":3}}]}})");
}

TEST(Override, KeysWithDots) {
  const std::string text = R"({"population": {"vary": {"optimizer.lr": {"uniform": [0, 1]}}}})";
  const std::string wanted = R"({"population":{"vary":{"optimizer.lr":{"uniform":[1,2]}}}})";
  EXPECT_EQ(changed(text, "population.vary.optimizer.lr.uniform=[1, 2]"), wanted);
  EXPECT_EQ(changed(text, "/population/vary/optimizer.lr/uniform=[1, 2]"), wanted);
  EXPECT_EQ(changed(R"({})", "population.vary.optimizer.lr={\"uniform\": [1, 2]}"), wanted);
  EXPECT_EQ(changed("{}", "/define/f(x)=x ~ y"), R"json({"define":{"f(x)":"x ~ y"}})json");
  EXPECT_EQ(changed(R"({"a/b~": 1})", "/a~1b~0=2"), R"({"a/b~":2})");
}

TEST(Override, Refusals) {
  EXPECT_EQ(refusal("{}", "training.batch"), "--set training.batch: expected path=value, such as training.batch=64");
  EXPECT_EQ(refusal("{}", "=3"), "--set =3: expected path=value, such as training.batch=64");
  EXPECT_EQ(refusal("{}", "a..b=3"), "--set a..b=3: expected names between the separators of the path, got nothing");
  EXPECT_EQ(refusal(R"({"l": [1]})", "l.1=3"), "--set l.1=3: 'l' is a list: expected an index from 0 to 0, got '1'");
  EXPECT_EQ(refusal(R"({"l": []})", "l.0=3"), "--set l.0=3: 'l' is an empty list, so it has no '0'");
  EXPECT_EQ(refusal(R"({"a": {"b": 1}})", "a.b.c=3"),
            "--set a.b.c=3: 'a.b' is neither an object nor a list, so it has no 'c'");
  EXPECT_EQ(refusal("[", "a=3").substr(0, 8), "spec:1:2");
  EXPECT_EQ(refusal("{}", "a=[1,").substr(0, 17), "--set a=[1,:1:4: ");
}

}  // namespace shoal
