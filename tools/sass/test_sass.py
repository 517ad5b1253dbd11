"""sass.py against images of NVRTC (when it is here), hand-written listings, and damaged files."""
import contextlib
import ctypes
import io
import json
import os
import random
import tempfile
import unittest

import cubin
import model
import sass

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
