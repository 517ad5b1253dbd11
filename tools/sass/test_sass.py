"""sass.py against images of NVRTC (when it is here), hand-written listings, and damaged files."""
import contextlib
import ctypes
import io
import json
import os
import random
import re
import tempfile
import unittest

import cubin
import model
import sass
import works

SPILLING = b"""
extern "C" __global__ void __launch_bounds__(1024) spilling(float* x, int n) {
  float v[200];
  for (int i = 0; i < 200; i++) v[i] = x[threadIdx.x + 1024 * i];
  for (int k = 0; k < n; k++)
    for (int i = 0; i < 200; i++) v[i] = __fmaf_rn(v[i], v[(i * 7 + 3) % 200], v[(i + 1) % 200]);
  for (int i = 0; i < 200; i++) x[threadIdx.x + 1024 * i] = v[i];
}
extern "C" __global__ void wide(const float4* __restrict__ in, float* out) {
  __shared__ float4 tile[64];
  tile[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  const float4 q = tile[63 - threadIdx.x];
  out[threadIdx.x] = __fmaf_rn(q.x, q.y, __fmaf_rn(q.z, q.w, 1.0f));
}
"""


def compile_with_nvrtc(source):
    """The cubin for sm_90, or None without NVRTC."""
    for name in ("libnvrtc.so.13", "libnvrtc.so.12", "/usr/local/cuda/lib64/libnvrtc.so.13", "/usr/local/cuda/lib64/libnvrtc.so.12"):
        with contextlib.suppress(OSError):
            nvrtc = ctypes.CDLL(name)
            break
    else:
        return None
    program = ctypes.c_void_p()
    if nvrtc.nvrtcCreateProgram(ctypes.byref(program), source, b"test.cu", 0, None, None) != 0:
        return None
    options = (ctypes.c_char_p * 2)(b"--gpu-architecture=sm_90", b"--std=c++17")
    size = ctypes.c_size_t()
    image = None
    if nvrtc.nvrtcCompileProgram(program, 2, options) == 0 and nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size)) == 0:
        buffer = ctypes.create_string_buffer(size.value)
        if nvrtc.nvrtcGetCUBIN(program, buffer) == 0:
            image = buffer.raw
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return image


def listing(*lines):
    return [dict(zip(("opcode", "operands"), line.split(" ", 1))) for line in lines]


class Listing(unittest.TestCase):
    CODE = listing("S2R R0,SR_TID.X", "LDS.128 R4,[R0]", "LDS R8,[R0]", "FFMA R4,R4,R5,R6", "FFMA.FTZ R4,R4,R5,R6",
                   "BRA 0x30", "STS.64 [R0],R4", "LDL R1,[R2]", "BAR.SYNC.DEFER_BLOCKING 0x0",
                   "LDG.E.U8 R1,[R2]", "EXIT", "BRA 0xb0", "NOP", "NOP")

    def test_counts_by_opcode_and_width(self):
        c = sass.count(self.CODE)
        self.assertEqual(c.instructions, 11)  # neither the trap loop nor the padding
        self.assertEqual((c.counts["ffma"], c.counts["bar"], c.counts["spill_load"], c.counts["spill_store"]), (2, 1, 1, 0))
        self.assertEqual(c.widths, {"LDS": {"128": 1, "32": 1}, "STS": {"64": 1}, "LDG": {"8": 1}, "STG": {}})

    def test_a_backward_branch_closes_a_loop(self):
        loops = sass.find_loops(self.CODE)
        self.assertEqual([(l.start, l.end, l.body.instructions) for l in loops], [(0x30, 0x50, 3)])

    def test_innermost_loops_only(self):
        outer, inner = sass.Loop(0, 100), sass.Loop(20, 40)
        self.assertEqual(sass.innermost([outer, inner]), [inner])


class Model(unittest.TestCase):
    def test_products_of_a_kernel_are_counted_by_its_loops(self):
        text = """kernel k warps 1 lanes 32
  %1 = constant 32 : i32
  %2 = mma %9 %9 %9 part 0 : f32
  %3 = loop %0 : i32
    %4 = mma %9 %9 %9 part 0 : f32
    %5 = mma %9 _ %9 part 1 : f32
    when %8
      %6 = loop %1 step 8 : i32
        %7 = mma %9 %9 %9 part 0 : f32
      end
    end
  end
  %8 = mma %9 %9 %9 part 0 : f32
"""
        self.assertEqual(model.planned_products(text), 1 + 4)  # in one step; before and behind them does not count
        self.assertEqual(model.planned_products(text.replace("loop %0", "loop %1 step 16")), 2 + 2 * 5)


    def test_a_multiprocessor_is_that_of_the_compiler(self):
        path = os.path.join(works.ROOT, "compiler", "plan", "gpu_machine.cpp")
        with open(path, encoding="utf-8") as file:
            machines = re.findall(r"GpuMachine\{\s*\.sm = (\d+), \.shared = (\d+) \* kib, \.warps = (\d+),(?: \.blocks = (\d+),)?", file.read())
        known = {"sm_" + sm: {"shared": int(shared) << 10, "warps": int(warps), "blocks": int(blocks or 32)} for sm, shared, warps, blocks in machines}
        self.assertEqual(model.LIMITS, {target: known[target] for target in works.TARGETS})

    def test_members_are_as_many_as_the_scarcest_resource_has_room_for(self):
        # 31,232 bytes and what is reserved: 5, 7 and 3 blocks. 254 registers: 8 warps. Without either: blocks, or warps.
        self.assertEqual([model.members_of_multiprocessor(t, 238, 31232, 1, 1) for t in works.TARGETS], [5, 7, 3])
        self.assertEqual([model.members_of_multiprocessor(t, 254, 0, 1, 1) for t in works.TARGETS], [8, 8, 8])
        self.assertEqual([model.members_of_multiprocessor(t, 16, 0, 1, 2) for t in works.TARGETS], [64, 64, 48])
        self.assertEqual([model.members_of_multiprocessor(t, 16, 0, 8, 1) for t in works.TARGETS], [8, 8, 6])


class Check(unittest.TestCase):
    CODE = {"registers": 200, "local": 0, "shared": 1024, "members": 8, "mma": 16, "planned_mma": 16, "wide_shared_loads": 0.9,
            "wide_global_loads": 0.9, "counted": True}
    ROW = {"work": "w", "peak_merge": 0.5, "peak_return": 0.4, "ffma": 8, "planned_ffma": 8}

    def faults(self, target="", **changes):
        old, new = ({**self.ROW, "targets": {t: dict(self.CODE) for t in works.TARGETS}} for _ in range(2))
        (new["targets"][target] if target else new).update(changes)
        return works.worse(old, new)

    def test_what_is_worse_for_any_target_is_found(self):
        self.assertEqual(self.faults(), [])
        for target in works.TARGETS:
            for change, words in (({"local": 40}, "local memory or spills: 40, was 0"),
                                  ({"mma": 8}, "8 products of tensor cores, the plan has 16"),
                                  ({"mma": 0, "planned_mma": 0}, "no products of tensor cores"),
                                  ({"wide_shared_loads": 0.8}, "wide_shared_loads: 0.8, was 0.9"),
                                  ({"wide_global_loads": 0.8}, "wide_global_loads: 0.8, was 0.9")):
                self.assertEqual(self.faults(target, **change), [f"w: for {target}, {words}"])
        self.assertEqual(self.faults(peak_merge=0.3), ["w: peak_merge: 0.3, was 0.5"])

    def test_what_is_better_or_as_good_is_no_fault(self):
        self.assertEqual(self.faults("sm_120", registers=255, wide_shared_loads=0.895, wide_global_loads=1.0), [])
        self.assertEqual(self.faults("sm_80", counted=False, mma=8), [])  # without trip counts

    def test_a_target_that_nothing_is_known_of_is_a_fault(self):
        new = {**self.ROW, "targets": {"sm_80": dict(self.CODE), "sm_90": dict(self.CODE)}}
        old = {**self.ROW, "targets": {"sm_90": dict(self.CODE)}}
        self.assertEqual(works.worse(old, new), ["w: for sm_80, nothing to compare with"])

    def test_the_second_table_has_each_target(self):
        targets = {t: {**self.CODE, "registers": n} for n, t in enumerate(works.TARGETS, 100)}
        head, rule, line = works.resources([{**self.ROW, "targets": targets}]).splitlines()
        self.assertEqual((head.count("|"), rule.count("|"), line.count("|")), (14, 14, 14))
        self.assertEqual(re.findall(r"sm_\d+", head), list(works.TARGETS))
        self.assertEqual(line, "| w | 100 | 0 | 1024 | 8 | 101 | 0 | 1024 | 8 | 102 | 0 | 1024 | 8 |")


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.image = compile_with_nvrtc(SPILLING)
        if cls.image is None:
            raise unittest.SkipTest("no NVRTC on this machine")

    def test_resources_are_read_from_the_file(self):
        r = cubin.resources(self.image)
        self.assertEqual(set(r), {"spilling", "wide"})
        self.assertEqual(r["spilling"].registers, 64)  # 65536 registers shared by 1024 threads
        self.assertGreater(r["spilling"].frame_bytes, 0)
        self.assertEqual(r["wide"].frame_bytes, 0)
        self.assertEqual(r["wide"].shared_bytes, 1024 + 1024)  # the tile, and what sm_90 reserves

    def test_damaged_files_are_refused_not_crashed_on(self):
        rng = random.Random(1)
        for trial in range(300):
            damaged = bytearray(self.image)
            if trial % 3 == 0:
                del damaged[rng.randrange(len(damaged)):]
            else:
                for _ in range(8):
                    damaged[rng.randrange(64 if trial % 3 == 1 else len(damaged))] = rng.randrange(256)
            with contextlib.suppress(cubin.CubinError):
                cubin.resources(bytes(damaged))
        for other in (b"", b"\x7fELF", b"PK\x03\x04" + bytes(100)):
            with self.assertRaises(cubin.CubinError):
                cubin.resources(other)

    def test_report(self):
        try:
            sass.find_nvdisasm()
        except sass.SassError as error:
            self.skipTest(str(error))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "test.cubin")
            with open(path, "wb") as file:
                file.write(self.image)
            with contextlib.redirect_stdout(io.StringIO()) as out:
                self.assertEqual(sass.main([path, "--json"]), 0)
            kernels = {k["name"]: k for k in json.loads(out.getvalue())}
            wide, spilling = kernels["wide"]["all"], kernels["spilling"]["all"]
            self.assertEqual((wide["counts"]["ffma"], wide["counts"]["bar"]), (2, 1))
            self.assertEqual((wide["widths"]["LDS"], wide["widths"]["STS"]), ({"128": 1}, {"128": 1}))
            self.assertGreater(spilling["counts"]["spill_load"], 0)
            self.assertGreater(spilling["counts"]["spill_store"], 0)
            with contextlib.redirect_stdout(io.StringIO()) as out:
                self.assertEqual(sass.main([path, "--kernel", "wide"]), 0)
            self.assertIn("spills: 0 loads (LDL), 0 stores (STL)", out.getvalue())
            with contextlib.redirect_stderr(io.StringIO()) as err:
                self.assertEqual(sass.main([path, "--kernel", "other"]), 1)
            self.assertIn("no kernel other", err.getvalue())


class Errors(unittest.TestCase):
    def test_a_missing_file_is_one_line(self):
        with contextlib.redirect_stderr(io.StringIO()) as err:
            self.assertEqual(sass.main(["/nonexistent.cubin"]), 1)
        self.assertEqual(err.getvalue().count("\n"), 1)


if __name__ == "__main__":
    unittest.main()
