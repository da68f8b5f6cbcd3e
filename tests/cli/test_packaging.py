#!/usr/bin/env python3
"""What `cmake --install` lays down works from where it lies: programs find each other, plugins keep their hashes, the
examples build against the package outside the tree, pkg-config and libassay serve a C program.

SPDX-License-Identifier: Apache-2.0
"""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["ASSAY_BUILD"])
SOURCE = pathlib.Path(os.environ["ASSAY_SOURCE"])
ENV = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
sys.dont_write_bytecode = True
sys.path.insert(0, str(SOURCE / "examples/models"))
import countdown  # noqa: E402

PROGRAM = r"""
#include <assay/assay.h>
#include <stdio.h>

int main(void)
{
    assay_error err = { .size = sizeof err };
    assay_library *lib = NULL;
    assay_scorer *scorer = NULL;
    assay_results *results = NULL;
    assay_item items[2] = {
        { .completion = { "The answer is \\boxed{7}.", 24 }, .reference = { "7", 1 } },
        { .completion = { "The answer is \\boxed{8}.", 24 }, .reference = { "7", 1 } },
    };
    size_t n = 0;
    if (assay_library_open(&lib, NULL, &err) || assay_scorer_open(lib, "math", &scorer, &err) ||
        assay_score(scorer, items, 2, 0, &results, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    const assay_result *rows = assay_results_rows(results, &n);
    for (size_t i = 0; i < n; i++)
        printf("%s\n", assay_verdict_name(rows[i].verdict));
    printf("%.6f %s\n", assay_pass_at_k(4, 1, 2), assay_version());
    assay_results_free(results);
    assay_scorer_close(scorer);
    assay_library_close(lib);
    return 0;
}
"""


def run(*argv, env=None, ok=0):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, env={**ENV, **(env or {})},
                          stdin=subprocess.DEVNULL, timeout=240)
    assert done.returncode == ok, f"{argv} ended with {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def cache_entry(name):
    for line in (BUILD / "CMakeCache.txt").read_text().splitlines():
        if line.startswith(name + ":"):
            return line.split("=", 1)[1]
    return ""


class Packaging(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = pathlib.Path(tempfile.mkdtemp(prefix="assay-packaging-"))
        cls.prefix = cls.tmp / "prefix"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        cls.lib = cls.prefix / cache_entry("CMAKE_INSTALL_LIBDIR")
        cls.assay = cls.prefix / "bin" / "assay"
        ENV["XDG_CACHE_HOME"] = str(cls.tmp / "cache")
        ENV["HOME"] = str(cls.tmp / "home")
        os.mkdir(cls.tmp / "home")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.tmp)

    def verdict(self, plugin, completion, reference, *more, assay=None):
        out = run(assay or self.assay, "verify", "--plugin", plugin, "--completion", completion, "--reference", reference,
                  "--no-cache", *more)
        return json.loads(out.splitlines()[0])["verdict"]

    def test_plugins_keep_their_hashes(self):
        folder = self.lib / "assay" / "plugins"
        lines = (folder / "OURS.sha256").read_text().splitlines()
        self.assertEqual(len(lines), len(list(folder.glob("*.so"))))
        self.assertGreaterEqual(len(lines), 6)
        for line in lines:
            digest, name = line.split()
            self.assertEqual(hashlib.sha256((folder / name).read_bytes()).hexdigest(), digest, name)

    def test_installed_program_finds_plugins_and_worker(self):
        self.assertEqual(self.verdict("exact", "Paris", "Paris"), "pass")
        self.assertEqual(self.verdict("exact", "Rome", "Paris"), "fail")
        self.assertEqual(self.verdict("exact", "Paris", "Paris", "--isolation", "worker"), "pass")

    def test_destdir(self):
        stage = self.tmp / "stage"
        run("cmake", "--install", BUILD, env={"DESTDIR": stage})
        assay = stage / (cache_entry("CMAKE_INSTALL_PREFIX").lstrip("/")) / "bin" / "assay"
        self.assertEqual(self.verdict("exact", "Paris", "Paris", "--isolation", "worker", assay=assay), "pass")

    def test_installed_program_finds_the_sandbox(self):
        """Its helpers lie in libexec; a machine that grants no namespaces is refused for that, not for want of them."""
        done = subprocess.run([self.assay, "sandbox", "run", "-"], input="print(6 * 7)", capture_output=True, text=True,
                              env=ENV, timeout=60)
        self.assertNotIn("assay-box", done.stderr)
        if done.returncode == 0:
            self.assertEqual(json.loads(done.stdout)["stdout"], "42\n", done.stderr)
        else:
            self.assertEqual((done.returncode, "level" in done.stderr), (4, True), done.stderr)
        self.assertTrue((self.prefix / cache_entry("CMAKE_INSTALL_LIBEXECDIR") / "assay" / "assay-box").exists())

    def test_worker_missing_is_said(self):
        """The control of the two above: without the worker the same command fails, so it was the installed one."""
        stage = self.tmp / "broken"
        shutil.copytree(self.prefix, stage, symlinks=True)
        shutil.rmtree(stage / "libexec")
        done = subprocess.run([stage / "bin/assay", "verify", "--plugin", "exact", "--isolation", "worker", "--no-cache",
                               "--completion", "a", "--reference", "a"], capture_output=True, text=True, env=ENV,
                              stdin=subprocess.DEVNULL, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("assay-worker", done.stdout + done.stderr)
        done = subprocess.run([stage / "bin/assay", "sandbox", "run", "-"], input="print(1)", capture_output=True,
                              text=True, env=ENV, timeout=60)
        self.assertEqual((done.returncode, "assay-box" in done.stderr), (4, True), done.stderr)

    def example(self, folder, plugin):
        source, build = self.tmp / folder, self.tmp / (folder + "-build")
        shutil.copytree(SOURCE / "examples" / folder, source)
        run("cmake", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", build)
        listed = run("ctest", "--test-dir", build, "--output-on-failure", "--no-tests=error")
        self.assertIn(f"plugin_check.{plugin}", listed)
        made = build / "plugins" / f"{plugin}.so"
        symbols = [line.split()[-1] for line in run("nm", "-D", "--defined-only", made).splitlines()]
        self.assertEqual(symbols, ["assay_plugin_entry"])
        run(self.assay, "plugin", "check", made)
        return made

    def test_example_in_c(self):
        made = self.example("plugin_min", "contains")
        self.assertEqual(self.verdict(made, "so it is 42.", "42"), "pass")
        self.assertEqual(self.verdict(made, "so it is 41.", "42"), "fail")
        self.assertEqual(self.verdict(made, "", "42"), "no_answer")
        lines = (SOURCE / "examples/plugin_min/contains.c").read_text().count("\n")
        self.assertLessEqual(lines, 60)

    def test_example_in_cpp(self):
        made = self.example("plugin_cpp", "similar")
        self.assertEqual(self.verdict(made, "kitten", "kitten "), "pass")
        self.assertEqual(self.verdict(made, "sitting", "kitten"), "fail")
        self.assertEqual(self.verdict(f'{made}:{{"least":0.5}}', "sitting", "kitten"), "pass")
        run(self.assay, "verify", "--plugin", f'{made}:{{"lest":0.5}}', "--completion", "a", "--reference", "a", ok=2)

    def test_example_of_the_countdown_model(self):
        """It judges as the script that made the model does."""
        made = self.example("plugin_countdown", "countdown")
        problems = [json.loads(line) for line in (SOURCE / "examples/models/countdown/test.jsonl").read_text().splitlines()]
        items, right = self.tmp / "items.jsonl", []
        with open(items, "w", encoding="ascii") as f:
            for problem in problems[:20]:
                a, b, c, d = problem["meta"]["numbers"]
                for k, text in enumerate((f"{d}{p}{c}{q}{b}{r}{a}" for p in "+-*" for q in "+-*" for r in "+-*")):
                    f.write(json.dumps({"id": f"{problem['id']}/{k}", "prompt": problem["prompt"], "completion": text}) + "\n")
                    right.append(countdown.is_right(problem, text))
        verdicts = [json.loads(line)["verdict"] for line in run(self.assay, "verify", "--plugin", made, "--in", items).splitlines()]
        self.assertEqual(verdicts, ["pass" if is_right else "fail" for is_right in right])
        self.assertGreater(sum(right), 10)

    def test_pkg_config_and_libassay(self):
        env = {"PKG_CONFIG_PATH": str(self.lib / "pkgconfig")}
        plugins = pathlib.Path(run("pkg-config", "--variable=plugindir", "assay", env=env).strip())
        self.assertTrue((plugins / "math.so").exists())
        flags = run("pkg-config", "--cflags", "--libs", "assay", env=env).split()
        source, program = self.tmp / "program.c", self.tmp / "program"
        source.write_text(PROGRAM)
        run(cache_entry("CMAKE_C_COMPILER"), "-std=c11", source, *flags, "-o", program)
        out = run(program, env={"LD_LIBRARY_PATH": str(self.lib)}).split()
        self.assertEqual(out[:3], ["pass", "fail", "0.500000"])
        self.assertEqual(out[3], run("pkg-config", "--modversion", "assay", env=env).strip())

    def test_manual_and_completions(self):
        page = (self.prefix / "share/man/man1/assay-verify.1").read_text()
        self.assertIn(r"\-\-plugin", page)
        self.assertTrue((self.prefix / "share/man/man1/assay.1").exists())
        for name in ("bash-completion/completions/assay", "zsh/site-functions/_assay",
                     "fish/vendor_completions.d/assay.fish"):
            self.assertIn("verify", (self.prefix / "share" / name).read_text())


if __name__ == "__main__":
    if cache_entry("ASSAY_SANITIZE"):
        print("SKIP cli.packaging: a sanitizer's library cannot be linked into a plain program")
        sys.exit(77)
    unittest.main(verbosity=2)
