/* test_check_load.c -- `plugin check` finds each sin of a file, of its loading and of its
 * configuration, by the test that is meant to find it. SPDX-License-Identifier: Apache-2.0 */
#include "check_rows.h"

static const check_row rows[] = {
    { .plugin = "without_sin", .failing = "" },
    { .plugin = "sin_no_symbol",
      .failing = "symbols load",
      .says = "does not export assay_plugin_entry" },
    { .plugin = "sin_magic", .failing = "load", .says = "0x12345678" },
    { .plugin = "sin_major_new",
      .failing = "load",
      .says = "built for plugin ABI 99.3, this host" },
    { .plugin = "sin_major_old", .failing = "load", .says = "rebuild the plugin" },
    { .plugin = "sin_null_list", .failing = "load", .says = "lists no verifiers" },
    { .plugin = "sin_small_entry", .failing = "load", .says = "size 16" },
    { .plugin = "sin_small_descriptor", .failing = "load", .says = "size 64" },
    { .plugin = "sin_load_crash", .failing = "load", .says = "killed by signal 6" },
    { .plugin = "sin_load_hang",
      .failing = "load",
      .says = "no result within 700 ms",
      .timeout_ms = 700 },
    { .plugin = "sin_load_exit", .failing = "load", .says = "exited with status 0" },
    { .plugin = "sin_load_slow", .failing = "load_time", .says = "at most 100" },
    { .plugin = "sin_load_thread", .failing = "side_effects", .says = "thread" },
    { .plugin = "sin_load_fd", .failing = "side_effects", .says = "/dev/null" },
    { .plugin = "sin_load_env", .failing = "side_effects", .says = "environment" },
    { .plugin = "sin_load_signal", .failing = "side_effects", .says = "signal 13" },
    { .plugin = "sin_load_cwd", .failing = "side_effects", .says = "/proc/" },
    { .plugin = "sin_load_stdout", .failing = "quiet", .says = "hello" },
    { .plugin = "sin_two_symbols", .failing = "symbols", .says = "sin_helper" },
    { .plugin = "sin_bad_id", .failing = "descriptor", .says = "org.example.name" },
    { .plugin = "sin_revision", .failing = "descriptor", .says = "revision is 0" },
    { .plugin = "sin_schema", .failing = "descriptor", .says = "config_schema" },
    { .plugin = "sin_extension", .failing = "extensions", .says = "assay.no_such_extension/1" },
    { .plugin = "sin_unknown_key", .failing = "unknown_key", .says = "assay_no_such_key" },
    { .plugin = "sin_config_type", .failing = "config_type", .says = "accepts []" },
    { .plugin = "sin_no_text", .failing = "unknown_key config_type", .says = "without a text" },
};

int main(void)
{
    return check_all(rows, sizeof rows / sizeof *rows);
}
