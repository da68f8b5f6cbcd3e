/* log.h -- messages for people, from anywhere in the host. Nothing below the command line prints: lines go to
 * the sink that was set (the command line writes them to stderr; an embedder may take them).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_BASE_LOG_H
#define AS_BASE_LOG_H
typedef enum as_log_level { AS_LOG_DEBUG, AS_LOG_INFO, AS_LOG_WARN, AS_LOG_ERROR } as_log_level;
typedef void (*as_log_sink)(void *data, as_log_level level, const char *line);
void as_log_set(as_log_sink sink, void *data, as_log_level least); /* before threads start; NULL: silence */
void as_log(as_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3))); /* any thread */
#endif
