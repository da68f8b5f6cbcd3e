/* layout.h -- the ABI of plugin.h, number by number: S(struct, size), F(struct, field, offset, size), V(constant, value).
 * Released plugins were compiled against these. A line may be added when a field is appended; none may ever change.
 * SPDX-License-Identifier: Apache-2.0 */
#define LAYOUT(S, F)                                                                                                   \
    S(assay_str, 16)                                                                                                   \
    F(assay_str, data, 0, 8)                                                                                           \
    F(assay_str, len, 8, 8)                                                                                            \
    S(assay_error, 256)                                                                                                \
    F(assay_error, size, 0, 4)                                                                                         \
    F(assay_error, code, 4, 4)                                                                                         \
    F(assay_error, text, 8, 248)                                                                                       \
    S(assay_batch, 56)                                                                                                 \
    F(assay_batch, size, 0, 4)                                                                                         \
    F(assay_batch, n, 4, 4)                                                                                            \
    F(assay_batch, prompt, 8, 8)                                                                                       \
    F(assay_batch, completion, 16, 8)                                                                                  \
    F(assay_batch, reference, 24, 8)                                                                                   \
    F(assay_batch, meta, 32, 8)                                                                                        \
    F(assay_batch, group, 40, 8)                                                                                       \
    F(assay_batch, seed, 48, 8)                                                                                        \
    S(assay_scores, 24)                                                                                                \
    F(assay_scores, size, 0, 4)                                                                                        \
    F(assay_scores, n, 4, 4)                                                                                           \
    F(assay_scores, score, 8, 8)                                                                                       \
    F(assay_scores, verdict, 16, 8)                                                                                    \
    S(assay_call, 40)                                                                                                  \
    F(assay_call, size, 0, 4)                                                                                          \
    F(assay_call, flags, 4, 4)                                                                                         \
    F(assay_call, data, 8, 8)                                                                                          \
    F(assay_call, deadline_ns, 16, 8)                                                                                  \
    F(assay_call, cancelled, 24, 8)                                                                                    \
    F(assay_call, emit, 32, 8)                                                                                         \
    S(assay_host, 48)                                                                                                  \
    F(assay_host, size, 0, 4)                                                                                          \
    F(assay_host, abi_minor, 4, 4)                                                                                     \
    F(assay_host, data, 8, 8)                                                                                          \
    F(assay_host, name, 16, 8)                                                                                         \
    F(assay_host, version, 24, 8)                                                                                      \
    F(assay_host, log, 32, 8)                                                                                          \
    F(assay_host, service, 40, 8)                                                                                      \
    S(assay_verifier, 48)                                                                                              \
    F(assay_verifier, size, 0, 4)                                                                                      \
    F(assay_verifier, flags, 4, 4)                                                                                     \
    F(assay_verifier, data, 8, 8)                                                                                      \
    F(assay_verifier, destroy, 16, 8)                                                                                  \
    F(assay_verifier, score, 24, 8)                                                                                    \
    F(assay_verifier, extension, 32, 8)                                                                                \
    F(assay_verifier, score_min, 40, 4)                                                                                \
    F(assay_verifier, score_max, 44, 4)                                                                                \
    S(assay_descriptor, 96)                                                                                            \
    F(assay_descriptor, size, 0, 4)                                                                                    \
    F(assay_descriptor, flags, 4, 4)                                                                                   \
    F(assay_descriptor, id, 8, 8)                                                                                      \
    F(assay_descriptor, name, 16, 8)                                                                                   \
    F(assay_descriptor, version, 24, 8)                                                                                \
    F(assay_descriptor, license, 32, 8)                                                                                \
    F(assay_descriptor, summary, 40, 8)                                                                                \
    F(assay_descriptor, url, 48, 8)                                                                                    \
    F(assay_descriptor, tags, 56, 8)                                                                                   \
    F(assay_descriptor, config_schema, 64, 8)                                                                          \
    F(assay_descriptor, revision, 72, 4)                                                                               \
    F(assay_descriptor, cost_us, 76, 4)                                                                                \
    F(assay_descriptor, score_min, 80, 4)                                                                              \
    F(assay_descriptor, score_max, 84, 4)                                                                              \
    F(assay_descriptor, create, 88, 8)                                                                                 \
    S(assay_entry, 24)                                                                                                 \
    F(assay_entry, magic, 0, 4)                                                                                        \
    F(assay_entry, abi_major, 4, 4)                                                                                    \
    F(assay_entry, abi_minor, 8, 4)                                                                                    \
    F(assay_entry, size, 12, 4)                                                                                        \
    F(assay_entry, verifiers, 16, 8)                                                                                   \
    S(assay_ext_answer, 24)                                                                                            \
    F(assay_ext_answer, size, 0, 4)                                                                                    \
    F(assay_ext_answer, flags, 4, 4)                                                                                   \
    F(assay_ext_answer, extract, 8, 8)                                                                                 \
    F(assay_ext_answer, same, 16, 8)                                                                                   \
    S(assay_ext_tasks, 56)                                                                                             \
    F(assay_ext_tasks, size, 0, 4)                                                                                     \
    F(assay_ext_tasks, flags, 4, 4)                                                                                    \
    F(assay_ext_tasks, kinds, 8, 8)                                                                                    \
    F(assay_ext_tasks, seeds, 16, 8)                                                                                   \
    F(assay_ext_tasks, from_kinds, 24, 8)                                                                              \
    F(assay_ext_tasks, propose, 32, 8)                                                                                 \
    F(assay_ext_tasks, validate, 40, 8)                                                                                \
    F(assay_ext_tasks, pose, 48, 8)                                                                                    \
    S(assay_run, 224)                                                                                                  \
    F(assay_run, size, 0, 4)                                                                                           \
    F(assay_run, n_calls, 4, 4)                                                                                        \
    F(assay_run, language, 8, 8)                                                                                       \
    F(assay_run, policy, 16, 8)                                                                                        \
    F(assay_run, prelude, 24, 8)                                                                                       \
    F(assay_run, source, 32, 16)                                                                                       \
    F(assay_run, tester, 48, 16)                                                                                       \
    F(assay_run, entry_point, 64, 8)                                                                                   \
    F(assay_run, calls, 72, 8)                                                                                         \
    F(assay_run, file_name, 80, 8)                                                                                     \
    F(assay_run, file_data, 88, 8)                                                                                     \
    F(assay_run, n_files, 96, 4)                                                                                       \
    F(assay_run, cpu_ms, 100, 4)                                                                                       \
    F(assay_run, wall_ms, 104, 4)                                                                                      \
    F(assay_run, mem_mib, 108, 4)                                                                                      \
    F(assay_run, out_kib, 112, 4)                                                                                      \
    F(assay_run, max_procs, 116, 4)                                                                                    \
    F(assay_run, input, 120, 16)                                                                                       \
    F(assay_run, status, 136, 4)                                                                                       \
    F(assay_run, exit_code, 140, 4)                                                                                    \
    F(assay_run, signal, 144, 4)                                                                                       \
    F(assay_run, denied_syscall, 148, 4)                                                                               \
    F(assay_run, cpu_us, 152, 8)                                                                                       \
    F(assay_run, wall_us, 160, 8)                                                                                      \
    F(assay_run, peak_kib, 168, 8)                                                                                     \
    F(assay_run, values, 176, 8)                                                                                       \
    F(assay_run, call_status, 184, 8)                                                                                  \
    F(assay_run, output, 192, 16)                                                                                      \
    F(assay_run, errors, 208, 16)                                                                                      \
    S(assay_svc_sandbox, 16)                                                                                           \
    F(assay_svc_sandbox, size, 0, 4)                                                                                   \
    F(assay_svc_sandbox, flags, 4, 4)                                                                                  \
    F(assay_svc_sandbox, run, 8, 8)                                                                                    \
    S(assay_svc_verifiers, 48)                                                                                         \
    F(assay_svc_verifiers, size, 0, 4)                                                                                 \
    F(assay_svc_verifiers, flags, 4, 4)                                                                                \
    F(assay_svc_verifiers, open, 8, 8)                                                                                 \
    F(assay_svc_verifiers, score, 16, 8)                                                                               \
    F(assay_svc_verifiers, classes, 24, 8)                                                                             \
    F(assay_svc_verifiers, extract, 32, 8)                                                                             \
    F(assay_svc_verifiers, same, 40, 8)                                                                                \
    S(assay_svc_model, 32)                                                                                             \
    F(assay_svc_model, size, 0, 4)                                                                                     \
    F(assay_svc_model, flags, 4, 4)                                                                                    \
    F(assay_svc_model, open, 8, 8)                                                                                     \
    F(assay_svc_model, reward, 16, 8)                                                                                  \
    F(assay_svc_model, logp, 24, 8)                                                                                    \
    /* the end */
#define CONSTANTS(V)                                                                                                   \
    V(ASSAY_OK, 0)                                                                                                     \
    V(ASSAY_E_FAIL, -1)                                                                                                \
    V(ASSAY_E_NOMEM, -2)                                                                                               \
    V(ASSAY_E_ARG, -3)                                                                                                 \
    V(ASSAY_E_CONFIG, -4)                                                                                              \
    V(ASSAY_E_UNSUPPORTED, -5)                                                                                         \
    V(ASSAY_E_CANCELLED, -6)                                                                                           \
    V(ASSAY_E_IO, -7)                                                                                                  \
    V(ASSAY_UNSET, 0)                                                                                                  \
    V(ASSAY_PASS, 1)                                                                                                   \
    V(ASSAY_FAIL, 2)                                                                                                   \
    V(ASSAY_NO_ANSWER, 3)                                                                                              \
    V(ASSAY_TIMEOUT, 4)                                                                                                \
    V(ASSAY_ABSTAIN, 5)                                                                                                \
    V(ASSAY_ERROR, 6)                                                                                                  \
    V(ASSAY_OUT_EXPLAIN, 0)                                                                                            \
    V(ASSAY_OUT_KEY, 1)                                                                                                \
    V(ASSAY_OUT_PROMPT, 2)                                                                                             \
    V(ASSAY_OUT_TASK, 3)                                                                                               \
    V(ASSAY_OUT_REFERENCE, 4)                                                                                          \
    V(ASSAY_OUT_ANSWER, 5)                                                                                             \
    V(ASSAY_OUT_RULE, 6)                                                                                               \
    V(ASSAY_OUT_REASON, 7)                                                                                             \
    V(ASSAY_OUT_METRICS, 8)                                                                                            \
    V(ASSAY_OUT_DETAIL, 9)                                                                                             \
    V(ASSAY_OUT_SPANS, 10)                                                                                             \
    V(ASSAY_WANT_EXPLAIN, 1)                                                                                           \
    V(ASSAY_WANT_ANSWER, 2)                                                                                            \
    V(ASSAY_WANT_DETAIL, 4)                                                                                            \
    V(ASSAY_LOG_DEBUG, 0)                                                                                              \
    V(ASSAY_LOG_INFO, 1)                                                                                               \
    V(ASSAY_LOG_WARN, 2)                                                                                               \
    V(ASSAY_LOG_ERROR, 3)                                                                                              \
    V(ASSAY_F_DETERMINISTIC, 1)                                                                                        \
    V(ASSAY_F_REENTRANT, 2)                                                                                            \
    V(ASSAY_F_PROCESS_GLOBAL, 4)                                                                                       \
    V(ASSAY_F_NEEDS_GROUP, 8)                                                                                          \
    V(ASSAY_F_NEEDS_REFERENCE, 16)                                                                                     \
    V(ASSAY_F_USES_SANDBOX, 32)                                                                                        \
    V(ASSAY_F_USES_NETWORK, 64)                                                                                        \
    V(ASSAY_F_BLOCKS, 128)                                                                                             \
    V(ASSAY_MAGIC, 1497453377)                                                                                         \
    V(ASSAY_ABI_MAJOR, 1)                                                                                              \
    V(ASSAY_ABI_MINOR, 0)                                                                                              \
    /* the end */
#define TEXTS(T)                                                                                                       \
    T(ASSAY_EXT_ANSWER, "assay.answer/1")                                                                              \
    T(ASSAY_EXT_TASKS, "assay.tasks/1")                                                                                \
    T(ASSAY_SVC_SANDBOX, "assay.sandbox/1")                                                                            \
    T(ASSAY_SVC_VERIFIERS, "assay.verifiers/1")                                                                        \
    T(ASSAY_SVC_MODEL, "assay.model/1")                                                                                \
    /* the end */
