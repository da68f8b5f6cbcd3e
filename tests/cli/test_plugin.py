"""assay plugin list, info, check and new, from outside: a plugin's whole way from the first file to a passed check.
SPDX-License-Identifier: Apache-2.0"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

BIN = os.environ["ASSAY_BIN"]
SOURCE = os.environ["ASSAY_SOURCE"]
BUILD = os.environ["ASSAY_BUILD"]
BAD = os.environ["ASSAY_TEST_PLUGINS"]
INCLUDE = os.path.join(SOURCE, "include")


def bad(name):
    return os.path.join(BAD, name + ".so")


class Plugin(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="assay-plugin-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_") and k not in ("MAKEFLAGS", "CFLAGS")}
        self.env |= {"XDG_CACHE_HOME": self.path("cache"), "HOME": self.path("home"), "NO_COLOR": "1"}

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def assay(self, *words, status=0, **env):
        done = subprocess.run([BIN, *words], capture_output=True, text=True, cwd=self.folder, env=self.env | env,
                              timeout=250, check=False)
        self.assertEqual(done.returncode, status, f"assay {' '.join(words)}\n{done.stdout}\n{done.stderr}")
        return done

    def put(self, *names):
        """A plugin folder that holds these test plugins."""
        os.makedirs(self.path("plugins"), exist_ok=True)
        for name in names:
            shutil.copy(bad(name), self.path("plugins"))
        return self.path("plugins")

    # ---- list ----

    def test_list(self):
        folder = self.put("without_sin", "sin_load_crash", "sin_major_new")
        with open(os.path.join(folder, "words.so"), "w", encoding="utf-8") as file:
            file.write("just words\n")
        for _ in range(2):  # described, then from the index
            done = self.assay("plugin", "list", "--plugin-path", folder)
            self.assertRegex(done.stdout, r"(?m)^bad +1\.0 +no +worker +" + folder + "/without_sin.so$")
            self.assertIn("cannot be used:", done.stdout)
            self.assertIn("sin_load_crash.so: ends the process while being loaded: killed by signal 6", done.stdout)
            self.assertIn("sin_major_new.so: built for plugin ABI 99.3, this host", done.stdout)
            self.assertIn("words.so: a text file, not a shared library", done.stdout)
        self.assertTrue(os.path.exists(self.path("cache", "assay", "plugins.json")))

    def test_list_json(self):
        folder = self.put("without_sin", "sin_load_exit")
        out = json.loads(self.assay("plugin", "list", "--json", ASSAY_PLUGIN_PATH=folder).stdout)
        self.assertEqual(out["schema"], "assay.plugin_list/1")
        ours = {os.path.basename(p["path"]): p for p in out["plugins"]}
        good = ours["without_sin.so"]
        self.assertEqual((good["ours"], good["isolation"], good["problem"]), (False, "worker", None))
        self.assertEqual(good["verifiers"][0]["id"], "org.example.bad")
        self.assertIn("exited with status 0", ours["sin_load_exit.so"]["problem"])

    def test_own_plugins_run_in_process(self):
        out = json.loads(self.assay("plugin", "list", "--json").stdout)
        own = [p for p in out["plugins"] if os.path.dirname(p["path"]) == os.path.realpath(os.path.join(BUILD, "plugins"))]
        if not own:
            self.skipTest("no plugins of ours were built")
        examples = {"countdown.so", "coin.so"}  # built beside ours, and trusted no more than anybody's
        for plugin in own:
            is_ours = os.path.basename(plugin["path"]) not in examples
            self.assertEqual(plugin["ours"], is_ours, plugin["path"])
            self.assertEqual(plugin["isolation"], "inproc" if is_ours else "worker")

    def test_list_with_cache_read_only(self):
        folder = self.put("without_sin")
        with open(self.path("cache"), "w", encoding="utf-8"):
            pass  # a file where the cache folder should be: nobody can write there, root included
        done = self.assay("plugin", "list", "--plugin-path", folder)
        self.assertIn("without_sin.so", done.stdout)

    # ---- info ----

    def test_info(self):
        done = self.assay("plugin", "info", bad("without_sin"))
        for text in ("org.example.bad", "0 to 1", "1.0 (this host: 1.0)", "deterministic: ", "takes none",
                     "worker by default (not one of ours"):
            self.assertIn(text, done.stdout)
        self.assertRegex(done.stdout, r"sha256 +[0-9a-f]{64}\n")
        out = json.loads(self.assay("plugin", "info", "--json", bad("without_sin")).stdout)
        self.assertEqual(out["schema"], "assay.plugin_info/1")
        self.assertEqual(out["verifiers"][0]["flags"], ["deterministic", "reentrant"])
        self.assertEqual(out["verifiers"][0]["isolation"], "worker")

    def test_info_renders_the_schema(self):
        self.assay("plugin", "new", "mine")
        self.make("mine")
        done = self.assay("plugin", "info", "./mine/mine.so")
        self.assertIn("    ignore_case: boolean, default false\n", done.stdout)
        self.assertIn("compare without regard to ASCII case", done.stdout)
        self.assertIn("assay.answer/1 (it can vote)", done.stdout)

    def test_info_of_what_is_none(self):
        with open(self.path("text.so"), "w", encoding="utf-8") as file:
            file.write("hello\n")
        for plugin, text in ((self.path("text.so"), "a text file, not a shared library"),
                             (bad("sin_major_old"), "rebuild the plugin against this host's <assay/plugin.h>"),
                             (bad("sin_load_hang"), "hangs while being loaded"),
                             (bad("without_sin") + "#other", 'holds no verifier "other"')):
            done = self.assay("plugin", "info", plugin, status=5)
            self.assertIn(text, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertEqual(done.stdout, "")

    def test_missing_plugin_lists_the_paths(self):
        folder = self.put("without_sin")
        done = self.assay("plugin", "info", "bda", status=5, ASSAY_PLUGIN_PATH=folder)
        self.assertIn('plugin "bda" not found', done.stderr)
        self.assertIn('did you mean "bad"?', done.stderr)
        self.assertIn(f"{folder}/bda.so, {self.path('home')}/.local/lib/assay/plugins/bda.so", done.stderr)

    def test_operands(self):
        for command in ("info", "check", "new"):
            self.assay("plugin", command, status=2)
            self.assay("plugin", command, "a", "b", status=2)

    # ---- check ----

    def test_check(self):
        done = self.assay("plugin", "check", bad("without_sin"))
        lines = done.stdout.splitlines()
        self.assertTrue(all(line.split()[0] in ("ok", "skip") for line in lines[:-2]), done.stdout)
        self.assertRegex(lines[-1], r"^\d+ ok, 0 failed, \d+ skipped$")
        self.assertRegex(done.stdout, r"(?m)^skip +known +no known answers")

    def test_check_fails(self):
        done = self.assay("plugin", "check", bad("sin_range"), status=1)
        self.assertRegex(done.stdout, r"(?m)^FAIL +range +score 100 is outside 0\.\.1")
        out = json.loads(self.assay("plugin", "check", "--json", bad("sin_range"), status=1).stdout)
        self.assertEqual((out["schema"], out["ok"], out["failed"]), ("assay.plugin_check/1", False, 1))
        self.assertEqual([t["name"] for t in out["tests"] if t["state"] == "fail"], ["range"])

    def test_check_of_a_text_file(self):
        with open(self.path("text.so"), "w", encoding="utf-8") as file:
            file.write("hello\n")
        done = self.assay("plugin", "check", "./text.so", status=1)
        self.assertRegex(done.stdout, r"(?m)^FAIL +load +.*a text file")

    def test_fuzz_reproduces(self):
        done = self.assay("plugin", "check", bad("sin_fuzz"), "--fuzz", "2000", "--seed", "5", status=1)
        line = next(line for line in done.stdout.splitlines() if line.startswith("FAIL"))
        words = line.split("reproduce: assay ")[1].split()[:7]
        self.assertEqual(words[3:5], ["--fuzz", "1"])
        again = self.assay(*words, status=1)
        self.assertRegex(again.stdout, r"(?m)^FAIL +fuzz +round 1: ")

    def test_check_options(self):
        self.assay("plugin", "check", bad("without_sin"), "--config", "[]", status=2)
        self.assay("plugin", "check", bad("without_sin"), "--timeout-ms", "0", status=2)
        done = self.assay("plugin", "check", bad("without_sin"), "--known", "no_such.jsonl", status=3)
        self.assertIn("no_such.jsonl", done.stderr)

    # ---- new ----

    def make(self, name, compiler="CC"):
        env = self.env | {"ASSAY_INCLUDE": INCLUDE, "ASSAY": BIN}
        done = subprocess.run(["make", "-s"], cwd=self.path(name), env=env, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"{compiler}: {done.stdout}{done.stderr}")
        self.assertEqual(done.stderr, "")  # no warnings either

    def built_and_checked(self, name, *words):
        self.assay("plugin", "new", name, *words)
        self.make(name)
        done = self.assay("plugin", "check", f"./{name}/{name}.so", "--fuzz", "100", "--seed", "3")
        self.assertRegex(done.stdout, r"(?m)^31 ok, 0 failed, 0 skipped")
        return done

    def test_new_c(self):
        self.built_and_checked("mine")
        self.assertEqual(sorted(os.listdir(self.path("mine"))), ["CMakeLists.txt", "Makefile", "README.md", "exports.map",
                                                                 "mine.c", "mine.check.jsonl", "mine.so"])
        done = self.assay("verify", "--plugin", "./mine/mine.so", "--reference", "42", "--completion", "so it is\n42")
        self.assertIn("pass", done.stdout)

    def test_new_cxx(self):
        if not shutil.which("g++") and not shutil.which("c++"):
            self.skipTest("no C++ compiler")
        self.built_and_checked("second", "--lang", "c++")

    def test_new_is_strict_c(self):
        """The file itself, compiled by hand with everything on."""
        self.assay("plugin", "new", "plain")
        compiler = shutil.which("cc") or shutil.which("gcc")
        subprocess.run([compiler, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", "-shared", "-fPIC",
                        "-fvisibility=hidden", "-I", INCLUDE, "plain.c", "-o", "plain.so"],
                       cwd=self.path("plain"), check=True)
        self.assay("plugin", "check", "./plain/plain.so")

    def test_new_leaves_no_token(self):
        self.assay("plugin", "new", "mine", "--dir", "deep/er")
        for name in os.listdir(self.path("deep/er/mine")):
            with open(self.path("deep/er/mine", name), encoding="utf-8") as file:
                self.assertNotRegex(file.read(), r"@[A-Z]+@", name)

    def test_new_refuses(self):
        for name in ("", "Mine", "1st", "a/b", "..", "a-b", "a b", "x" * 41, "münze"):
            done = self.assay("plugin", "new", "--", name, status=2)
            self.assertIn("cannot be a plugin's name", done.stderr)
        os.mkdir(self.path("there"))
        done = self.assay("plugin", "new", "there", status=2)
        self.assertIn("is there already", done.stderr)
        self.assertEqual(os.listdir(self.path("there")), [])


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=1))
